using System.CommandLine;
using OeeOrleans.Access;
using OeeOrleans.Access.Identities;
using OeeOrleans.Model;

namespace OeeOrleans.Host.Commands;

/// <summary>`oee user add|list|disable|enable|password|grant --config plant.yaml`.</summary>
internal static class UserCommand
{
    public static Command Create() => new("user", "users of the plant's own: add, list, disable, enable, password, grant")
    {
        Add(), List(), Disable("disable", disabled: true), Disable("enable", disabled: false), Password(), Grant(),
    };

    private static Command Add()
    {
        var (plant, grants) = (new PlantAccess(), new GrantOptions());
        var name = Name();
        var stdin = Stdin();
        var command = plant.On(
            grants.On(new Command("add", "makes a user; the password must be changed at the first sign-in") { name, stdin }));
        command.SetAction((parsed, cancellationToken) => plant.RunAsync(parsed, async (keeper, tree) =>
        {
            var given = grants.Read(parsed, tree);
            var password = await ReadAsync(parsed.GetValue(stdin), cancellationToken);
            await keeper.AddUserAsync(
                Doer.CommandLine, parsed.GetRequiredValue(name), password, given, mustChange: true, cancellationToken);
            await Console.Out.WriteLineAsync($"user {parsed.GetRequiredValue(name)}: {string.Join(", ", given)}");
            return ExitCode.Success;
        }, cancellationToken));
        return command;
    }

    private static Command List()
    {
        var plant = new PlantAccess();
        var command = plant.On(new Command("list", "every user with its grants, one line each"));
        command.SetAction((parsed, cancellationToken) => plant.RunAsync(parsed, async (keeper, _) =>
        {
            foreach (var (user, grants) in keeper.Users(Doer.CommandLine))
            {
                var state = user.DisabledUs is { } since ? $", disabled {UnixMicros.ToIso(since)}" : "";
                if (user.MustChange) state += ", must change the password";
                await Console.Out.WriteLineAsync($"{user.Name}: {string.Join(", ", grants)}{state}");
            }

            return ExitCode.Success;
        }, cancellationToken));
        return command;
    }

    private static Command Disable(string verb, bool disabled)
    {
        var plant = new PlantAccess();
        var name = Name();
        var command = plant.On(
            new Command(verb, disabled ? "lets a user in no more; all of its sign-ins end" : "lets a user in again") { name });
        command.SetAction((parsed, cancellationToken) => plant.RunAsync(
            parsed,
            async (keeper, _) => await SayAsync(
                await keeper.DisableUserAsync(Doer.CommandLine, parsed.GetRequiredValue(name), disabled, cancellationToken),
                parsed.GetRequiredValue(name)),
            cancellationToken));
        return command;
    }

    private static Command Password()
    {
        var plant = new PlantAccess();
        var name = Name();
        var stdin = Stdin();
        var command = plant.On(
            new Command("password", "another password, to be changed at the next sign-in; all sign-ins end") { name, stdin });
        command.SetAction((parsed, cancellationToken) => plant.RunAsync(parsed, async (keeper, _) =>
        {
            var password = await ReadAsync(parsed.GetValue(stdin), cancellationToken);
            return await SayAsync(
                await keeper.SetPasswordAsync(
                    Doer.CommandLine, parsed.GetRequiredValue(name), password, mustChange: true, cancellationToken),
                parsed.GetRequiredValue(name));
        }, cancellationToken));
        return command;
    }

    private static Command Grant()
    {
        var (plant, grants) = (new PlantAccess(), new GrantOptions());
        var name = Name();
        var command = plant.On(grants.On(new Command("grant", "makes a user's grants what is given") { name }));
        command.SetAction((parsed, cancellationToken) => plant.RunAsync(
            parsed,
            async (keeper, tree) => await SayAsync(
                await keeper.SetGrantsAsync(
                    Doer.CommandLine, parsed.GetRequiredValue(name), grants.Read(parsed, tree), cancellationToken),
                parsed.GetRequiredValue(name)),
            cancellationToken));
        return command;
    }

    private static Argument<string> Name() => new("name") { Description = "the user" };

    private static Option<bool> Stdin() => new("--password-stdin") { Description = "the password is the first line of standard input" };

    private static async Task<int> SayAsync(bool done, string name)
    {
        if (done) return ExitCode.Success;
        await Console.Error.WriteLineAsync($"oee: there is no user '{name}'");
        return ExitCode.Failure;
    }

    /// <summary>Never from the command line, where everybody on the machine could read it.</summary>
    private static async Task<string> ReadAsync(bool fromInput, CancellationToken cancellationToken)
    {
        if (!fromInput && !Console.IsInputRedirected) return ReadHidden();
        if (!fromInput) throw new AccessInputException("password", "a password is typed at a terminal, or given with --password-stdin");
        return await Console.In.ReadLineAsync(cancellationToken)
            ?? throw new AccessInputException("password", "there is no password on standard input");
    }

    private static string ReadHidden()
    {
        Console.Error.Write("password: ");
        var text = new System.Text.StringBuilder();
        while (Console.ReadKey(intercept: true) is var key && key.Key != ConsoleKey.Enter)
        {
            if (key.Key == ConsoleKey.Backspace) text.Length = Math.Max(0, text.Length - 1);
            else if (!char.IsControl(key.KeyChar)) text.Append(key.KeyChar);
        }

        Console.Error.WriteLine();
        return text.ToString();
    }
}
