using System.CommandLine;
using OeeOrleans.Broker;
using OeeOrleans.Host.Config;
using OeeOrleans.Host.Hosting;

namespace OeeOrleans.Host.Commands;

/// <summary>`oee demo`: everything in one process on embedded parts, with a simulated plant.</summary>
internal static class DemoCommand
{
    private const int DefaultHistoryDays = 14;
    private const int MaxHistoryDays = 60;

    public static Command Create()
    {
        var servers = new ServerOptions();
        var command = new Command("demo", "everything in one process on embedded parts with a simulated plant; prints the URLs");
        servers.AddTo(command);
        var days = new Option<int>("--history-days")
        {
            Description = "how many days the plant has lived when it is started for the first time, 0 to 60",
            DefaultValueFactory = _ => DefaultHistoryDays,
        };
        days.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<int>() is < 0 or > MaxHistoryDays) result.AddError($"--history-days: 0 to {MaxHistoryDays}");
        });
        command.Add(days);
        command.SetAction((parsed, cancellationToken) =>
        {
            var config = ForLoopback(servers.Apply(parsed, OnFreePorts(DemoConfig())));
            return ServerRunner.RunAsync(config, Roles.All, new DemoOptions(parsed.GetValue(days)), cancellationToken);
        });
        return command;
    }

    private static OeeConfig DemoConfig()
    {
        using var stream = typeof(DemoCommand).Assembly.GetManifestResourceStream("demo-plant.yaml")!;
        return ConfigFile.Parse(new StreamReader(stream).ReadToEnd(), "demo-plant.yaml") with
        {
            DataDir = "./data/demo",
            AcceptOlderModel = true,
            KeepStoredPlant = true,
        };
    }

    /// <summary>Whoever is on this machine may look; a demo that others can reach asks them who they are.</summary>
    private static OeeConfig ForLoopback(OeeConfig config) => config with
    {
        Access = config.Access with { AnonymousViewer = Exposure.IsLoopbackOnly(config.GatewayUrls) },
    };

    /// <summary>A newcomer may have a broker or a web server running: the demo steps aside, unless a port was asked for.</summary>
    private static OeeConfig OnFreePorts(OeeConfig config) => config with
    {
        GatewayUrls = $"http://127.0.0.1:{FreePort.OrAny(new Uri(config.GatewayUrls).Port)}",
        MqttPort = FreePort.OrAny(config.MqttPort),
        SiloPort = FreePort.OrAny(config.SiloPort),
        GatewayPort = FreePort.OrAny(config.GatewayPort),
    };
}
