using OeeOrleans.Grains.Machines;
using OeeOrleans.Model;
using Orleans.Concurrency;

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

/// <summary>
/// Hears of a line live: newest wins, nothing is kept. Watching ends by itself unless it is renewed (<see cref="ILineGrain.Watch"/>).
/// </summary>
[Alias("oee.ILiveObserver")]
public interface ILiveObserver : IGrainObserver
{
    [OneWay]
    [Alias("OnMachine")]
    Task OnMachine(MachineUpdate update);

    /// <summary>Machines whose figures are newer; nothing about them is urgent.</summary>
    [OneWay]
    [Alias("OnMachines")]
    Task OnMachines(MachineUpdate[] updates);

    [OneWay]
    [Alias("OnLine")]
    Task OnLine(LineUpdate update);
}
