namespace OeeOrleans.Edge.Sources.OpcUa;

/// <summary>
/// How far a server's clock is ahead of ours, from asking it for its time. Against our stopwatch, so that nothing is measured anew when our
/// clock is set. Many servers refresh the time they tell but once a second: the most of the last measurements counts.
/// </summary>
internal sealed class ServerClock(TimeProvider clock)
{
    private const int Kept = 10;

    /// <summary>A server's time may be so old; when it is behind by more, its clock was set back.</summary>
    private const double RefreshMs = 1_500;

    /// <summary>An answer that took longer says little.</summary>
    private const double SlowMs = 200;

    private readonly Lock _lock = new();

    /// <summary>The server's clock against the stopwatch.</summary>
    private readonly Queue<double> _offsetsMs = new();
    private double? _offsetMs;

    /// <summary>It is from a slow answer, for want of a better one.</summary>
    private bool _isRough;

    /// <summary>Milliseconds; 0 before it was measured.</summary>
    public long AheadMs
    {
        get
        {
            lock (_lock) return _offsetMs is { } offset ? (long)Math.Round(offset - OfClock(clock.GetUtcNow().UtcDateTime)) : 0;
        }
    }

    /// <param name="server">The time the server told.</param>
    /// <param name="askedAt">The stopwatch when it was asked.</param>
    public void Take(DateTime server, long askedAt)
    {
        var tookMs = clock.GetElapsedTime(askedAt).TotalMilliseconds;
        var offsetMs = OfClock(server) + (tookMs / 2);
        lock (_lock)
        {
            var isSlow = tookMs > SlowMs;
            if (_offsetMs is not null && isSlow) return;
            if (_isRough || offsetMs < _offsetMs - RefreshMs) _offsetsMs.Clear();
            _isRough = isSlow;
            _offsetsMs.Enqueue(offsetMs);
            if (_offsetsMs.Count > Kept) _offsetsMs.Dequeue();
            _offsetMs = _offsetsMs.Max();
        }
    }

    private double OfClock(DateTime time) => (time - DateTime.UnixEpoch - clock.GetElapsedTime(0)).TotalMilliseconds;
}
