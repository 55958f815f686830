namespace OeeOrleans.Grains.EdgeNodes;

/// <summary>
/// Rebirth requests of one process: at most so many a second over all edge nodes, so that a restart does not make a storm of births.
/// </summary>
public sealed class RebirthLimiter(TimeProvider clock, int perSecond = RebirthLimiter.DefaultPerSecond)
{
    public const int DefaultPerSecond = 20;

    private readonly Lock _lock = new();
    private double _tokens = perSecond;
    private long _at = clock.GetTimestamp();

    /// <summary>Whether one more may go now.</summary>
    public bool TryTake()
    {
        lock (_lock)
        {
            var now = clock.GetTimestamp();
            _tokens = Math.Min(perSecond, _tokens + (clock.GetElapsedTime(_at, now).TotalSeconds * perSecond));
            _at = now;
            if (_tokens < 1) return false;
            _tokens--;
            return true;
        }
    }
}
