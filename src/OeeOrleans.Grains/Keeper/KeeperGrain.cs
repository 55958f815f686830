using Microsoft.Extensions.Logging;
using OeeOrleans.Kpi.Plant;

namespace OeeOrleans.Grains.Keeper;

/// <summary>A machine that is silent still changes shifts and closes windows, and results are published whoever dies: so someone looks
/// after them. The reminder is stored, so it fires in whatever silo lives.</summary>
internal sealed class KeeperGrain(PlantDirectory plant, ILogger<KeeperGrain> log) : Grain, IKeeperGrain, IRemindable
{
    private const string ReminderName = "look";

    /// <summary>As often as a reminder may fire.</summary>
    private static readonly TimeSpan Every = TimeSpan.FromMinutes(1);

    private bool _reminded;

    public async Task Look()
    {
        if (!_reminded) await this.RegisterOrUpdateReminder(ReminderName, Every, Every);
        _reminded = true;
        await WakeAsync();
    }

    public Task ReceiveReminder(string reminderName, TickStatus status) => WakeAsync();

    private async Task WakeAsync()
    {
        var machines = plant.Plant.Machines.Select(m => WokenAsync(GrainFactory.GetGrain<IMachineGrain>(m.Id).GetStatus()));
        var woken = await Task.WhenAll(machines.Append(WokenAsync(GrainFactory.GetGrain<IResultsGrain>(0).Ensure())));
        Log.LookedAt(log, woken.Length, woken.Count(w => !w));
    }

    /// <summary>One that cannot be woken now is looked at again; the others must not wait for it.</summary>
    private async Task<bool> WokenAsync(Task waking)
    {
        try
        {
            await waking;
            return true;
        }
        catch (Exception error)
        {
            Log.NotWoken(log, error.Message, error);
            return false;
        }
    }
}
