using OeeOrleans.Grains.Machines;
using OeeOrleans.Model;

namespace OeeOrleans.Grains.Live;

/// <summary>What a machine tells its line and the live push: at once when its state or fault changes, else once a second at most.</summary>
[GenerateSerializer]
[Immutable]
[Alias("oee.machine-update")]
public sealed record MachineUpdate([property: Id(0)] MachineStatus Status, [property: Id(1)] OeeWindow? Shift)
{
    /// <summary>Closed windows that were recomputed and say something else now, each with its new revision.</summary>
    [Id(2)]
    public OeeWindow[] Revised { get; init; } = [];
}

/// <summary>What a line tells the live push.</summary>
[GenerateSerializer]
[Immutable]
[Alias("oee.line-update")]
public sealed record LineUpdate([property: Id(0)] string LineId, [property: Id(1)] OeeWindow Shift);

/// <summary>Names of the live streams: not durable, newest wins; keys are line ids.</summary>
public static class LiveStreams
{
    public const string Provider = "live";
    public const string Machines = "machine-updates";
    public const string Lines = "line-updates";
}
