using System.Globalization;
using System.Text.Json;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Kpi.Replay;

/// <summary>The `calendar` object of a scenario: intervals, shifts, or both (intervals win).</summary>
internal static class ScenarioCalendar
{
    private static readonly string[] DayNames = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

    public static ShiftCalendar? Shifts(JsonElement json)
    {
        if (json.ValueKind != JsonValueKind.Object || !json.TryGetProperty("shifts", out var shifts)) return null;
        var zone = json.TryGetProperty("time_zone", out var tz) ? tz.GetString() ?? "UTC" : "UTC";
        return new ShiftCalendar(new ShiftPlan { Id = "scenario", Shifts = [.. shifts.EnumerateArray().Select(Shift)] }, zone);
    }

    public static ICalendar Parse(JsonElement json, ShiftCalendar? shifts)
    {
        if (json.ValueKind == JsonValueKind.Object && json.TryGetProperty("intervals", out var intervals))
        {
            return new IntervalCalendar(intervals.EnumerateArray().Select(Interval), shifts);
        }

        return shifts ?? (ICalendar)new IntervalCalendar([]);
    }

    private static PlanSpan Interval(JsonElement json, int index) => new(
        Scenario.Time(json.GetProperty("from"), $"calendar.intervals[{index}].from"),
        Scenario.Time(json.GetProperty("to"), $"calendar.intervals[{index}].to"),
        json.GetProperty("kind").GetString() switch
        {
            "production" => PlanKind.Production,
            "planned_stop" => PlanKind.PlannedStop,
            var other => throw new FormatException($"calendar.intervals[{index}].kind: '{other}' is neither production nor planned_stop"),
        });

    private static Shift Shift(JsonElement json) => new(
        json.GetProperty("name").GetString() ?? "",
        Clock(json.GetProperty("start")),
        Clock(json.GetProperty("end")),
        json.TryGetProperty("days", out var days)
            ? [.. days.EnumerateArray().Select(d => (DayOfWeek)Array.IndexOf(DayNames, d.GetString()))]
            : Enum.GetValues<DayOfWeek>(),
        json.TryGetProperty("breaks", out var breaks)
            ? [.. breaks.EnumerateArray().Select(b => new Break(Clock(b[0]), Clock(b[1])))]
            : []);

    private static TimeOnly Clock(JsonElement json) =>
        TimeOnly.TryParseExact(json.GetString(), "HH:mm", CultureInfo.InvariantCulture, DateTimeStyles.None, out var time)
            ? time
            : throw new FormatException($"calendar: '{json.GetString()}' is not a time of day such as 06:00");
}
