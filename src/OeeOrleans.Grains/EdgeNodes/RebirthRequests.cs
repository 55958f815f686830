using Microsoft.Extensions.Logging;
using OeeOrleans.Model;
using OeeOrleans.Sparkplug.Session;

namespace OeeOrleans.Grains.EdgeNodes;

/// <summary>Asks one edge node for rebirths: at most one per ten seconds, and until it came.</summary>
internal sealed class RebirthRequests(ICommandPublisher commands, TimeProvider clock, ILogger log)
{
    private static readonly TimeSpan Between = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private string? _reason;
    private long? _sentAt;

    public long Count { get; private set; }

    public void Want(string reason) => _reason ??= reason;

    /// <summary>The node was born: whatever was asked for is answered.</summary>
    public void Born() => _reason = null;

    public async Task SendDueAsync(string edgeNode)
    {
        if (_reason is null || (_sentAt is { } sent && clock.GetElapsedTime(sent) < Between)) return;
        var slash = edgeNode.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0) return;
        _sentAt = clock.GetTimestamp();
        var (topic, payload) = NodeCommands.Rebirth(edgeNode[..slash], edgeNode[(slash + 1)..], (ulong)(UnixMicros.Now(clock) / UnixMicros.PerMillisecond));
        using var limit = new CancellationTokenSource(Timeout, clock);
        try
        {
            await commands.PublishAsync(topic, payload, limit.Token);
            Count++;
            GrainMetrics.Rebirths.WithLabels(edgeNode).Inc();
            Log.RebirthRequested(log, edgeNode, _reason);
        }
        catch (Exception error)
        {
            // The data of this delivery is stored; not being able to ask must not make it come again.
            Log.RebirthFailed(log, edgeNode, error.Message);
        }
    }
}
