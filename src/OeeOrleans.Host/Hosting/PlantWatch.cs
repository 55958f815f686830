using OeeOrleans.Grains;
using Orleans.Runtime;

namespace OeeOrleans.Host.Hosting;

/// <summary>Has the keeper look whenever a silo came or went.</summary>
internal sealed class PlantWatch(IClusterMembershipService membership, IGrainFactory grains, ILogger<PlantWatch> log) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var before = new HashSet<SiloAddress>();
        try
        {
            await foreach (var snapshot in membership.MembershipUpdates.WithCancellation(stoppingToken))
            {
                var active = snapshot.Members.Values.Where(m => m.Status == SiloStatus.Active).Select(m => m.SiloAddress).ToHashSet();
                if (active.Count == 0 || active.SetEquals(before)) continue;
                before = active;
                await LookAsync();
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            return;
        }
    }

    private async Task LookAsync()
    {
        try
        {
            await grains.GetGrain<IKeeperGrain>(0).Look();
        }
        catch (Exception error)
        {
            // The reminder makes good for it within a minute.
            Log.NotLooked(log, error.Message, error);
        }
    }
}
