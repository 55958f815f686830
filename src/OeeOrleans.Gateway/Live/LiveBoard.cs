using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OeeOrleans.Gateway.Api;
using OeeOrleans.Grains;
using OeeOrleans.Grains.Live;
using OeeOrleans.Grains.Machines;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Storage;
using Prometheus;

namespace OeeOrleans.Gateway.Live;

/// <summary>The plant as this process last heard of it: watches every line, read by the board, passed on to whoever listens. Updates are
/// taken in one after the other, in the order in which they came.</summary>
public sealed class LiveBoard(
    IClusterClient cluster, PlantDirectory plant, IStore store, LiveSubscribers subscribers, TimeProvider clock, ILogger<LiveBoard> log)
        : BackgroundService, ILiveObserver
{
    /// <summary>How often watching is renewed; so long a line that moved to another silo is not heard.</summary>
    private static readonly TimeSpan Renew = TimeSpan.FromSeconds(4);

    /// <summary>Up to so many machines every strip is asked for whenever it changes; of more, those that somebody looks at.</summary>
    private const int SmallPlant = 200;

    /// <summary>Updates that wait to be taken in.</summary>
    private const int Capacity = 50_000;

    private static readonly Counter Lost = Metrics.CreateCounter(
        "live_updates_lost_total", "Updates of machines and lines that this process had no room for.");

    private readonly ConcurrentDictionary<string, MachineUpdate> _machines = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, OeeWindow> _lines = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, MachineTimeline?> _timelines = new(StringComparer.Ordinal);

    /// <summary>Machines whose strip is another one than the one at hand, or of which there is none.</summary>
    private readonly ConcurrentDictionary<string, bool> _stale = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _asked = new(StringComparer.Ordinal);
    private readonly Channel<object> _updates = Channel.CreateBounded<object>(new BoundedChannelOptions(Capacity) { SingleReader = true });
    private readonly SemaphoreSlim _plantChanged = new(0);
    private bool _isSmall;
    private ILiveObserver? _self;

    /// <summary>Grows with every change, so that a viewer knows whether to draw again.</summary>
    public long Version { get; private set; }

    /// <summary>When the newest update came, microseconds; 0 = none yet.</summary>
    public long LastUpdateUs { get; private set; }

    public MachineUpdate? Machine(string id) => _machines.GetValueOrDefault(id);

    public OeeWindow? Line(string id) => _lines.GetValueOrDefault(id);

    /// <summary>
    /// The machine as it was told of last; what the store has of it when it has not told anything yet, and that it was never seen
    /// otherwise.
    /// </summary>
    public MachineStatus StatusOf(string id) => Machine(id)?.Status ?? MachineStatus.NeverSeen(id);

    /// <summary>
    /// The strip as it was asked for last. When there is another one it is asked for, and the viewer is told by <see cref="Version"/>: only
    /// what somebody looks at is asked for.
    /// </summary>
    public MachineTimeline? TimelineOf(string id)
    {
        // None is an answer too: the calendar may have no shift.
        if (!_timelines.TryGetValue(id, out var known) || _stale.ContainsKey(id)) _ = AskTimelineAsync(id);
        return known;
    }

    public Task OnMachine(MachineUpdate update) => Take(update);

    public Task OnMachines(MachineUpdate[] updates)
    {
        foreach (var update in updates) Take(update);
        return Task.CompletedTask;
    }

    public Task OnLine(LineUpdate update) => Take(update);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        Measure();
        plant.Changed += FollowPlant;
        try
        {
            await Task.WhenAll(WatchAsync(stoppingToken), PassOnAsync(stoppingToken));
        }
        finally
        {
            plant.Changed -= FollowPlant;
        }
    }

    private void Measure() => _isSmall = plant.Plant.Machines.Take(SmallPlant + 1).Count() <= SmallPlant;

    private void FollowPlant(PlantIndex before)
    {
        Measure();
        // Strips are of a calendar, which may be another one.
        foreach (var id in _timelines.Keys) _stale[id] = true;
        Version++;
        _plantChanged.Release();
    }

    private Task Take(object update)
    {
        if (!_updates.Writer.TryWrite(update)) Lost.Inc();
        return Task.CompletedTask;
    }

    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        var warm = false;
        while (!cancellationToken.IsCancellationRequested)
        {
            warm = await WatchOnceAsync(warm, cancellationToken);
            // Sooner when there may be new lines to watch.
            await ((Task)_plantChanged.WaitAsync(Renew, cancellationToken)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task<bool> WatchOnceAsync(bool warm, CancellationToken cancellationToken)
    {
        try
        {
            // One reference for the life of this process: each one is an observer, and each observer is told.
            _self ??= cluster.CreateObjectReference<ILiveObserver>(this);
            await Task.WhenAll(plant.Plant.Lines.Select(l => cluster.GetGrain<ILineGrain>(l.Id).Watch(_self))).WaitAsync(
                Renew, clock, cancellationToken);
            if (!warm) await WarmUpAsync(cancellationToken);
            return true;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return warm;
        }
        catch (Exception error)
        {
            Log.SubscribeFailed(log, error.Message, error);
            return warm;
        }
    }

    /// <summary>
    /// What is known of the machines already, so that those that say nothing are on the board as well: from their lines, where they live,
    /// and from the store. None of them is woken for it.
    /// </summary>
    private async Task WarmUpAsync(CancellationToken cancellationToken)
    {
        var told = await Task.WhenAll(plant.Plant.Lines.Select(l => cluster.GetGrain<ILineGrain>(l.Id).GetMachines()))
            .WaitAsync(Renew, clock, cancellationToken);
        foreach (var update in told.SelectMany(t => t)) _machines.TryAdd(update.Status.MachineId, update);
        foreach (var stored in await store.ReadStatusesAsync(cancellationToken))
        {
            if (MachineStatus.Parse(stored.Status) is { } status) _machines.TryAdd(stored.Machine, new MachineUpdate(status, null));
        }

        Version++;
    }

    private async Task PassOnAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await foreach (var update in _updates.Reader.ReadAllAsync(cancellationToken)) PassOn(update);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                // Live push is the newest picture, not a record: the next update brings it up to date.
                Log.UpdateLost(log, error);
            }
        }
    }

    private void PassOn(object update)
    {
        if (update is LineUpdate line) PassOn(line);
        else if (update is MachineUpdate machine) PassOn(machine);
        Version++;
    }

    private void PassOn(LineUpdate update)
    {
        // It comes whenever one of the machines says something, also when none of that is the line's.
        if (update.Shift == _lines.GetValueOrDefault(update.LineId)) return;
        _lines[update.LineId] = update.Shift;
        if (subscribers.Count == 0) return;
        subscribers.Publish([LiveHub.LineTopic(update.LineId)], "KpiChanged", KpiDocument.Of("line", update.Shift));
    }

    private void PassOn(MachineUpdate update)
    {
        var id = update.Status.MachineId;
        if (plant.FindMachine(id) is not { } machine) return;
        var before = _machines.GetValueOrDefault(id);
        if (before is not null && before.Status.AsOfUs > update.Status.AsOfUs) return;
        _machines[id] = update;
        LastUpdateUs = UnixMicros.Now(clock);
        if (before is null || IsNewStretch(before, update))
        {
            _stale[id] = true;
            // A small plant's strips are at hand before anybody looks, so that the first picture has them.
            if (_isSmall) _ = AskTimelineAsync(id);
        }

        if (subscribers.Count == 0) return;
        string[] topics = [LiveHub.LineTopic(machine.LineId), LiveHub.MachineTopic(id)];
        subscribers.Publish(topics, "MachineChanged", MachineStatusDocument.Of(machine, update.Status));
        foreach (var revised in update.Revised) subscribers.Publish(topics, "KpiChanged", KpiDocument.Of("machine", revised));
        if (update.Shift is { } shift) subscribers.Publish(topics, "KpiChanged", KpiDocument.Of("machine", shift));
        if (before?.Status.Fault == update.Status.Fault) return;
        var since = UnixMicros.ToDateTimeOffset(update.Status.FaultSinceUs);
        subscribers.Publish(topics, "FaultChanged", new FaultChangedDocument(id, update.Status.Fault, since));
    }

    /// <summary>The strip has another stretch than before, or other ones.</summary>
    private static bool IsNewStretch(MachineUpdate before, MachineUpdate now) =>
        before.Status.Category != now.Status.Category
            || before.Status.SinceUs != now.Status.SinceUs
            || before.Shift?.FromUs != now.Shift?.FromUs
        || before.Status.Recomputing;

    /// <summary>Beside the updates, which do not wait for it; once at a time.</summary>
    private async Task AskTimelineAsync(string id)
    {
        if (!_asked.TryAdd(id, true)) return;
        _stale.TryRemove(id, out _);
        try
        {
            _timelines[id] = await cluster.GetGrain<IMachineGrain>(id).GetTimeline();
            Version++;
        }
        catch (Exception error)
        {
            // Whoever looks next asks again.
            _stale[id] = true;
            Log.TimelineMissed(log, id, error.Message, error);
        }
        finally
        {
            _asked.TryRemove(id, out _);
        }
    }
}
