using System.Collections.Concurrent;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OeeOrleans.Gateway.Api;
using OeeOrleans.Grains;
using OeeOrleans.Grains.Live;
using OeeOrleans.Grains.Machines;
using OeeOrleans.Grains.Plant;
using OeeOrleans.Model;

namespace OeeOrleans.Gateway.Live;

/// <summary>The plant as this process last heard of it: watches every line, read by the board, passed on to the hub.</summary>
public sealed class LiveBoard(
    IClusterClient cluster, PlantDirectory plant, IHubContext<LiveHub> hub, TimeProvider clock, ILogger<LiveBoard> log) : BackgroundService, ILiveObserver
{
    /// <summary>How often watching is renewed; so long a line that moved to another silo is not heard.</summary>
    private static readonly TimeSpan Renew = TimeSpan.FromSeconds(4);

    private readonly ConcurrentDictionary<string, MachineUpdate> _machines = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, OeeWindow> _lines = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, MachineTimeline> _timelines = new(StringComparer.Ordinal);

    /// <summary>Grows with every change, so that a viewer knows whether to draw again.</summary>
    public long Version { get; private set; }

    /// <summary>When the newest update came, microseconds; 0 = none yet.</summary>
    public long LastUpdateUs { get; private set; }

    public MachineUpdate? Machine(string id) => _machines.GetValueOrDefault(id);

    public OeeWindow? Line(string id) => _lines.GetValueOrDefault(id);

    public MachineTimeline? TimelineOf(string id) => _timelines.GetValueOrDefault(id);

    public Task OnMachine(MachineUpdate update) => plant.FindMachine(update.Status.MachineId) is { } machine ? OnMachineAsync(machine.LineId, update) : Task.CompletedTask;

    public async Task OnLine(LineUpdate update)
    {
        _lines[update.LineId] = update.Shift;
        Version++;
        await hub.Clients.Group(LiveHub.LineGroup(update.LineId)).SendAsync("KpiChanged", KpiDocument.Of("line", update.Shift));
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var warm = false;
        using var timer = new PeriodicTimer(Renew, clock);
        try
        {
            do
            {
                warm = await WatchAsync(warm, stoppingToken);
            }
            while (await timer.WaitForNextTickAsync(stoppingToken));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            return;
        }
    }

    private async Task<bool> WatchAsync(bool warm, CancellationToken cancellationToken)
    {
        try
        {
            var self = cluster.CreateObjectReference<ILiveObserver>(this);
            await Task.WhenAll(plant.Plant.Lines.Select(l => cluster.GetGrain<ILineGrain>(l.Id).Watch(self))).WaitAsync(Renew, clock, cancellationToken);
            if (!warm) await WarmUpAsync(cancellationToken);
            return true;
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            Log.SubscribeFailed(log, error.Message);
            return warm;
        }
    }

    /// <summary>Asks every machine once, so that machines that say nothing are on the board as well.</summary>
    private async Task WarmUpAsync(CancellationToken cancellationToken)
    {
        foreach (var machine in plant.Plant.Machines)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var grain = cluster.GetGrain<IMachineGrain>(machine.Id);
            if (await grain.GetStatus() is not { } status) continue;
            _machines.TryAdd(machine.Id, new MachineUpdate(status, await grain.GetWindow("shift")));
            if (await grain.GetTimeline() is { } timeline) _timelines[machine.Id] = timeline;
            Version++;
        }
    }

    private async Task OnMachineAsync(string lineId, MachineUpdate update)
    {
        try
        {
            var id = update.Status.MachineId;
            var before = _machines.GetValueOrDefault(id);
            if (before is not null && before.Status.AsOfUs > update.Status.AsOfUs) return;
            _machines[id] = update;
            LastUpdateUs = UnixMicros.Now(clock);
            if (before is null || before.Status.Category != update.Status.Category || before.Shift?.FromUs != update.Shift?.FromUs || before.Status.SinceUs != update.Status.SinceUs || before.Status.Recomputing)
            {
                if (await cluster.GetGrain<IMachineGrain>(id).GetTimeline() is { } timeline) _timelines[id] = timeline;
            }

            Version++;
            var groups = new[] { LiveHub.LineGroup(lineId), LiveHub.MachineGroup(id) };
            var machine = plant.FindMachine(id)!;
            await hub.Clients.Groups(groups).SendAsync("MachineChanged", MachineStatusDocument.Of(machine, update.Status));
            foreach (var revised in update.Revised) await hub.Clients.Groups(groups).SendAsync("KpiChanged", KpiDocument.Of("machine", revised));
            if (update.Shift is { } shift) await hub.Clients.Groups(groups).SendAsync("KpiChanged", KpiDocument.Of("machine", shift));
            if (before?.Status.Fault != update.Status.Fault)
            {
                await hub.Clients.Groups(groups).SendAsync("FaultChanged", new { machine_id = id, code = update.Status.Fault, since = update.Status.FaultSinceUs is { } since ? UnixMicros.ToIso(since) : null });
            }
        }
        catch (Exception error)
        {
            // Live push is the newest picture, not a record: the next update brings it up to date.
            Log.UpdateLost(log, update.Status.MachineId, error.Message);
        }
    }
}
