using System.Globalization;
using OeeOrleans.Model;
using OeeOrleans.Storage;
using Orleans.Runtime;

namespace OeeOrleans.Host.Hosting;

/// <summary>The database answers and takes commits.</summary>
internal sealed class StoreReadiness(IStore store) : IReadinessCheck
{
    public string Name => "store";

    public Task<string?> WhyNotAsync(CancellationToken cancellationToken) => store.WhyNotAsync(cancellationToken);
}

/// <summary>There is room on the disk for what must be remembered.</summary>
internal sealed class DiskReadiness(string directory) : IReadinessCheck
{
    /// <summary>Less than this is full within minutes.</summary>
    private const long MinFreeBytes = 64L << 20;

    public string Name => "disk";

    public Task<string?> WhyNotAsync(CancellationToken cancellationToken)
    {
        var free = new DriveInfo(Path.GetFullPath(directory)).AvailableFreeSpace;
        var why = string.Create(
            CultureInfo.InvariantCulture, $"{directory} has {free >> 20} MB free; at least {MinFreeBytes >> 20} MB are needed");
        return Task.FromResult(free < MinFreeBytes ? why : null);
    }
}

/// <summary>This process is a living member of its cluster.</summary>
internal sealed class SiloReadiness(IClusterMembershipService membership, ILocalSiloDetails silo) : IReadinessCheck
{
    public string Name => "silo";

    public Task<string?> WhyNotAsync(CancellationToken cancellationToken)
    {
        var status = membership.CurrentSnapshot.GetSiloStatus(silo.SiloAddress);
        return Task.FromResult(status == SiloStatus.Active ? null : $"this silo is {status}");
    }
}

/// <summary>A gateway by itself: there is a silo that answers.</summary>
internal sealed class ClusterReadiness(IClusterClient cluster) : IReadinessCheck
{
    public string Name => "silos";

    public async Task<string?> WhyNotAsync(CancellationToken cancellationToken)
    {
        try
        {
            var hosts = await cluster.GetGrain<IManagementGrain>(0).GetHosts(onlyActive: true).WaitAsync(cancellationToken);
            return hosts.Count > 0 ? null : "no silo is active";
        }
        catch (Exception error) when (error is OrleansException or TimeoutException)
        {
            return $"no silo answers: {error.Message}";
        }
    }
}
