using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Kpi;

/// <summary>What kind of thing a line of the Pareto is.</summary>
public enum LossItemKind : byte
{
    /// <summary>Stops with one reason (null = not given yet).</summary>
    Stop,
    /// <summary>All stops below the micro-stop threshold.</summary>
    SmallStops,
    /// <summary>Slower than ideal while running; no count.</summary>
    ReducedSpeed,
    /// <summary>Time spent on rejects; counted in pieces.</summary>
    Rejects,
    /// <summary>No data, where that counts as stop.</summary>
    Unknown,
}

/// <summary>One line of the Pareto of lost time.</summary>
public sealed record LossItem(LossItemKind Kind, string? Reason, string Name, LossKind? Loss, long LostUs, long Count);

/// <summary>Lost time of a machine or line in [from, to): as a tree, and by reason, longest first. The items add up to planned time minus
/// good time; reduced speed is left out of the items when it is a gain.</summary>
public sealed record LossReport(long FromUs, long ToUs, LossTree Tree, IReadOnlyList<LossItem> Items, IReadOnlyList<ExplainedStop> Stops)
{
    /// <summary>Several machines as one: time and counts are added by reason.</summary>
    public static LossReport Merge(IReadOnlyList<LossReport> reports)
    {
        if (reports.Count == 1) return reports[0];
        return new LossReport(
            reports.Min(r => r.FromUs), reports.Max(r => r.ToUs), reports.Select(r => r.Tree).Aggregate((a, b) => a + b),
            Order(
                reports.SelectMany(r => r.Items)
                    .GroupBy(i => (i.Kind, i.Reason))
                    .Select(g => g.First() with { LostUs = g.Sum(i => i.LostUs), Count = g.Sum(i => i.Count) })),
            []);
    }

    /// <param name="window">The window with its sums.</param>
    /// <param name="rejectsAreOf">Parameters in force at its end.</param>
    /// <param name="stops">Stops that reach into the window.</param>
    /// <param name="intervals">Categories of the window.</param>
    /// <param name="book">Names and kinds of reasons.</param>
    internal static LossReport Of(
        WindowResult window, OeeParameters rejectsAreOf, IReadOnlyList<ExplainedStop> stops, IReadOnlyList<CategorySpan> intervals,
        ReasonBook book)
    {
        var items = new List<LossItem>();
        long breakdowns = 0, setup = 0;
        foreach (var (stop, segment, lost) in Parts(window, stops, intervals))
        {
            var loss = book.LossOf(segment.Reason, stop.Fault is not null);
            if (loss == LossKind.Breakdown) breakdowns += lost;
            else if (loss == LossKind.Setup) setup += lost;
            var name = segment.Reason is { } reason ? book.NameOf(reason) : "not given";
            items.Add(new LossItem(LossItemKind.Stop, segment.Reason, name, loss, lost, 1));
        }

        items =
        [
            .. items.GroupBy(i => i.Reason).Select(g => g.First() with { LostUs = g.Sum(i => i.LostUs), Count = g.Sum(i => i.Count) }),
        ];
        var tree = LossTree.Of(window.Sums, rejectsAreOf.UnknownIsStop, breakdowns, setup);
        var small = stops.Count(s => s.Small && s.StartUs >= window.FromUs && s.StartUs < window.ToUs);
        Add(items, LossItemKind.SmallStops, "short stops", tree.SmallStopsUs, small);
        Add(items, LossItemKind.ReducedSpeed, "slow cycles", tree.ReducedSpeedUs, 0);
        Add(items, LossItemKind.Rejects, "rejects", tree.RejectsUs, window.Sums.Reject);
        Add(items, LossItemKind.Unknown, "no data", tree.UnknownUs, 0);
        return new LossReport(window.FromUs, window.ToUs, tree, Order(items), stops);
    }

    private static void Add(List<LossItem> items, LossItemKind kind, string name, long lostUs, long count)
    {
        if (lostUs > 0) items.Add(new LossItem(kind, null, name, null, lostUs, count));
    }

    private static List<LossItem> Order(IEnumerable<LossItem> items) =>
        [.. items.OrderByDescending(i => i.LostUs).ThenBy(i => i.Name, StringComparer.Ordinal)];

    /// <summary>Stop time of the window by stop and segment; a break inside a stop is no stop time.</summary>
    private static IEnumerable<(ExplainedStop Stop, StopSegment Segment, long LostUs)> Parts(
        WindowResult window, IReadOnlyList<ExplainedStop> stops, IReadOnlyList<CategorySpan> intervals)
    {
        var stopTime = intervals.Where(i => i.Category == StateCategory.Stop).ToList();
        var at = 0;
        foreach (var stop in stops.Where(s => !s.Small))
        {
            while (at < stopTime.Count && stopTime[at].ToUs <= stop.StartUs) at++;
            foreach (var segment in stop.Segments)
            {
                long lost = 0;
                var to = segment.ToUs ?? window.ToUs;
                for (var i = at; i < stopTime.Count && stopTime[i].FromUs < to; i++)
                {
                    lost += Math.Max(0, Math.Min(stopTime[i].ToUs, to) - Math.Max(stopTime[i].FromUs, segment.FromUs));
                }

                if (lost > 0) yield return (stop, segment, lost);
            }
        }
    }
}
