namespace OeeOrleans.OpcUa.Sessions;

/// <summary>
/// How long to wait before the next attempt. A server that refuses is asked ever more seldom; a host that takes no connection is asked
/// steadily, which costs nothing, so that its return is noticed at once.
/// </summary>
internal sealed class Backoff(OpcUaClientOptions options, Random random)
{
    private const double Jitter = 0.25;

    private TimeSpan _refused;
    private TimeSpan _unreachable;

    /// <param name="isAway">Nobody answered, rather than refused.</param>
    public TimeSpan Next(bool isAway)
    {
        if (isAway)
        {
            _refused = TimeSpan.Zero;
            return _unreachable = Grow(_unreachable, options.MaxPauseUnreachable);
        }

        _unreachable = TimeSpan.Zero;
        return _refused = Grow(_refused, options.MaxPause);
    }

    /// <summary>Connected: the next loss is another one.</summary>
    public void Reset() => (_refused, _unreachable) = (TimeSpan.Zero, TimeSpan.Zero);

    /// <summary>Twice as long, give or take a quarter: a thousand clients must not come back in the same instant.</summary>
    private TimeSpan Grow(TimeSpan last, TimeSpan most)
    {
        var next = last == TimeSpan.Zero ? options.MinPause : last * 2;
        if (next > most) next = most;
        var jittered = next * (1 - Jitter + (2 * Jitter * random.NextDouble()));
        return jittered > most ? most : jittered;
    }
}
