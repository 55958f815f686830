using OeeOrleans.Model;

namespace OeeOrleans.Kpi;

/// <summary>Brings samples into the order in which they count: by source time, then by signal; of two samples of one signal and
/// instant the one that arrived last wins. So the result never depends on the order of arrival.</summary>
public static class SampleOrder
{
    public static MachineSample[] Sort(IReadOnlyList<MachineSample> arrived)
    {
        var ordered = true;
        for (var i = 1; i < arrived.Count && ordered; i++) ordered = Compare(arrived[i - 1], arrived[i]) < 0;
        if (ordered) return [.. arrived];

        var samples = new MachineSample[arrived.Count];
        var order = new int[arrived.Count];
        for (var i = 0; i < samples.Length; i++)
        {
            samples[i] = arrived[i];
            order[i] = i;
        }

        Array.Sort(order, (a, b) => Compare(samples[a], samples[b]) is var c && c != 0 ? c : a.CompareTo(b));
        var result = new List<MachineSample>(samples.Length);
        foreach (var index in order)
        {
            if (result.Count > 0 && Compare(result[^1], samples[index]) == 0) result[^1] = samples[index];
            else result.Add(samples[index]);
        }

        return [.. result];
    }

    /// <summary>Zero for the same signal at the same instant.</summary>
    public static int Compare(in MachineSample a, in MachineSample b) =>
        a.TimeUs != b.TimeUs ? a.TimeUs.CompareTo(b.TimeUs) : a.Kind.CompareTo(b.Kind);
}
