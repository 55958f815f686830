namespace OeeOrleans.Grains.Machines;

/// <summary>
/// What a machine was shown that the store does not hold yet, by delivery. While there is any, nothing that is computed may be stored. A
/// delivery ends by being committed, by being taken back, by a new life of its edge node, or by not being spoken of any more; in all cases
/// but the first the machine is dirty from its oldest sample on.
/// </summary>
internal sealed class AheadBook(TimeProvider clock)
{
    /// <summary>An edge node speaks of its open deliveries every few seconds.</summary>
    private static readonly TimeSpan Forgotten = TimeSpan.FromSeconds(60);

    private readonly Dictionary<string, (long OldestUs, long SpokenOfAt)> _open = [];

    public bool IsEmpty => _open.Count == 0;

    /// <summary>A delivery was shown, or is spoken of again.</summary>
    /// <returns>The oldest source time of deliveries that ended with this one's life; null when none did.</returns>
    public long? Shown(string delivery, long oldestUs)
    {
        var life = LifeOf(delivery);
        var node = NodeOf(delivery);
        var ended = EndAll(d => NodeOf(d) == node && LifeOf(d) != life);
        var before = _open.TryGetValue(delivery, out var known) ? known.OldestUs : long.MaxValue;
        _open[delivery] = (Math.Min(before, oldestUs), clock.GetTimestamp());
        return ended;
    }

    public void Committed(string delivery) => _open.Remove(delivery);

    /// <returns>The oldest source time of it; null when it was never shown.</returns>
    public long? TakenBack(string delivery) => EndAll(d => d == delivery);

    /// <returns>The oldest source time of deliveries nobody speaks of any more; null when there are none.</returns>
    public long? EndForgotten() => _open.Count == 0 ? null : EndAll(d => clock.GetElapsedTime(_open[d].SpokenOfAt) > Forgotten);

    private long? EndAll(Func<string, bool> which)
    {
        long? oldest = null;
        foreach (var delivery in _open.Keys.Where(which).ToList())
        {
            oldest = Math.Min(oldest ?? long.MaxValue, _open[delivery].OldestUs);
            _open.Remove(delivery);
        }

        return oldest;
    }

    private static string NodeOf(string delivery) => delivery[..delivery.IndexOf('|', StringComparison.Ordinal)];

    private static string LifeOf(string delivery) => delivery[..delivery.LastIndexOf('|')];
}
