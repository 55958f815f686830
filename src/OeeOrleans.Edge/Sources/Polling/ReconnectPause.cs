namespace OeeOrleans.Edge.Sources.Polling;

/// <summary>
/// Pauses between attempts to connect. A PLC that refuses is asked ever more seldom, up to a minute; one that is not there is asked every
/// five seconds at least, which costs nothing, so that its return is noticed at once.
/// </summary>
/// <param name="random">Of the jitter.</param>
/// <param name="first">The first pause; null: 2 s.</param>
internal sealed class ReconnectPause(Random random, TimeSpan? first = null)
{
    private const double Jitter = 0.25;
    private readonly TimeSpan _first = first ?? TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongestAway = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestRefused = TimeSpan.FromSeconds(60);

    /// <summary>A connection that held for so long was none that is made and lost again and again.</summary>
    private static readonly TimeSpan Steady = TimeSpan.FromSeconds(10);

    private TimeSpan _last;

    /// <summary>An attempt failed.</summary>
    /// <param name="isAway">Nobody answered, rather than refused.</param>
    public TimeSpan AfterFailure(bool isAway)
    {
        var most = isAway ? LongestAway : LongestRefused;
        var next = _last == TimeSpan.Zero ? _first : _last * 2;
        _last = next < most ? next : most;
        // A thousand edges must not come back in the same instant.
        var jittered = _last * (1 - Jitter + (2 * Jitter * random.NextDouble()));
        return jittered < most ? jittered : most;
    }

    /// <summary>A connection was lost: the first attempt follows at once if it had held.</summary>
    public TimeSpan AfterLoss(TimeSpan held)
    {
        if (held < Steady) return AfterFailure(isAway: true);
        _last = TimeSpan.Zero;
        return TimeSpan.Zero;
    }
}
