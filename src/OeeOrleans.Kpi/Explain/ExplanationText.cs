using System.Globalization;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Kpi;

/// <summary>The arithmetic from sums to ratios in plain text, so that a person can follow it by hand.</summary>
public static class ExplanationText
{
    public static IReadOnlyList<string> Write(in OeeSums sums, OeeKpis kpis, OeeParameters parameters, IReadOnlyList<IdealUse> ideals)
    {
        var planned = sums.RunUs + sums.StopUs + (parameters.UnknownIsStop ? sums.UnknownUs : 0);
        var ideal = parameters.PerformanceFromGood ? sums.IdealGoodS : sums.IdealTotalS;
        var lines = new List<string>
        {
            $"A   = run {Time(sums.RunUs)} / planned {Time(planned)} = {Ratio(kpis.Availability)}",
            $"P   = ideal {Time(UnixMicros.FromSeconds(ideal))} / run {Time(sums.RunUs)} = {Ratio(kpis.Performance)}",
        };
        foreach (var use in ideals.Where(u => u.IdealS is not null))
        {
            var count = parameters.PerformanceFromGood ? use.Good : use.Total;
            lines.Add(
                $"      {Count(count)} × {use.IdealS!.Value.ToString("0.######", CultureInfo.InvariantCulture)} "
                    + $"s{(use.Product is null ? "" : $" ({use.Product})")}");
        }

        lines.Add($"Q   = good {Count(sums.Good)} / made {Count(sums.Total)} = {Ratio(kpis.Quality)}");
        lines.Add($"OEE = A × P × Q = {Ratio(kpis.Oee)}");
        if (kpis.Completeness is { } complete)
        {
            lines.Add(string.Create(CultureInfo.InvariantCulture, $"{complete * 100:0.0} % of the time known"));
        }

        if (sums.GapTotal != 0) lines.Add($"{Count(sums.GapTotal)} made in unknown time: counted, kept out of performance");
        if (sums.CounterJumps != 0) lines.Add($"{sums.CounterJumps} counter jumps dropped");
        if (sums.NoIdealTotal != 0) lines.Add($"{Count(sums.NoIdealTotal)} made without a known ideal cycle: no performance, no OEE");
        return lines;
    }

    /// <summary>Hours, minutes and seconds: 4:38:00, with fractions where there are any.</summary>
    private static string Time(long micros)
    {
        var sign = micros < 0 ? "-" : "";
        var (seconds, rest) = Math.DivRem(Math.Abs(micros), UnixMicros.PerSecond);
        var fraction = rest == 0 ? "" : "." + rest.ToString("000000", CultureInfo.InvariantCulture).TrimEnd('0');
        return string.Create(CultureInfo.InvariantCulture, $"{sign}{seconds / 3600}:{seconds / 60 % 60:00}:{seconds % 60:00}{fraction}");
    }

    private static string Count(long count) => count.ToString(CultureInfo.InvariantCulture);

    private static string Ratio(double? ratio) =>
        ratio is { } value ? value.ToString("0.0000", CultureInfo.InvariantCulture) : "not defined";
}
