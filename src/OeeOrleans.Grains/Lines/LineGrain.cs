using Microsoft.Extensions.Logging;
using OeeOrleans.Grains.Live;
using OeeOrleans.Grains.Machines;
using OeeOrleans.Kpi;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage;
using Orleans.Placement;
using Orleans.Utilities;

namespace OeeOrleans.Grains.Lines;

/// <summary>
/// One line: hears its machines, remembers what they said last, passes it on, and tells what they make together.
/// </summary>
[PreferLocalPlacement]
internal sealed class LineGrain(PlantDirectory plant, IStore store, SiloPace pace, TimeProvider clock, ILogger<LineGrain> log)
    : Grain, ILineGrain
{
    /// <summary>What its machines say within a second is told together.</summary>
    private static readonly TimeSpan Gather = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, MachineUpdate> _machines = [];
    private readonly ObserverManager<ILiveObserver> _observers = new(TimeSpan.FromSeconds(ILineGrain.WatchForS), log);

    /// <summary>Newer figures that nobody was told of; told together.</summary>
    private readonly Dictionary<string, MachineUpdate> _figures = [];
    private IGrainTimer? _timer;
    private bool _armed;

    private string Id => this.GetPrimaryKeyString();

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _timer = this.RegisterGrainTimer(
            TellAsync, new GrainTimerCreationOptions { DueTime = Timeout.InfiniteTimeSpan, Period = Timeout.InfiniteTimeSpan });
        return Task.CompletedTask;
    }

    public Task Tell(MachineUpdate update)
    {
        // What a machine says of its shift holds until it says another one.
        var before = _machines.GetValueOrDefault(update.Status.MachineId);
        _machines[update.Status.MachineId] = new MachineUpdate(update.Status, update.Shift ?? before?.Shift);
        if (!_armed)
        {
            _armed = true;
            _timer!.Change(Gather, Timeout.InfiniteTimeSpan);
        }

        if (!pace.IsLarge || IsNews(before?.Status, update))
        {
            // What waits is older, and would be told after it.
            _figures.Remove(update.Status.MachineId);
            return NotifyAsync(o => o.OnMachine(update));
        }

        _figures[update.Status.MachineId] = update;
        return Task.CompletedTask;
    }

    public Task<List<MachineUpdate>> GetMachines()
    {
        // Others were of this line and are not any more.
        var mine = plant.FindLine(Id)?.Machines ?? [];
        return Task.FromResult(mine.Select(m => _machines.GetValueOrDefault(m.Id)).OfType<MachineUpdate>().ToList());
    }

    public Task Watch(ILiveObserver observer)
    {
        _observers.Subscribe(observer, observer);
        return Task.CompletedTask;
    }

    public async Task<OeeWindow?> GetWindow(string kind)
    {
        if (plant.FindLine(Id) is not { } line) return null;
        var windows = await Task.WhenAll(line.Machines.Select(m => GrainFactory.GetGrain<IMachineGrain>(m.Id).GetWindow(kind)));
        return LineMerge.Merge(line, [.. windows.OfType<OeeWindow>()]);
    }

    public async Task<LossReport?> GetLosses(long fromUs, long toUs)
    {
        if (plant.FindLine(Id) is not { } line) return null;
        IReadOnlyList<string> machines = line.Policy != LinePolicy.Weighted && line.BottleneckMachine is { } bottleneck
            ? [bottleneck]
            : [.. line.Machines.Select(m => m.Id), .. RetiredAfter(fromUs).Select(m => m.Id)];
        var reports = await Task.WhenAll(machines.Select(m => GrainFactory.GetGrain<IMachineGrain>(m).GetLosses(fromUs, toUs)));
        return LossReport.Merge([.. reports.OfType<LossReport>()]);
    }

    public async Task<List<OeeWindow>> GetHistory(string kind, long fromUs, long toUs)
    {
        if (plant.FindLine(Id) is not { } line) return [];
        // The policy in_out is about the first and the last one of now.
        var retired = line.Policy == LinePolicy.InOut ? [] : RetiredAfter(fromUs);
        var windows = await store.ReadWindowsAsync(
            [.. line.Machines.Concat(retired).Select(m => m.Id)], kind, fromUs, toUs, CancellationToken.None);
        // As it was then: whoever is no more was part of it.
        var then = line with { Machines = [.. line.Machines, .. retired] };
        return [.. windows.GroupBy(w => w.FromUs).OrderBy(g => g.Key).Select(g => LineMerge.Merge(then, [.. g])).OfType<OeeWindow>()];
    }

    /// <summary>Machines that were in this line at or after an instant, and are retired since.</summary>
    private List<Machine> RetiredAfter(long fromUs) =>
        [.. plant.Plant.Retired.Where(r => r.Machine.LineId == Id && r.AtUs > fromUs).Select(r => r.Machine)];

    /// <summary>More than newer figures.</summary>
    private static bool IsNews(MachineStatus? before, MachineUpdate update) =>
        before is null || update.Revised.Length > 0
            || (before.State, before.Category, before.Fault, before.Connected)
                != (update.Status.State, update.Status.Category, update.Status.Fault, update.Status.Connected);

    private async Task TellAsync(CancellationToken cancellationToken)
    {
        _armed = false;
        var figures = _figures.Values.ToArray();
        _figures.Clear();
        if (figures.Length > 0) await NotifyAsync(o => o.OnMachines(figures));
        if (_observers.Count == 0 || plant.FindLine(Id) is not { } line) return;
        var nowUs = UnixMicros.Now(clock);
        var shifts = line.Machines.Select(m => _machines.GetValueOrDefault(m.Id)?.Shift).OfType<OeeWindow>().ToList();
        if (shifts.Count == 0) return;
        // At a change of shift some machines are in the new one before the others: only one shift is merged at a time.
        var newest = shifts.Max(w => w.FromUs);
        var merged = LineMerge.Merge(line, [.. shifts.Where(w => w.FromUs == newest && w.FromUs <= nowUs)]);
        if (merged is not null) await NotifyAsync(o => o.OnLine(new LineUpdate(Id, merged)));
    }

    private async Task NotifyAsync(Func<ILiveObserver, Task> tell)
    {
        if (_observers.Count == 0) return;
        try
        {
            await _observers.Notify(tell);
        }
        catch (Exception error)
        {
            // Live push is the newest picture, not a record: an observer that is gone is forgotten.
            Log.LiveNotTold(log, Id, error.Message, error);
        }
    }
}
