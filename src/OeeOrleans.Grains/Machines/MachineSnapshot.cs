using System.Text.Json;
using OeeOrleans.Kpi.Accounting;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Grains.Machines;

/// <summary>What a machine snapshot holds. It is only a short cut: everything in it can be computed from stored samples.</summary>
internal sealed class MachineSnapshot
{
    public required FoldState State { get; init; }

    public required List<FaultEvent> Faults { get; init; }

    /// <summary>From where the account knows everything.</summary>
    public required long SinceUs { get; init; }

    /// <summary>Recomputation that was still owed.</summary>
    public long? DirtyFromUs { get; init; }

    /// <summary>Of the parameters it was computed with; others make it useless.</summary>
    public required string Parameters { get; init; }

    public string ToJson() => JsonSerializer.Serialize(this);

    /// <summary>Null when it is of another version or of other parameters.</summary>
    public static MachineSnapshot? Parse(string json, string parameters)
    {
        try
        {
            var snapshot = JsonSerializer.Deserialize<MachineSnapshot>(json);
            return snapshot is not null && snapshot.State.Version == FoldState.CurrentVersion && snapshot.Parameters == parameters ? snapshot : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public static string Fingerprint(Machine machine) => JsonSerializer.Serialize(machine.Oee) + "|" + machine.Calendar;
}
