using Microsoft.Extensions.Logging;
using OeeOrleans.CommitProtocol;
using OeeOrleans.Model;
using OeeOrleans.Sparkplug.Session;

namespace OeeOrleans.Grains.EdgeNodes;

/// <summary>Tells one of our own edge nodes how far its records are committed: when the mark moved, a few times a second at most; and while
/// records are missing below others, now and then again, so that the edge sends them once more.</summary>
internal sealed class CommitMarks(ICommandPublisher commands, TimeProvider clock, ILogger log)
{
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan Remind = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Timeout = TimeSpan.FromSeconds(5);

    /// <summary>A broker that is away need not be asked with every commit.</summary>
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(3);

    private long? _failedAt;
    private (string Queue, ulong Mark)? _told;
    private long _toldAt;

    /// <summary>The edge was born: it must hear where it stands, whatever it was told before.</summary>
    public void Born() => _told = null;

    /// <summary>Whether there is something to tell now or soon.</summary>
    public bool IsOwed(CommittedRecords committed) =>
        committed.Queue is { } queue && (_told != (queue, committed.Mark) || committed.HasHoles);

    /// <summary>Call after a commit only.</summary>
    public async Task TellDueAsync(string edgeNode, CommittedRecords committed)
    {
        if (committed.Queue is not { } queue || !IsOwed(committed)) return;
        var news = _told != (queue, committed.Mark);
        if (_told is not null && clock.GetElapsedTime(_toldAt) < (news ? Between : Remind)) return;
        if (_failedAt is { } failed && clock.GetElapsedTime(failed) < AfterFailure) return;
        var slash = edgeNode.IndexOf('/', StringComparison.Ordinal);
        var (topic, payload) = CommitMetrics.TellMark(
            edgeNode[..slash], edgeNode[(slash + 1)..], queue, committed.Mark, (ulong)(UnixMicros.Now(clock) / UnixMicros.PerMillisecond));
        using var limit = new CancellationTokenSource(Timeout, clock);
        try
        {
            await commands.PublishAsync(topic, payload, limit.Token);
            (_told, _toldAt) = ((queue, committed.Mark), clock.GetTimestamp());
            _failedAt = null;
            GrainMetrics.CommitMarks.Inc();
        }
        catch (Exception error)
        {
            // The data is stored; the edge keeps its records until a later mark comes through.
            _failedAt = clock.GetTimestamp();
            Log.MarkFailed(log, edgeNode, error.Message, error);
        }
    }
}
