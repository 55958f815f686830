using Microsoft.Extensions.Logging;
using OeeOrleans.Grains.Live;
using OeeOrleans.Kpi;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage;
using Orleans.Utilities;

namespace OeeOrleans.Grains.Lines;

/// <summary>One line: hears its machines, passes on what they say, and tells once a second what they make together.</summary>
internal sealed class LineGrain(PlantDirectory plant, IStore store, TimeProvider clock, ILogger<LineGrain> log) : Grain, ILineGrain
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, OeeWindow> _shift = [];
    private readonly ObserverManager<ILiveObserver> _observers = new(TimeSpan.FromSeconds(ILineGrain.WatchForS), log);
    private bool _changed;

    private string Id => this.GetPrimaryKeyString();

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        this.RegisterGrainTimer(TellAsync, new GrainTimerCreationOptions { DueTime = Tick, Period = Tick });
        return Task.CompletedTask;
    }

    public Task Tell(MachineUpdate update)
    {
        if (update.Shift is { } shift) _shift[update.Status.MachineId] = shift;
        _changed = true;
        return NotifyAsync(o => o.OnMachine(update));
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
            : [.. line.Machines.Select(m => m.Id)];
        var reports = await Task.WhenAll(machines.Select(m => GrainFactory.GetGrain<IMachineGrain>(m).GetLosses(fromUs, toUs)));
        return LossReport.Merge([.. reports.OfType<LossReport>()]);
    }

    public async Task<List<OeeWindow>> GetHistory(string kind, long fromUs, long toUs)
    {
        if (plant.FindLine(Id) is not { } line) return [];
        var windows = await store.ReadWindowsAsync([.. line.Machines.Select(m => m.Id)], kind, fromUs, toUs, CancellationToken.None);
        return [.. windows.GroupBy(w => w.FromUs).OrderBy(g => g.Key).Select(g => LineMerge.Merge(line, [.. g])).OfType<OeeWindow>()];
    }

    private async Task TellAsync(CancellationToken cancellationToken)
    {
        if (!_changed || _shift.Count == 0 || plant.FindLine(Id) is not { } line) return;
        _changed = false;
        var nowUs = UnixMicros.Now(clock);
        // At a change of shift some machines are in the new one before the others: only one shift is merged at a time.
        var newest = _shift.Values.Max(w => w.FromUs);
        var merged = LineMerge.Merge(
            line,
            [
                .. line.Machines.Select(m => _shift.GetValueOrDefault(m.Id))
                    .OfType<OeeWindow>()
                    .Where(w => w.FromUs == newest && w.FromUs <= nowUs),
            ]);
        if (merged is not null) await NotifyAsync(o => o.OnLine(new LineUpdate(Id, merged)));
    }

    private async Task NotifyAsync(Func<ILiveObserver, Task> tell)
    {
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
