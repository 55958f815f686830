using System.Text.Json;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Kpi.Replay;

/// <summary>Recorded samples with the plant model they belong to, as `oee replay` reads them.</summary>
public sealed record Scenario(
    string Name, string Machine, OeeParameters Parameters, ICalendar Calendar,
    IReadOnlyList<MachineSample> Samples, IReadOnlyList<WindowSpan> Windows, long? AsOfUs)
{
    public KpiResult Evaluate() => KpiBatch.Evaluate(Machine, Parameters, Calendar, Samples, Windows, AsOfUs);

    /// <exception cref="FormatException">Something is missing or not what it should be; the message says what and where.</exception>
    public static Scenario Parse(JsonElement json)
    {
        var machine = json.GetProperty("machine");
        var shifts = ScenarioCalendar.Shifts(json.TryGetProperty("calendar", out var calendar) ? calendar : default);
        var samples = new List<MachineSample>();
        if (json.TryGetProperty("samples", out var list))
        {
            foreach (var item in list.EnumerateArray()) samples.Add(Sample(item, samples.Count));
        }

        var windows = new List<WindowSpan>();
        foreach (var window in json.GetProperty("windows").EnumerateArray()) windows.Add(Window(window, shifts, windows.Count));

        return new Scenario(
            json.TryGetProperty("name", out var name) ? name.GetString() ?? "" : "",
            machine.GetProperty("id").GetString() ?? throw new FormatException("machine.id must be a string"),
            ScenarioMachine.Parse(machine),
            ScenarioCalendar.Parse(calendar, shifts),
            samples,
            windows,
            json.TryGetProperty("as_of", out var asOf) && asOf.ValueKind != JsonValueKind.Null ? Time(asOf, "as_of") : null);
    }

    private static MachineSample Sample(JsonElement item, int index)
    {
        var where = $"samples[{index}]";
        if (item.ValueKind != JsonValueKind.Array || item.GetArrayLength() < 3)
        {
            throw new FormatException($"{where}: [source time, signal, value, quality = \"good\"] expected");
        }

        var quality = item.GetArrayLength() > 3 ? item[3].GetString() : "good";
        var number = quality switch
        {
            "good" => Quality.Good,
            "uncertain" => Quality.Uncertain,
            "bad" => Quality.Bad,
            _ => throw new FormatException($"{where}: quality '{quality}' is not good, uncertain or bad"),
        };
        var kind = CanonicalSignals.KindOf(item[1].GetString() ?? "");
        var value = item[2];
        var time = Time(item[0], where);
        return value.ValueKind switch
        {
            JsonValueKind.True => new MachineSample(kind, time, 1, null, number),
            JsonValueKind.False => new MachineSample(kind, time, 0, null, number),
            JsonValueKind.Number => new MachineSample(kind, time, value.GetDouble(), Exact(value), number),
            JsonValueKind.String => new MachineSample(kind, time, double.NaN, value.GetString(), number),
            _ => new MachineSample(kind, time, double.NaN, null, Quality.Bad),
        };
    }

    /// <summary>An integer that a double cannot hold travels as text.</summary>
    private static string? Exact(JsonElement number) =>
        number.TryGetInt64(out var whole) && Math.Abs((double)whole) > 9e15 ? number.GetRawText() : null;

    private static WindowSpan Window(JsonElement window, ShiftCalendar? shifts, int index)
    {
        if (window.TryGetProperty("from", out var from))
        {
            return new WindowSpan(Time(from, $"windows[{index}].from"), Time(window.GetProperty("to"), $"windows[{index}].to"));
        }

        var name = window.GetProperty("shift").GetString() ?? "";
        var date = DateOnly.ParseExact(
            window.GetProperty("date").GetString() ?? "", "yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture);
        var span = shifts?.ShiftOn(name, date)
            ?? throw new FormatException($"windows[{index}]: the calendar has no shift '{name}' on {date:yyyy-MM-dd}");
        return new WindowSpan(span.FromUs, span.ToUs);
    }

    internal static long Time(JsonElement json, string where) =>
        json.ValueKind == JsonValueKind.String && UnixMicros.TryParse(json.GetString(), out var time)
            ? time
            : throw new FormatException($"{where}: an ISO 8601 time expected, found {json.GetRawText()}");
}
