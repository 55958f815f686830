namespace OeeOrleans.Kpi.Accounting;

/// <summary>The changes of a machine's held state that timelines are drawn from: bounded, however often the state changes.</summary>
internal static class StateHistory
{
    /// <summary>More than a screen has columns; beyond it the shortest stretches are joined with their neighbours.</summary>
    public const int Capacity = 2_048;

    public static void Note(List<StateChange> changes, in StateChange change)
    {
        if (changes.Count > 0 && changes[^1].TimeUs == change.TimeUs) changes.RemoveAt(changes.Count - 1);
        if (changes.Count > 0 && changes[^1].State == change.State && changes[^1].ModePlanned == change.ModePlanned) return;
        changes.Add(change);
        if (changes.Count >= Capacity) Coarsen(changes);
    }

    /// <summary>Forgets what is over before an instant; the state held there stays.</summary>
    public static void Forget(List<StateChange> changes, long beforeUs)
    {
        var first = changes.Count - 1;
        while (first > 0 && changes[first].TimeUs > beforeUs) first--;
        if (first > 0) changes.RemoveRange(0, first);
    }

    /// <summary>Drops the shorter half of all stretches but the newest: what is left is what an eye would have seen.</summary>
    private static void Coarsen(List<StateChange> changes)
    {
        var lengths = new long[changes.Count - 1];
        for (var i = 0; i < lengths.Length; i++) lengths[i] = changes[i + 1].TimeUs - changes[i].TimeUs;
        var sorted = (long[])lengths.Clone();
        Array.Sort(sorted);
        var median = sorted[sorted.Length / 2];
        var kept = 0;
        for (var i = 0; i < changes.Count; i++)
        {
            if (i < lengths.Length && lengths[i] <= median && i > 0) continue;
            if (kept > 0 && changes[kept - 1].State == changes[i].State && changes[kept - 1].ModePlanned == changes[i].ModePlanned) continue;
            changes[kept++] = changes[i];
        }

        changes.RemoveRange(kept, changes.Count - kept);
    }
}
