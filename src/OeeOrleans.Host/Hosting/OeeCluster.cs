using System.Net;
using OeeOrleans.Broker;
using OeeOrleans.Host.Config;
using OeeOrleans.Ingress;
using OeeOrleans.Ingress.Hosting;
using OeeOrleans.Storage;
using Orleans.Configuration;
using Orleans.Dashboard;
using Orleans.Serialization;
using Orleans.Storage;

namespace OeeOrleans.Host.Hosting;

/// <summary>How silos find each other: in the plant's PostgreSQL, or, with the embedded store, not at all, because there is one.</summary>
internal static class OeeCluster
{
    private const string ServiceId = "oee";
    private const string Invariant = "Npgsql";

    public static void ConfigureSilo(ISiloBuilder silo, OeeConfig config, Roles roles, Action<MqttOptions> mqtt)
    {
        var siloPort = config.SiloPort == 0 ? FreePort.Find() : config.SiloPort;
        var gatewayPort = config.GatewayPort == 0 ? FreePort.Find() : config.GatewayPort;
        if (config.StoreConnection is { } store)
        {
            var connection = ConnectionOf(store);
            silo.ConfigureEndpoints(IPAddress.Parse(config.SiloAddress), siloPort, gatewayPort);
            silo.Configure<ClusterOptions>(o => (o.ServiceId, o.ClusterId) = (ServiceId, config.ClusterId));
            silo.UseAdoNetClustering(o => (o.Invariant, o.ConnectionString) = (Invariant, connection));
            silo.UseAdoNetReminderService(o => (o.Invariant, o.ConnectionString) = (Invariant, connection));
            silo.AddAdoNetGrainStorageAsDefault(o => o.Configure<Serializer>((storage, serializer) =>
            {
                (storage.Invariant, storage.ConnectionString) = (Invariant, connection);
                // By [Alias] and [Id]: a state written by an earlier release can be read.
                storage.GrainStorageSerializer = new OrleansGrainStorageSerializer(serializer);
            }));
            silo.Configure<ClusterMembershipOptions>(FailFast);
        }
        else
        {
            silo.UseLocalhostClustering(siloPort, gatewayPort, serviceId: ServiceId, clusterId: config.ClusterId);
            silo.UseInMemoryReminderService();
            silo.AddMemoryGrainStorageAsDefault();
        }

        SiloTls.Add(silo, config);
        silo.Configure<GrainCollectionOptions>(o => o.CollectionAge = TimeSpan.FromHours(2));
        ActivationCache.AddTo(silo);
        silo.Services.AddMqttCommands();
        silo.Services.Configure(mqtt);
        if (roles.Ingress) silo.AddMqttIngress(mqtt);
        // A gateway by itself shows what the silos tell it.
        silo.AddDashboard(Calmly);
    }

    /// <summary>A process that is a gateway and nothing else calls the silos and is none.</summary>
    public static void ConfigureClient(IClientBuilder client, OeeConfig config)
    {
        client.Configure<ClusterOptions>(o => (o.ServiceId, o.ClusterId) = (ServiceId, config.ClusterId));
        client.UseAdoNetClustering(o => (o.Invariant, o.ConnectionString) = (Invariant, ConnectionOf(config.StoreConnection!)));
        client.Configure<Orleans.Configuration.GatewayOptions>(o => o.GatewayListRefreshPeriod = TimeSpan.FromSeconds(10));
        // Silos may come up later than we do.
        client.UseConnectionRetryFilter(async (_, cancellationToken) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(2), cancellationToken);
            return true;
        });
        SiloTls.Add(client, config);
        client.AddDashboard(Calmly);
    }

    /// <summary>How often it asks the silos for their counters; what it measures once a second of its own accord is not affected.</summary>
    private static void Calmly(DashboardOptions options) => options.CounterUpdateIntervalMs = 10_000;

    /// <summary>A pool of its own, and a small one: Npgsql's is a hundred connections, which is all that a server has.</summary>
    private static string ConnectionOf(string store) => new Npgsql.NpgsqlConnectionStringBuilder(store)
    {
        MaxPoolSize = StoreFactory.ClusterConnections, ApplicationName = "oee cluster",
    }.ToString();

    /// <summary>A silo that was killed is declared dead after three missed probes, six seconds; its machines are live elsewhere soon after.
    /// A silo that starts trusts only entries that were refreshed in the last six seconds, so that one killed together with all others does
    /// not keep it waiting.</summary>
    private static void FailFast(ClusterMembershipOptions options)
    {
        options.ProbeTimeout = TimeSpan.FromSeconds(2);
        options.NumMissedProbesLimit = 3;
        options.TableRefreshTimeout = TimeSpan.FromSeconds(5);
        options.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(2);
        options.NumMissedTableIAmAliveLimit = 3;
        options.DefunctSiloExpiration = TimeSpan.FromHours(1);
        options.DefunctSiloCleanupPeriod = TimeSpan.FromMinutes(10);
    }
}
