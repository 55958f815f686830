using System.CommandLine;
using OeeOrleans.Host.Hosting;

namespace OeeOrleans.Host.Commands;

/// <summary>`oee run --config plant.yaml [--role R]...`.</summary>
internal static class RunCommand
{
    public static Command Create()
    {
        var servers = new ServerOptions();
        var config = new Option<string>("--config") { Description = "plant.yaml", Required = true };
        var roles = new Option<string[]>("--role")
        {
            Description = "ingress, grains, gateway, edge; default: all that the config asks for", AllowMultipleArgumentsPerToken = true,
        };
        roles.AcceptOnlyFromAmong("ingress", "grains", "gateway", "edge");
        var command = new Command("run", "a plant from its configuration file") { config, roles };
        servers.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (await ConfigLoading.LoadAsync(parsed.GetRequiredValue(config)) is not { } loaded) return ExitCode.WrongUsage;
            var asked = Roles.Parse(parsed.GetValue(roles), loaded.Edge is not null);
            if (asked.Edge && loaded.Edge is null)
            {
                await Console.Error.WriteLineAsync("oee: the role 'edge' needs a section 'edge' in the config");
                return ExitCode.WrongUsage;
            }

            if (asked is { Gateway: true, Silo: false } && (loaded.StoreConnection ?? loaded.GatewayConnection) is null)
            {
                await Console.Error.WriteLineAsync(
                    "oee: a gateway by itself finds its silos in the store; give store.connection in the config, or let this process "
                        + "have the roles ingress and grains too");
                return ExitCode.WrongUsage;
            }

            return await ServerRunner.RunAsync(servers.Apply(parsed, loaded), asked, demo: null, cancellationToken);
        });
        return command;
    }
}
