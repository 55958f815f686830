using Microsoft.Extensions.Hosting;
using OeeOrleans.Access;
using OeeOrleans.Access.Grants;
using OeeOrleans.Access.Identities;
using OeeOrleans.Access.Keys;
using OeeOrleans.Commands;
using OeeOrleans.Configuration;
using OeeOrleans.Gateway;
using OeeOrleans.Gateway.Api;
using OeeOrleans.Grains;
using OeeOrleans.Grains.Results;
using OeeOrleans.Host.Config;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Mqtt;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Sink;
using Orleans.Dashboard;
using Orleans.Serialization;
using Prometheus;

namespace OeeOrleans.Host.Hosting;

/// <summary>Puts the rooms together into one process. Knows who needs what, and nothing else.</summary>
internal static class OeeHost
{
    public static WebApplication Build(
        OeeConfig config, PlantDirectory plant, Roles roles, BrokerAddress broker, IStore store, PlantKey key,
        SimulatedBroker? simulated)
    {
        // The content is in the assembly's folder, wherever the command was given.
        var builder = WebApplication.CreateBuilder(
            new WebApplicationOptions
            {
                ContentRootPath = AppContext.BaseDirectory, ApplicationName = typeof(OeeHost).Assembly.GetName().Name,
            });
        builder.WebHost.UseStaticWebAssets();
        GatewayListeners.Add(builder, config);
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(7));
        builder.Services.AddSingleton<IHostLifetime, QuietLifetime>();
        ConfigureLogging(builder.Logging);

        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(plant);
        builder.Services.AddSingleton<PlantConfiguration>();
        builder.Services.AddHostedService<PlantRefresher>();
        builder.Services.AddSingleton(store);
        builder.Services.AddSingleton(
            new SinkOptions
            {
                FlushMs = config.FlushMs, FlushRows = config.FlushRows, Writers = config.StoreConnection is null ? 1 : config.Store.Writers,
            });
        builder.Services.AddSingleton<ICommitSink, GroupCommitSink>();
        builder.Services.AddSingleton(config.Retention);
        if (roles.Silo)
        {
            builder.Services.AddHostedService<StoreKeeper>();
            builder.Services.AddHostedService<PlantWatch>();
            builder.Services.AddHostedService<PlantFollower>();
            builder.Services.AddSingleton<IReadinessCheck, SiloReadiness>();
        }
        else
        {
            builder.Services.AddSingleton<IReadinessCheck, ClusterReadiness>();
        }

        builder.Services.AddSingleton<IReadinessCheck, StoreReadiness>();
        builder.Services.AddSingleton<IReadinessCheck>(new DiskReadiness(config.DataDir));

        builder.Services.AddOeeGrains();
        builder.Services.AddSerializer(
            s => s.AddJsonSerializer(
                t => t.Namespace is { } name
                    && (name.StartsWith("OeeOrleans.Model", StringComparison.Ordinal)
                        || name.StartsWith("OeeOrleans.Kpi", StringComparison.Ordinal))));
        if (roles.Silo) builder.Host.UseOrleans(silo => OeeCluster.ConfigureSilo(silo, config, roles, o => Fill(o, config, plant, broker)));
        else builder.Host.UseOrleansClient(client => OeeCluster.ConfigureClient(client, config));
        // The embedded broker asks who somebody is, too.
        if (roles.Gateway || config.Broker is null) builder.Services.AddAccess(plant.Plant, config.Access, key);
        builder.Services.AddAuditAnchors(config.DataDir);
        if (roles.Gateway) builder.Services.AddGateway(config.Access.Oidc);
        if (roles.Gateway) builder.Services.AddCommands(config.Commands);

        if (config.ResultsNode is { } results)
        {
            builder.Services.AddSingleton<ResultsPublisherFactory>(ResultsPublishing.FactoryFor(results, broker));
        }

        if (roles.Edge)
        {
            config.Edge!.DataDir = config.DataDir;
            config.Edge.KeysComeLater = roles.Gateway && config.Edge.CommandKeys.Count == 0;
            if (config.Edge.KeysComeLater) builder.Services.AddHostedService<OwnCommandKey>();
            EdgeHost.Add(builder.Services, config.Edge);
        }

        if (simulated is not null)
        {
            builder.Services.AddSingleton(simulated);
            builder.Services.AddHostedService<Simulator>();
        }

        var app = builder.Build();
        if (app.Services.GetService<AccessDirectory>() is { } access) plant.Changed += _ => access.Take(new AssetTree(plant.Plant));
        GatewayListeners.MapManagement(app, config);
        if (roles.Gateway)
        {
            app.MapGateway();
            // It tells the state of every grain and the logs of the silos.
            app.MapOrleansDashboard("/dashboard").RequireAuthorization(GatewayExtensions.AdministratorsOnly);
        }
        else
        {
            GatewayListeners.MapProcess(app, config);
        }

        return app;
    }

    private static void Fill(Ingress.MqttOptions options, OeeConfig config, PlantDirectory plant, BrokerAddress broker)
    {
        options.Broker = broker;
        options.KnownEdgeNodes = () => plant.Now.EdgeNodes;
        options.Partitions = config.Partitions;
        options.Gather = TimeSpan.FromMilliseconds(config.GatherMs);
        options.HostId = config.HostId;
        options.OwnEdgeNode = config.ResultsNode;
        options.ClientIdPrefix = config.ClientIdPrefix;
    }

    public static void ConfigureLogging(ILoggingBuilder logging)
    {
        logging.ClearProviders();
        // Results go to stdout; whatever is logged goes to stderr.
        logging.AddSimpleConsole(o =>
        {
            o.SingleLine = true;
            o.TimestampFormat = "HH:mm:ss.fff ";
            o.UseUtcTimestamp = true;
        });
        logging.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(
            o => o.LogToStandardErrorThreshold = LogLevel.Trace);
        logging.SetMinimumLevel(LogLevel.Information);
        logging.AddFilter("Orleans", LogLevel.Warning);
        logging.AddFilter("Microsoft", LogLevel.Warning);
        logging.AddFilter("System", LogLevel.Warning);
        logging.AddFilter("Polly", LogLevel.Warning);
        // It says of every key and token that is not good that it is not; those are counted, and the audit has them.
        logging.AddFilter("OeeOrleans.Gateway.Access.KeyOrTokenHandler", LogLevel.Warning);
        // It warns that the keys of cookies are not encrypted; the repository they go to seals them.
        logging.AddFilter("Microsoft.AspNetCore.DataProtection.KeyManagement.XmlKeyManager", LogLevel.Error);
        // Advice about garbage collection and a watchdog that measures from the machine's start: neither is for an operator.
        logging.AddFilter("Orleans.Runtime.Silo", LogLevel.Error);
        logging.AddFilter("Orleans.Runtime.Watchdog", LogLevel.Error);
        // Each failed delivery is told by our own ingress, once and with its attempt; Orleans would tell it with a stack trace each time.
        logging.AddFilter("Orleans.Streams", LogLevel.Critical);
        logging.AddFilter("Orleans.Streaming", LogLevel.Error);
    }
}
