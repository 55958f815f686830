using OeeOrleans.Kpi.Accounting;
using OeeOrleans.Model;

namespace OeeOrleans.Kpi;

/// <summary>One counter value and what it counted for.</summary>
/// <param name="TimeUs">Source time.</param>
/// <param name="Counter">Good, reject or total.</param>
/// <param name="Previous">The value before; meaningless for the baseline.</param>
/// <param name="Value">The value.</param>
/// <param name="Delta">What was counted; 0 for the baseline and for a jump.</param>
/// <param name="Step">Plain count, rollover, reset, jump or baseline.</param>
/// <param name="Gap">Unknown time lies between the two: counted, but kept out of performance.</param>
/// <param name="IdealS">The ideal cycle it was weighed with; null when unknown or a gap.</param>
/// <param name="Product">The product at that instant.</param>
public readonly record struct CounterDelta(
    long TimeUs, SignalKind Counter, long Previous, long Value, long Delta, CounterStep Step, bool Gap, decimal? IdealS, string? Product);

/// <summary>A stretch of one category, and why (a fault code, a break, no data).</summary>
public sealed record ExplainedInterval(long FromUs, long ToUs, StateCategory Category, string? Reason);

/// <summary>Counts that were weighed with one ideal cycle: gap counts are left out.</summary>
public sealed record IdealUse(string? Product, decimal? IdealS, long Good, long Total);

/// <summary>Where planned time went, microseconds: planned = breakdowns + other stops + small stops + reduced speed + rejects + good time, exactly
/// (six big losses, specification section 4; reduced speed may be negative). Ideal times are exact decimals rounded to microseconds once.</summary>
public sealed record LossTree(long PlannedUs, long BreakdownsUs, long OtherStopsUs, long UnknownUs, long SmallStopsUs, long ReducedSpeedUs, long RejectsUs, long GoodUs)
{
    public static LossTree Of(in OeeSums sums, bool unknownIsStop)
    {
        var unknown = unknownIsStop ? sums.UnknownUs : 0;
        var idealTotal = UnixMicros.FromSeconds(sums.IdealTotalS);
        var idealGood = UnixMicros.FromSeconds(sums.IdealGoodS);
        return new LossTree(
            sums.RunUs + sums.StopUs + unknown, sums.FaultStopUs, sums.StopUs - sums.FaultStopUs, unknown, sums.SmallStopUs,
            sums.RunUs - sums.SmallStopUs - idealTotal, idealTotal - idealGood, idealGood);
    }
}

/// <summary>Everything behind one window's figures.</summary>
public sealed record Explanation(
    WindowResult Window, LossTree Losses, IReadOnlyList<ExplainedInterval> Intervals, IReadOnlyList<CounterDelta> Deltas,
    IReadOnlyList<IdealUse> Ideals, IReadOnlyList<FaultEvent> Faults, IReadOnlyList<string> Arithmetic);
