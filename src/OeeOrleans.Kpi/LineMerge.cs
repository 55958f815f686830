using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Kpi;

/// <summary>
/// A line's window from its machines' windows, by policy (specification section 5). Sums are added, ratios are computed once.
/// </summary>
public static class LineMerge
{
    /// <param name="line">The line; its machines in the order of the flow.</param>
    /// <param name="windows">The machines' windows of one kind and span; those without one are missing.</param>
    /// <returns>Null when the policy has nothing to go by.</returns>
    public static OeeWindow? Merge(Line line, IReadOnlyList<OeeWindow> windows)
    {
        if (windows.Count == 0) return null;
        OeeWindow? Of(string? machine) => windows.FirstOrDefault(w => w.Id == machine);
        var machines = line.Machines.Where(m => windows.Any(w => w.Id == m.Id)).ToList();
        var bottleneck = Of(line.BottleneckMachine);
        OeeSums sums;
        IReadOnlyList<Machine> basis;
        switch (line.Policy)
        {
            case LinePolicy.Bottleneck:
                if (bottleneck is null) return null;
                return bottleneck with { Id = line.Id };
            case LinePolicy.InOut:
                if (bottleneck is null || Of(line.Machines[0].Id) is not { } first || Of(line.Machines[^1].Id) is not { } last) return null;
                sums = bottleneck.Sums with
                {
                    Total = first.Sums.Total,
                    GapTotal = first.Sums.GapTotal,
                    IdealTotalS = first.Sums.IdealTotalS,
                    NoIdealTotal = first.Sums.NoIdealTotal,
                    Good = last.Sums.Good,
                    GapGood = last.Sums.GapGood,
                    IdealGoodS = last.Sums.IdealGoodS,
                    Reject = first.Sums.Total - last.Sums.Good,
                };
                basis = [line.Machines.First(m => m.Id == bottleneck.Id)];
                break;
            default:
                sums = windows.Aggregate(default(OeeSums), (sum, w) => sum + w.Sums);
                basis = machines;
                break;
        }

        // A machine without any ideal cycle leaves the whole without one, unless it reported its own.
        var idealKnown = windows.All(
            w => w.Sums.IdealTotalS != 0 || w.Kpis.Performance is not null || line.Machines.First(m => m.Id == w.Id).Oee.KnowsAnIdealCycle);
        var kpis = Ratios.Of(sums, basis.All(m => m.Oee.PerformanceFromGood), basis.All(m => m.Oee.UnknownIsStop), idealKnown);
        // What is still coming to one machine is still coming to the line.
        if (windows.Any(w => w.Kpis.Flags.Contains(KpiFlags.HistoryIncoming)))
        {
            kpis = kpis with { Flags = [.. kpis.Flags, KpiFlags.HistoryIncoming] };
        }

        var some = windows[0];
        return some with
        {
            Id = line.Id,
            AsOfUs = windows.Max(w => w.AsOfUs),
            Sums = sums,
            Kpis = kpis,
            Revision = windows.Max(w => w.Revision),
        };
    }
}
