using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Kpi;

/// <summary>From exact sums to ratios, once, in double (specification sections 4 and 7).</summary>
public static class Ratios
{
    /// <param name="sums">The window's sums.</param>
    /// <param name="parameters">The machine's parameters.</param>
    /// <param name="idealKnown">Whether any ideal cycle is known at all, from the model or from the machine.</param>
    public static OeeKpis Of(in OeeSums sums, OeeParameters parameters, bool idealKnown) =>
        Of(sums, parameters.PerformanceFromGood, parameters.UnknownIsStop, idealKnown);

    public static OeeKpis Of(in OeeSums sums, bool performanceFromGood, bool unknownIsStop, bool idealKnown)
    {
        var planned = sums.RunUs + sums.StopUs + (unknownIsStop ? sums.UnknownUs : 0);
        var run = sums.RunUs / 1e6;
        double? availability = planned > 0 ? sums.RunUs / (double)planned : null;
        var idealS = (double)(performanceFromGood ? sums.IdealGoodS : sums.IdealTotalS);
        var wantsIdeal = sums.NoIdealTotal > 0 || !idealKnown;
        double? performance = sums.RunUs > 0 && !wantsIdeal ? idealS / run : null;
        double? quality = sums.Total != 0 ? sums.Good / (double)sums.Total : null;
        var product = sums.RunUs == 0 || sums.Total == 0 ? 0 : availability * performance * quality;
        double? oee = planned <= 0 || wantsIdeal ? null : product;
        var length = sums.LengthUs;
        var known = planned + sums.UnknownUs;
        double? measured = known <= 0 ? null : 1 - (sums.UnknownUs / (double)known);
        return new OeeKpis
        {
            PlannedS = planned / 1e6,
            Availability = availability,
            Performance = performance,
            Quality = quality,
            Oee = oee,
            Teep = length > 0 ? oee * (planned / (double)length) : null,
            Completeness = unknownIsStop ? 1 : measured,
            RatePerHour = sums.RunUs > 0 ? sums.Total / run * 3600 : null,
            MttrS = sums.FailuresEnded > 0 ? sums.RepairUs / 1e6 / sums.FailuresEnded : null,
            MtbfS = sums.FailuresStarted > 0 ? run / sums.FailuresStarted : null,
            Flags = Flags(sums, performance, quality),
        };
    }

    private static string[] Flags(in OeeSums sums, double? performance, double? quality)
    {
        if (performance is not > 1 && quality is not > 1 && sums is { CounterJumps: 0, GapTotal: 0, UnknownUs: 0, NoIdealTotal: 0 })
        {
            return [];
        }

        var flags = new List<string>(6);
        if (performance > 1) flags.Add(KpiFlags.IdealCycleSuspect);
        if (quality > 1) flags.Add(KpiFlags.CountsSuspect);
        if (sums.CounterJumps > 0) flags.Add(KpiFlags.CounterJumps);
        if (sums.GapTotal != 0) flags.Add(KpiFlags.GapCounts);
        if (sums.UnknownUs > 0) flags.Add(KpiFlags.UnknownTime);
        if (sums.NoIdealTotal > 0) flags.Add(KpiFlags.NoIdealCycle);
        return [.. flags];
    }
}
