using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OeeOrleans.Model;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Access.Audit;

/// <summary>
/// What was refused, for the audit log: ten thousand refusals of one kind in a minute are one entry with a number, so that whoever is refused
/// cannot fill the disk. Bounded; safe for concurrent use.
/// </summary>
public sealed class RefusalLog(IAccessStore store, TimeProvider clock, ILogger<RefusalLog> log) : BackgroundService
{
    /// <summary>Kinds of refusals within one period; more are counted together.</summary>
    private const int MaxKinds = 500;

    private const int MaxText = 200;

    private static readonly TimeSpan Period = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<Kind, Counted> _now = new();

    /// <param name="actor">Who, as far as it is known.</param>
    /// <param name="action">What was refused: `sign_in.refused`, `request.refused`.</param>
    /// <param name="target">The user or path.</param>
    /// <param name="origin">From where.</param>
    /// <param name="why">Why.</param>
    public void Note(string actor, string action, string target, string origin, string why)
    {
        var kind = new Kind(actor, action, Short(target), origin, why);
        if (_now.Count >= MaxKinds && !_now.ContainsKey(kind))
        {
            AccessMetrics.AuditLost.Inc();
            kind = new Kind("unknown", action, "others", "others", why);
        }

        _now.GetOrAdd(kind, _ => new Counted(UnixMicros.Now(clock))).Add();
    }

    /// <summary>Writes what is there now.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        var taken = new List<(Kind Kind, Counted Counted)>();
        foreach (var kind in _now.Keys) if (_now.TryRemove(kind, out var counted)) taken.Add((kind, counted));
        if (taken.Count == 0) return;
        try
        {
            await store.AppendAuditAsync(
                [.. taken.OrderBy(t => t.Counted.FirstUs).Select(t => Entry(t.Kind, t.Counted))], cancellationToken);
        }
        catch
        {
            // They are tried again, together with what has come meanwhile.
            foreach (var (kind, counted) in taken) _now.GetOrAdd(kind, _ => new Counted(counted.FirstUs)).Add(counted.Count);
            throw;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(Period, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await TryFlushAsync();
        }
    }

    private async Task TryFlushAsync()
    {
        try
        {
            using var limit = new CancellationTokenSource(Limit, clock);
            await FlushAsync(limit.Token);
        }
        catch (Exception error) when (error is StoreUnavailableException or OperationCanceledException)
        {
            Log.AuditWaits(log, _now.Count, error.Message);
        }
    }

    private static AuditEntry Entry(Kind kind, Counted counted) => new(
        counted.FirstUs, kind.Actor, kind.Action, kind.Target, JsonSerializer.Serialize(new { why = kind.Why, count = counted.Count }))
    {
        Origin = kind.Origin,
    };

    private static string Short(string text) => text.Length > MaxText ? text[..MaxText] : text;

    private sealed record Kind(string Actor, string Action, string Target, string Origin, string Why);

    private sealed class Counted(long firstUs)
    {
        private long _count;

        public long FirstUs => firstUs;

        public long Count => Interlocked.Read(ref _count);

        public void Add(long count = 1) => Interlocked.Add(ref _count, count);
    }
}
