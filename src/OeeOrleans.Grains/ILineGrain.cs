using OeeOrleans.Grains.Live;
using OeeOrleans.Kpi;
using OeeOrleans.Model;
using Orleans.Concurrency;

namespace OeeOrleans.Grains;

/// <summary>One line: its machines merged by its policy. Key: line id.</summary>
[Alias("oee.ILineGrain")]
public interface ILineGrain : IGrainWithStringKey
{
    /// <summary>The line's window of a kind that is open now; null when there is none or the plant model does not know the line.</summary>
    [Alias("GetWindow")]
    Task<OeeWindow?> GetWindow(string kind);

    /// <summary>
    /// Lost time of [from, to): of the bottleneck where the policy names one, else of all machines together. Null when the plant model does
    /// not know the line.
    /// </summary>
    [Alias("GetLosses")]
    [AlwaysInterleave]
    Task<LossReport?> GetLosses(long fromUs, long toUs);

    /// <summary>Stored windows of a kind that begin in [from, to), merged, in order of time.</summary>
    [Alias("GetHistory")]
    Task<List<OeeWindow>> GetHistory(string kind, long fromUs, long toUs);

    /// <summary>Its machines as they were told of last; those that told nothing in the line's present life are left out.</summary>
    [Alias("GetMachines")]
    [AlwaysInterleave]
    Task<List<MachineUpdate>> GetMachines();

    /// <summary>A machine of the line tells what is new.</summary>
    [Alias("Tell")]
    [OneWay]
    Task Tell(MachineUpdate update);

    /// <summary>
    /// Lets an observer hear of the line for the next <see cref="WatchForS"/> seconds; call it again before they are over, also because the
    /// line may have moved to another silo.
    /// </summary>
    [Alias("Watch")]
    Task Watch(ILiveObserver observer);

    /// <summary>How long watching lasts, seconds.</summary>
    const int WatchForS = 20;
}
