using System.Text.Json;
using OeeOrleans.Model;

namespace OeeOrleans.Kpi.Replay;

/// <summary>Writes sums, ratios and events under the names that vectors and the HTTP interface share.</summary>
public static class ReplayJson
{
    public static void Write(Utf8JsonWriter writer, KpiResult result)
    {
        writer.WriteStartObject();
        writer.WriteStartArray("windows");
        foreach (var window in result.Windows)
        {
            writer.WriteStartObject();
            writer.WriteString("from", UnixMicros.ToIso(window.FromUs));
            writer.WriteString("to", UnixMicros.ToIso(window.ToUs));
            WriteSums(writer, window.Sums);
            WriteKpis(writer, window.Kpis);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("events");
        foreach (var fault in result.Events)
        {
            writer.WriteStartObject();
            writer.WriteString("code", fault.Code);
            writer.WriteString("start", UnixMicros.ToIso(fault.StartUs));
            if (fault.EndUs is { } end) writer.WriteString("end", UnixMicros.ToIso(end));
            else writer.WriteNull("end");
            writer.WriteNumber("occurrences", fault.Occurrences);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    public static void WriteSums(Utf8JsonWriter writer, in OeeSums sums)
    {
        Seconds(writer, "not_scheduled_s", sums.NotScheduledUs);
        Seconds(writer, "planned_stop_s", sums.PlannedStopUs);
        Seconds(writer, "unknown_s", sums.UnknownUs);
        Seconds(writer, "run_s", sums.RunUs);
        Seconds(writer, "stop_s", sums.StopUs);
        Seconds(writer, "small_stop_s", sums.SmallStopUs);
        writer.WriteNumber("good", sums.Good);
        writer.WriteNumber("reject", sums.Reject);
        writer.WriteNumber("total", sums.Total);
        writer.WriteNumber("gap_good", sums.GapGood);
        writer.WriteNumber("gap_total", sums.GapTotal);
        writer.WriteNumber("ideal_total_s", (double)sums.IdealTotalS);
        writer.WriteNumber("ideal_good_s", (double)sums.IdealGoodS);
        writer.WriteNumber("no_ideal_total", sums.NoIdealTotal);
        writer.WriteNumber("counter_jumps", sums.CounterJumps);
        writer.WriteNumber("failures_started", sums.FailuresStarted);
        writer.WriteNumber("failures_ended", sums.FailuresEnded);
        Seconds(writer, "repair_s", sums.RepairUs);
    }

    public static void WriteKpis(Utf8JsonWriter writer, OeeKpis kpis)
    {
        writer.WriteNumber("planned_s", kpis.PlannedS);
        Ratio(writer, "availability", kpis.Availability);
        Ratio(writer, "performance", kpis.Performance);
        Ratio(writer, "quality", kpis.Quality);
        Ratio(writer, "oee", kpis.Oee);
        Ratio(writer, "teep", kpis.Teep);
        Ratio(writer, "completeness", kpis.Completeness);
        Ratio(writer, "rate_per_hour", kpis.RatePerHour);
        Ratio(writer, "mttr_s", kpis.MttrS);
        Ratio(writer, "mtbf_s", kpis.MtbfS);
    }

    private static void Seconds(Utf8JsonWriter writer, string name, long micros) => writer.WriteNumber(name, UnixMicros.ToSeconds(micros));

    private static void Ratio(Utf8JsonWriter writer, string name, double? value)
    {
        if (value is { } number && double.IsFinite(number)) writer.WriteNumber(name, number);
        else writer.WriteNull(name);
    }
}
