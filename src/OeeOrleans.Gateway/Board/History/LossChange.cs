using OeeOrleans.Kpi;

namespace OeeOrleans.Gateway.Board.History;

/// <summary>What became of a kind of loss between two spans.</summary>
/// <param name="Us">More (or, below 0, less) of the planned time of the later span, microseconds.</param>
internal sealed record LossChange(string Name, long Us)
{
    /// <summary>
    /// Each loss as a share of planned time, then and now, in minutes of the time that is planned now: so they add up to what good time lost
    /// or won, whatever the lengths of the spans are. Largest first.
    /// </summary>
    public static IReadOnlyList<LossChange> Between(LossTree before, LossTree now)
    {
        if (before.PlannedUs <= 0 || now.PlannedUs <= 0) return [];
        var scale = (double)now.PlannedUs / before.PlannedUs;
        LossChange Of(string name, Func<LossTree, long> loss) => new(name, loss(now) - (long)Math.Round(loss(before) * scale));
        LossChange[] changes =
        [
            Of("Breakdowns", l => l.BreakdownsUs), Of("Changeovers", l => l.SetupUs), Of("Other stops", l => l.OtherStopsUs),
            Of("No data", l => l.UnknownUs), Of("Short stops", l => l.SmallStopsUs), Of("Slow cycles", l => l.ReducedSpeedUs),
            Of("Rejects", l => l.RejectsUs),
        ];
        return [.. changes.Where(c => c.Us != 0).OrderByDescending(c => Math.Abs(c.Us))];
    }
}
