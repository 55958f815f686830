using System.Text.Json.Serialization;

namespace OeeOrleans.Model.Plant;

/// <summary>A plant as one file describes it: Site > Area > Line > (Cell) > Machine (ISA-95).</summary>
public sealed record PlantModel
{
    public required Site Site { get; init; }
    public IReadOnlyList<ShiftPlan> Calendars { get; init; } = [];
    public IReadOnlyList<Area> Areas { get; init; } = [];
    /// <summary>The catalogue of reasons for stops.</summary>
    public IReadOnlyList<StopReason> Reasons { get; init; } = [];

    /// <summary>Limits of signals and figures.</summary>
    public IReadOnlyList<Threshold> Thresholds { get; init; } = [];

    /// <summary>Machines that are no more; what they did stays.</summary>
    public IReadOnlyList<RetiredMachine> Retired { get; init; } = [];

    public IEnumerable<Line> Lines => Areas.SelectMany(a => a.Lines);
    public IEnumerable<Machine> Machines => Lines.SelectMany(l => l.Machines);
}

/// <summary>The site and the zone its shifts are given in (IANA name).</summary>
public sealed record Site(string Id, string Name, string TimeZone);

public sealed record Area
{
    public required string Id { get; init; }
    public string Name { get; init; } = "";
    public IReadOnlyList<Line> Lines { get; init; } = [];
}

public sealed record Line
{
    public required string Id { get; init; }
    public string Name { get; init; } = "";
    public string AreaId { get; init; } = "";
    public string? Calendar { get; init; }
    public LinePolicy Policy { get; init; } = LinePolicy.Weighted;
    /// <summary>The bottleneck machine of the policies `bottleneck` and `in_out`.</summary>
    public string? BottleneckMachine { get; init; }
    /// <summary>Also those that are empty.</summary>
    public IReadOnlyList<Cell> Cells { get; init; } = [];
    /// <summary>In the order of the flow.</summary>
    public IReadOnlyList<Machine> Machines { get; init; } = [];
}

/// <summary>A part of a line.</summary>
public sealed record Cell(string Id, string Name);

/// <summary>How the machines of a line make its OEE (specification section 5).</summary>
public enum LinePolicy
{
    Weighted,
    Bottleneck,
    InOut,
}

/// <summary>What a shift pattern looks like in plant time.</summary>
public sealed record ShiftPlan
{
    public required string Id { get; init; }
    public IReadOnlyList<Shift> Shifts { get; init; } = [];
    /// <summary>Days that are not as their day of the week is; no two of one day.</summary>
    public IReadOnlyList<CalendarException> Exceptions { get; init; } = [];
    /// <summary>
    /// From when on the shifts hold, microseconds; null: from when they are first seen. Before that they were as they were.
    /// </summary>
    [JsonIgnore]
    public long? ValidFromUs { get; init; }
}

/// <summary>
/// A named production span with breaks. An end that is not after its start is on the next day; the shift belongs to the date on which it
/// starts.
/// </summary>
public sealed record Shift(string Name, TimeOnly Start, TimeOnly End, IReadOnlyList<DayOfWeek> Days, IReadOnlyList<Break> Breaks);

public sealed record Break(TimeOnly Start, TimeOnly End);

/// <summary>Dates on which other shifts begin than those of their day of the week.</summary>
/// <param name="Name">Why, such as the name of a holiday.</param>
/// <param name="Until">The last of the dates.</param>
/// <param name="InAddition">The shifts are beside the usual ones; otherwise instead of them, and without any nobody works.</param>
public sealed record CalendarException(string Name, DateOnly From, DateOnly Until, bool InAddition, IReadOnlyList<Shift> Shifts);
