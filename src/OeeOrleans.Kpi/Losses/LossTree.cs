using OeeOrleans.Model;

namespace OeeOrleans.Kpi;

/// <summary>Where planned time went, microseconds: planned = breakdowns + setup + other stops + unknown (where it counts as stop) + small
/// stops + reduced speed + rejects + good time, exactly (six big losses, specification section 4; reduced speed may be negative). Ideal
/// times are exact decimals rounded to microseconds once.</summary>
public sealed record LossTree(
    long PlannedUs, long BreakdownsUs, long SetupUs, long OtherStopsUs, long UnknownUs, long SmallStopsUs, long ReducedSpeedUs,
    long RejectsUs, long GoodUs)
{
    /// <summary>By sums alone: a stop with a fault is a breakdown, every other one is another stop.</summary>
    public static LossTree Of(in OeeSums sums, bool unknownIsStop) => Of(sums, unknownIsStop, sums.FaultStopUs, 0);

    /// <summary>With reasons: how much of the stop time they call breakdown and setup.</summary>
    public static LossTree Of(in OeeSums sums, bool unknownIsStop, long breakdownsUs, long setupUs)
    {
        var unknown = unknownIsStop ? sums.UnknownUs : 0;
        var idealTotal = UnixMicros.FromSeconds(sums.IdealTotalS);
        var idealGood = UnixMicros.FromSeconds(sums.IdealGoodS);
        return new LossTree(
            sums.RunUs + sums.StopUs + unknown, breakdownsUs, setupUs, sums.StopUs - breakdownsUs - setupUs, unknown, sums.SmallStopUs,
            sums.RunUs - sums.SmallStopUs - idealTotal, idealTotal - idealGood, idealGood);
    }

    public static LossTree operator +(LossTree a, LossTree b) => new(
        a.PlannedUs
            + b.PlannedUs, a.BreakdownsUs
                + b.BreakdownsUs, a.SetupUs + b.SetupUs, a.OtherStopsUs + b.OtherStopsUs, a.UnknownUs + b.UnknownUs,
        a.SmallStopsUs + b.SmallStopsUs, a.ReducedSpeedUs + b.ReducedSpeedUs, a.RejectsUs + b.RejectsUs, a.GoodUs + b.GoodUs);
}
