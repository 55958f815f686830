using Microsoft.Extensions.Logging;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Storage;

namespace OeeOrleans.Grains.Keeper;

/// <summary>A machine that is silent still changes shifts and closes windows, and results are published whoever dies: so someone looks
/// after them. The reminder is stored, so it fires in whatever silo lives. Machines are woken in the order in which they were heard of
/// last:
/// what is busy is live first.</summary>
internal sealed class KeeperGrain(PlantDirectory plant, IStore store, ILogger<KeeperGrain> log) : Grain, IKeeperGrain, IRemindable
{
    private const string ReminderName = "look";

    /// <summary>Machines that are woken together; then the next ones.</summary>
    private const int Together = 200;

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
        var failed = await WokenAsync(GrainFactory.GetGrain<IResultsGrain>(0).Ensure()) ? 0 : 1;
        foreach (var some in (await BusiestFirstAsync()).Chunk(Together))
        {
            var woken = await Task.WhenAll(some.Select(m => WokenAsync(GrainFactory.GetGrain<IMachineGrain>(m).Wake())));
            failed += woken.Count(w => !w);
        }

        Log.LookedAt(log, plant.Plant.Machines.Count(), failed);
    }

    private async Task<IEnumerable<string>> BusiestFirstAsync()
    {
        var heard = new Dictionary<string, long>();
        try
        {
            foreach (var status in await store.ReadStatusesAsync(CancellationToken.None)) heard[status.Machine] = status.TimeUs;
        }
        catch (Exception error)
        {
            // Then in the order of the plant; they wait for the store in any case.
            Log.NotWoken(log, error.Message, error);
        }

        return plant.Plant.Machines.Select(m => m.Id).OrderByDescending(m => heard.GetValueOrDefault(m, long.MinValue));
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
