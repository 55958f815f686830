namespace OeeOrleans.Edge.Commands;

/// <summary>How much of what strangers send is written down: twenty a minute. Not safe for concurrent use.</summary>
internal sealed class RefusalQuota(TimeProvider clock)
{
    private const int PerMinute = 20;

    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    private long? _began;
    private int _taken;
    private long _skipped;

    /// <param name="skipped">How many were not since one was.</param>
    public bool Takes(out long skipped)
    {
        if (_began is not { } began || clock.GetElapsedTime(began) >= Minute) (_began, _taken) = (clock.GetTimestamp(), 0);
        skipped = _skipped;
        if (_taken >= PerMinute)
        {
            _skipped++;
            return false;
        }

        (_taken, _skipped) = (_taken + 1, 0);
        return true;
    }
}
