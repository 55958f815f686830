using System.Text.Json;
using OeeOrleans.Kpi.Accounting;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;

namespace OeeOrleans.Grains.Machines;

/// <summary>What a machine snapshot holds. It is only a short cut: everything in it can be computed from stored samples.</summary>
internal sealed class MachineSnapshot
{
    public required FoldState State { get; init; }

    public required List<FaultEvent> Faults { get; init; }

    /// <summary>Changes of state up to it, for the timeline.</summary>
    public required List<StateChange> Changes { get; init; }

    /// <summary>From where the account knows everything.</summary>
    public required long SinceUs { get; init; }

    /// <summary>Recomputation that was still owed.</summary>
    public long? DirtyFromUs { get; init; }

    /// <summary>The model it was computed with: where another one differs, it is owed a recomputation.</summary>
    public required IReadOnlyList<ModelStamp> Model { get; init; }

    public string ToJson() => JsonSerializer.Serialize(this);

    /// <summary>Null when it is of another version or cannot be read.</summary>
    public static MachineSnapshot? Parse(string json)
    {
        try
        {
            var snapshot = JsonSerializer.Deserialize<MachineSnapshot>(json);
            return snapshot is not null && snapshot.State.Version == FoldState.CurrentVersion ? snapshot : null;
        }
        catch (JsonException)
        {
            // A snapshot of an earlier release: the machine is built from its samples.
            return null;
        }
    }
}
