using System.Text.Json;
using OeeOrleans.Model;

namespace OeeOrleans.Grains.Machines;

/// <summary>A machine at one instant, as operators see it. Times in microseconds.</summary>
[GenerateSerializer]
[Immutable]
[Alias("oee.machine-status")]
public sealed record MachineStatus
{
    [Id(0)]
    public required string MachineId { get; init; }
    /// <summary>run, stop or unknown: what the state signals say.</summary>
    [Id(1)]
    public required HeldState State { get; init; }
    /// <summary>What this instant counts as.</summary>
    [Id(2)]
    public required StateCategory Category { get; init; }
    /// <summary>Since when the state is held.</summary>
    [Id(3)]
    public required long SinceUs { get; init; }
    [Id(4)]
    public string? Fault { get; init; }
    [Id(5)]
    public long? FaultSinceUs { get; init; }
    /// <summary>How often this fault came in the shift.</summary>
    [Id(6)]
    public int FaultOccurrences { get; init; }
    [Id(7)]
    public string? Product { get; init; }
    /// <summary>Counts of the shift.</summary>
    [Id(8)]
    public long Good { get; init; }
    [Id(9)]
    public long Reject { get; init; }
    /// <summary>Pieces per hour as the machine reports them, else from its cycle time.</summary>
    [Id(10)]
    public double? Speed { get; init; }
    /// <summary>Actual cycle, seconds.</summary>
    [Id(11)]
    public double? CycleS { get; init; }
    [Id(12)]
    public double? IdealCycleS { get; init; }
    [Id(13)]
    public double? OeeShift { get; init; }
    /// <summary>OPC quality of the newest state sample.</summary>
    [Id(14)]
    public short Quality { get; init; }
    [Id(15)]
    public bool Connected { get; init; }
    [Id(16)]
    public long? LastSeenUs { get; init; }
    [Id(17)]
    public long AsOfUs { get; init; }
    /// <summary>Windows written before that are being recomputed, because something came late.</summary>
    [Id(18)]
    public bool Recomputing { get; init; }
    /// <summary>More than ten new faults in ten minutes.</summary>
    [Id(19)]
    public bool FaultFlood { get; init; }
    /// <summary>Flags of the shift's figures.</summary>
    [Id(20)]
    public string[] Flags { get; init; } = [];
    /// <summary>Limits of the plant model that are passed now.</summary>
    [Id(21)]
    public PassedLimit[] Limits { get; init; } = [];

    /// <summary>A machine nobody has heard of.</summary>
    public static MachineStatus NeverSeen(string machine) => new()
    {
        MachineId = machine, State = HeldState.Unknown, Category = StateCategory.Unknown, SinceUs = 0,
    };

    /// <summary>As it is stored with a snapshot.</summary>
    public string ToJson() => JsonSerializer.Serialize(this);

    /// <summary>Null when it is of another release and cannot be read.</summary>
    public static MachineStatus? Parse(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<MachineStatus>(json);
        }
        catch (JsonException)
        {
            // It is told anew when the machine lives.
            return null;
        }
    }
}

/// <summary>A limit that is passed.</summary>
/// <param name="Id">Of the threshold in the plant model.</param>
/// <param name="SinceUs">When it was passed.</param>
/// <param name="Severity">0 to 1000.</param>
/// <param name="Text">Of the threshold; null where it has none.</param>
[GenerateSerializer]
[Immutable]
[Alias("oee.passed-limit")]
public sealed record PassedLimit(
    [property: Id(0)] string Id, [property: Id(1)] long SinceUs, [property: Id(2)] short Severity, [property: Id(3)] string? Text);

/// <summary>Categories of a span as (from, to, category), in order, without gaps.</summary>
[GenerateSerializer]
[Immutable]
[Alias("oee.machine-timeline")]
public sealed record MachineTimeline
{
    [Id(0)]
    public required string MachineId { get; init; }
    [Id(1)]
    public required string ShiftName { get; init; }
    [Id(2)]
    public required long FromUs { get; init; }
    /// <summary>Nominal end of the shift.</summary>
    [Id(3)]
    public required long ToUs { get; init; }
    [Id(4)]
    public required TimelineSegment[] Segments { get; init; }
}

[GenerateSerializer]
[Immutable]
[Alias("oee.timeline-segment")]
public readonly record struct TimelineSegment(
    [property: Id(0)] long FromUs, [property: Id(1)] long ToUs, [property: Id(2)] StateCategory Category);
