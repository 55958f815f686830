namespace OeeOrleans.Grains.Machines;

/// <summary>What is stored of a machine's recent events, so that only changes are written and events that never were are removed.</summary>
internal sealed class EventLedger<T>(Func<T, string> idOf, Func<T, long> startOf, Func<T, long?> endOf, Func<T, T, bool> same)
    where T : class
{
    private readonly Dictionary<string, T> _stored = [];

    public void Load(IEnumerable<T> stored)
    {
        foreach (var item in stored) _stored[idOf(item)] = item;
    }

    /// <param name="computed">Events as the engine knows them.</param>
    /// <param name="sinceUs">All that started after this are among them.</param>
    public (List<T> Changed, List<string> Removed) Next(IReadOnlyList<T> computed, long sinceUs)
    {
        // One that began before the engine's knowledge does has no true start there; its record is left alone.
        var changed = computed.Where(e => startOf(e) >= sinceUs || _stored.ContainsKey(idOf(e)))
            .Where(e => !_stored.TryGetValue(idOf(e), out var stored) || !same(stored, e))
            .ToList();
        var ids = computed.Select(idOf).ToHashSet();
        var removed = _stored.Values.Where(e => startOf(e) > sinceUs && !ids.Contains(idOf(e))).Select(idOf).ToList();
        return (changed, removed);
    }

    public void Written(IEnumerable<T> changed, IEnumerable<string> removed)
    {
        Load(changed);
        foreach (var id in removed) _stored.Remove(id);
    }

    public void ForgetBefore(long timeUs)
    {
        // Removing does not disturb the enumeration of a dictionary.
        foreach (var (id, item) in _stored)
        {
            if (endOf(item) < timeUs) _stored.Remove(id);
        }
    }
}
