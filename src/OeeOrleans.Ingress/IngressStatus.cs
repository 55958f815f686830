using System.Collections.Concurrent;
using OeeOrleans.Model;

namespace OeeOrleans.Ingress;

/// <summary>What this process knows of its connections to the broker.</summary>
public sealed class IngressStatus : IReadinessCheck
{
    private readonly ConcurrentDictionary<string, string> _notOnline = new(StringComparer.Ordinal);

    public string Name => "broker";

    /// <summary>What is wrong with which connection; null when all of them are up, or were given up on purpose.</summary>
    public Task<string?> WhyNotAsync(CancellationToken cancellationToken) =>
        Task.FromResult(_notOnline.IsEmpty ? null : string.Join("; ", _notOnline.OrderBy(p => p.Key).Select(p => $"{p.Key}: {p.Value}")));

    /// <summary>A connection is up, or was given up on purpose.</summary>
    internal void Fine(string connection) => _notOnline.TryRemove(connection, out _);

    internal void Bad(string connection, string why) => _notOnline[connection] = why;
}
