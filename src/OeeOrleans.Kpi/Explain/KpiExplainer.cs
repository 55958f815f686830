using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Kpi;

/// <summary>Explains one window down to its samples: the same evaluation, with its steps written down.</summary>
public static class KpiExplainer
{
    public static Explanation Explain(
        string machine, OeeParameters parameters, ICalendar calendar, IReadOnlyList<MachineSample> samples, WindowSpan window, long? asOfUs = null)
    {
        var deltas = new List<CounterDelta>();
        var result = KpiBatch.Evaluate(machine, parameters, calendar, samples, [window], asOfUs, intervals: true, counted: deltas.Add);
        var evaluated = result.Windows[0];
        var inside = deltas.Where(d => d.TimeUs >= evaluated.FromUs && d.TimeUs < evaluated.ToUs).ToList();
        var faults = result.Events.Where(f => f.StartUs < evaluated.ToUs && (f.EndUs ?? long.MaxValue) > evaluated.FromUs).ToList();
        var ideals = Ideals(inside, result.Present);
        return new Explanation(
            evaluated,
            LossTree.Of(evaluated.Sums, parameters.UnknownIsStop),
            [.. result.Intervals.Select(i => new ExplainedInterval(i.FromUs, i.ToUs, i.Category, Reason(i, faults, calendar)))],
            inside,
            ideals,
            faults,
            ExplanationText.Write(evaluated.Sums, evaluated.Kpis, parameters, ideals));
    }

    private static string? Reason(in CategorySpan span, List<FaultEvent> faults, ICalendar calendar)
    {
        var (from, to) = (span.FromUs, span.ToUs);
        return span.Category switch
        {
            StateCategory.Stop or StateCategory.SmallStop => faults.FirstOrDefault(f => f.StartUs < to && (f.EndUs ?? long.MaxValue) > from)?.Code,
            StateCategory.PlannedStop => calendar.SpanAt(from).Kind == PlanKind.PlannedStop ? "break" : "planned mode",
            StateCategory.Unknown => "no data",
            _ => null,
        };
    }

    /// <summary>Counts by the ideal cycle they were weighed with; which counters count follows the same rule as the sums.</summary>
    private static List<IdealUse> Ideals(List<CounterDelta> deltas, CounterPresence present)
    {
        var uses = new List<IdealUse>();
        foreach (var group in deltas.Where(d => !d.Gap && d.Delta != 0).GroupBy(d => (d.Product, d.IdealS)))
        {
            long Sum(SignalKind counter) => group.Where(d => d.Counter == counter).Sum(d => d.Delta);
            var (good, reject, total) = (Sum(SignalKind.CounterGood), Sum(SignalKind.CounterReject), Sum(SignalKind.CounterTotal));
            var use = present switch
            {
                { Good: true, Reject: true } => (Good: good, Total: good + reject),
                { Total: true, Reject: true } => (Good: total - reject, Total: total),
                { Good: true, Total: true } => (Good: good, Total: total),
                { Good: true } => (Good: good, Total: good),
                _ => (Good: total, Total: total),
            };
            uses.Add(new IdealUse(group.Key.Product, group.Key.IdealS, use.Good, use.Total));
        }

        return uses;
    }
}
