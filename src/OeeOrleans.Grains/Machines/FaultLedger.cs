using OeeOrleans.Model;

namespace OeeOrleans.Grains.Machines;

/// <summary>What is stored of a machine's recent faults, so that only changes are written and events that never were are removed.</summary>
internal sealed class FaultLedger
{
    private readonly Dictionary<string, FaultEvent> _stored = [];

    public void Load(IEnumerable<FaultEvent> stored)
    {
        foreach (var fault in stored) _stored[fault.Id] = fault;
    }

    /// <param name="computed">Events as the account knows them.</param>
    /// <param name="sinceUs">From here on the account knows all of them.</param>
    public (List<FaultEvent> Changed, List<string> Removed) Next(IReadOnlyList<FaultEvent> computed, long sinceUs)
    {
        var changed = computed.Where(f => !_stored.TryGetValue(f.Id, out var stored) || stored != f).ToList();
        var ids = computed.Select(f => f.Id).ToHashSet();
        var removed = _stored.Values.Where(f => f.StartUs > sinceUs && !ids.Contains(f.Id)).Select(f => f.Id).ToList();
        return (changed, removed);
    }

    public void Written(IEnumerable<FaultEvent> changed, IEnumerable<string> removed)
    {
        Load(changed);
        foreach (var id in removed) _stored.Remove(id);
    }

    public void ForgetBefore(long timeUs)
    {
        foreach (var id in _stored.Values.Where(f => f.EndUs < timeUs).Select(f => f.Id).ToList()) _stored.Remove(id);
    }
}
