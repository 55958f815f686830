using Microsoft.Extensions.Logging;
using OeeOrleans.Grains.Live;
using OeeOrleans.Grains.Plant;
using OeeOrleans.Kpi;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage;
using Orleans.Streams;
using Orleans.Streams.Core;

namespace OeeOrleans.Grains.Lines;

/// <summary>One line: hears its machines over their stream, and tells the live push once a second what they make together.</summary>
[ImplicitStreamSubscription(LiveStreams.Machines)]
public sealed class LineGrain(PlantDirectory plant, IStore store, TimeProvider clock, ILogger<LineGrain> log) : Grain, ILineGrain, IStreamSubscriptionObserver, IAsyncObserver<MachineUpdate>
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    private readonly Dictionary<string, OeeWindow> _shift = [];
    private IAsyncStream<LineUpdate>? _updates;
    private bool _changed;

    private string Id => this.GetPrimaryKeyString();

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _updates = this.GetStreamProvider(LiveStreams.Provider).GetStream<LineUpdate>(StreamId.Create(LiveStreams.Lines, Id));
        this.RegisterGrainTimer(TellAsync, new GrainTimerCreationOptions { DueTime = Tick, Period = Tick });
        return Task.CompletedTask;
    }

    public async Task OnSubscribed(IStreamSubscriptionHandleFactory handleFactory) => await handleFactory.Create<MachineUpdate>().ResumeAsync(this);

    public Task OnNextAsync(MachineUpdate item, StreamSequenceToken? token = null)
    {
        if (item.Shift is { } shift) _shift[item.Status.MachineId] = shift;
        _changed = true;
        return Task.CompletedTask;
    }

    public Task OnCompletedAsync() => Task.CompletedTask;

    public Task OnErrorAsync(Exception ex) => Task.CompletedTask;

    public async Task<OeeWindow?> GetWindow(string kind)
    {
        if (plant.FindLine(Id) is not { } line) return null;
        var windows = await Task.WhenAll(line.Machines.Select(m => GrainFactory.GetGrain<IMachineGrain>(m.Id).GetWindow(kind)));
        return LineMerge.Merge(line, [.. windows.OfType<OeeWindow>()]);
    }

    public async Task<LossReport?> GetLosses(long fromUs, long toUs)
    {
        if (plant.FindLine(Id) is not { } line) return null;
        IReadOnlyList<string> machines = line.Policy != LinePolicy.Weighted && line.BottleneckMachine is { } bottleneck ? [bottleneck] : [.. line.Machines.Select(m => m.Id)];
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
        if (!_changed || plant.FindLine(Id) is not { } line) return;
        _changed = false;
        var nowUs = UnixMicros.Now(clock);
        // At a change of shift some machines are in the new one before the others: only one shift is merged at a time.
        var newest = _shift.Values.Max(w => w.FromUs);
        var merged = LineMerge.Merge(line, [.. line.Machines.Select(m => _shift.GetValueOrDefault(m.Id)).OfType<OeeWindow>().Where(w => w.FromUs == newest && w.FromUs <= nowUs)]);
        if (merged is null) return;
        try
        {
            await _updates!.OnNextAsync(new LineUpdate(Id, merged));
        }
        catch (Exception error)
        {
            Log.LineMergeFailed(log, Id, error.Message);
        }
    }
}
