using Microsoft.Extensions.Logging;
using OeeOrleans.Model;
using OeeOrleans.Sparkplug.Session;

namespace OeeOrleans.Grains.EdgeNodes;

/// <summary>Asks one edge node for rebirths: at most one per ten seconds and until it came, after the reorder timeout where messages may
/// only be late, with some jitter, and no more over all nodes than the limiter allows.</summary>
internal sealed class RebirthRequests(ICommandPublisher commands, RebirthLimiter limiter, TimeProvider clock, ILogger log)
{
    /// <summary>How long messages that are missing may still come (tck-id-operational-behavior-host-reordering-param).</summary>
    public static readonly TimeSpan ReorderTimeout = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan Between = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan MaxJitter = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    private string? _reason;
    private long _wantedAt;
    private TimeSpan _after;
    private long? _sentAt;
    private bool _gapOnly;

    public long Count { get; private set; }

    /// <summary>Whether a request is to be sent now or soon.</summary>
    public bool IsOwed => _reason is not null;

    /// <summary>Nothing can be understood without a rebirth: asked for at once, but for the jitter.</summary>
    public void Want(string reason) => Want(reason, TimeSpan.Zero, gap: false);

    /// <summary>Messages are missing that may still come.</summary>
    public void WantUnlessFilled(string reason) => Want(reason, ReorderTimeout, gap: true);

    /// <summary>Every message that was missing has come after all.</summary>
    public void Filled()
    {
        if (_gapOnly) _reason = null;
    }

    /// <summary>The node was born: whatever was asked for is answered.</summary>
    public void Born() => _reason = null;

    public async Task SendDueAsync(string edgeNode)
    {
        if (_reason is null || clock.GetElapsedTime(_wantedAt) < _after || (_sentAt is { } sent && clock.GetElapsedTime(sent) < Between))
        {
            return;
        }

        var slash = edgeNode.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || !limiter.TryTake()) return;
        _sentAt = clock.GetTimestamp();
        var (topic, payload) = NodeCommands.Rebirth(
            edgeNode[..slash], edgeNode[(slash + 1)..], (ulong)(UnixMicros.Now(clock) / UnixMicros.PerMillisecond));
        using var limit = new CancellationTokenSource(Timeout, clock);
        try
        {
            await commands.PublishAsync(topic, payload, limit.Token);
            Count++;
            GrainMetrics.Rebirths.WithLabels(GrainMetrics.Label(edgeNode)).Inc();
            Log.RebirthRequested(log, edgeNode, _reason);
        }
        catch (Exception error)
        {
            // The data of this delivery is stored; not being able to ask must not make it come again.
            Log.RebirthFailed(log, edgeNode, error.Message, error);
        }
    }

    private void Want(string reason, TimeSpan after, bool gap)
    {
        if (_reason is not null && (gap || !_gapOnly)) return;
        (_reason, _gapOnly, _wantedAt) = (reason, gap, clock.GetTimestamp());
        _after = after + (MaxJitter * Random.Shared.NextDouble());
    }
}
