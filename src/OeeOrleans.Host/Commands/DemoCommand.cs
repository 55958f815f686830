using System.CommandLine;
using OeeOrleans.Broker;
using OeeOrleans.Host.Config;
using OeeOrleans.Host.Hosting;

namespace OeeOrleans.Host.Commands;

/// <summary>`oee demo`: everything in one process on embedded parts, with a simulated plant.</summary>
internal static class DemoCommand
{
    public static Command Create()
    {
        var servers = new ServerOptions();
        var command = new Command("demo", "everything in one process on embedded parts with a simulated plant; prints the URLs");
        servers.AddTo(command);
        command.SetAction((parsed, cancellationToken) =>
        {
            var config = ForLoopback(servers.Apply(parsed, OnFreePorts(DemoConfig())));
            return ServerRunner.RunAsync(config, Roles.All, simulate: true, cancellationToken);
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
