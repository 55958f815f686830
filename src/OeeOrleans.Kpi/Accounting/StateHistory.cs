using OeeOrleans.Model;

namespace OeeOrleans.Kpi.Accounting;

/// <summary>From <paramref name="TimeUs"/> on the machine is held to be in <paramref name="State"/>.</summary>
public readonly record struct StateChange(long TimeUs, HeldState State, bool ModePlanned);

/// <summary>The changes of a machine's held state that timelines are drawn from: bounded, however often the state changes.</summary>
internal sealed class StateHistory(IEnumerable<StateChange> changes)
{
    /// <summary>More than a screen has columns; beyond it the shortest stretches are joined with their neighbours.</summary>
    public const int Capacity = 2_048;

    private readonly List<StateChange> _changes = [.. changes];

    public IReadOnlyList<StateChange> Changes => _changes;

    public void Note(in StateChange change)
    {
        if (_changes.Count > 0 && _changes[^1].TimeUs == change.TimeUs) _changes.RemoveAt(_changes.Count - 1);
        if (_changes.Count > 0 && Same(_changes[^1], change)) return;
        _changes.Add(change);
        if (_changes.Count >= Capacity) Coarsen();
    }

    /// <summary>Takes back what was noted after an instant, to be noted anew.</summary>
    public void CutAfter(long timeUs)
    {
        var kept = _changes.Count;
        while (kept > 0 && _changes[kept - 1].TimeUs > timeUs) kept--;
        _changes.RemoveRange(kept, _changes.Count - kept);
    }

    /// <summary>Forgets what is over before an instant; the state held there stays.</summary>
    public void Forget(long beforeUs)
    {
        var first = _changes.Count - 1;
        while (first > 0 && _changes[first].TimeUs > beforeUs) first--;
        if (first > 0) _changes.RemoveRange(0, first);
    }

    /// <summary>Drops the shorter half of all stretches but the newest: what is left is what an eye would have seen.</summary>
    private void Coarsen()
    {
        var lengths = new long[_changes.Count - 1];
        for (var i = 0; i < lengths.Length; i++) lengths[i] = _changes[i + 1].TimeUs - _changes[i].TimeUs;
        var sorted = (long[])lengths.Clone();
        Array.Sort(sorted);
        var median = sorted[sorted.Length / 2];
        var kept = 0;
        for (var i = 0; i < _changes.Count; i++)
        {
            if (i < lengths.Length && lengths[i] <= median && i > 0) continue;
            if (kept > 0 && Same(_changes[kept - 1], _changes[i])) continue;
            _changes[kept++] = _changes[i];
        }

        _changes.RemoveRange(kept, _changes.Count - kept);
    }

    private static bool Same(in StateChange a, in StateChange b) => a.State == b.State && a.ModePlanned == b.ModePlanned;
}
