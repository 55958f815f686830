using System.CommandLine;
using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.Access;
using OeeOrleans.Access.Identities;
using OeeOrleans.Access.Keys;

namespace OeeOrleans.Host.Commands;

/// <summary>`oee commands key|renew-key --config plant.yaml`: the key that edge nodes know the host's commands by.</summary>
internal static class CommandsCommand
{
    public static Command Create() => new("commands", "the key that edge nodes know the host's writes by: key, renew-key")
    {
        Show(), Renew(),
    };

    private static Command Show() => On(
        "key", "prints its public half, for edge.command_keys of every edge node whose PLCs may be written to",
        (_, _) => Task.CompletedTask);

    private static Command Renew() => On(
        "renew-key", "makes another key and prints its public half; edge nodes refuse commands until they are told it",
        (key, cancellationToken) => key.RenewAsync(Doer.CommandLine, cancellationToken));

    private static Command On(string name, string description, Func<CommandKey, CancellationToken, Task> first)
    {
        var plant = new PlantAccess();
        var command = plant.On(new Command(name, description));
        command.SetAction((parsed, cancellationToken) => plant.WithStoreAsync(parsed, async (config, store, key) =>
        {
            var commands = await AccessServices.OpenCommandKeyAsync(
                store, config.Plant, config.Access, key, NullLoggerFactory.Instance, cancellationToken);
            await first(commands, cancellationToken);
            await Console.Out.WriteLineAsync(await commands.PublicAsync(cancellationToken));
            return ExitCode.Success;
        }, cancellationToken));
        return command;
    }
}
