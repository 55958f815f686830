using System.CommandLine;
using OeeOrleans.Access.Identities;
using OeeOrleans.Model;

namespace OeeOrleans.Host.Commands;

/// <summary>`oee key create|list|revoke --config plant.yaml`: API keys for programs and edge nodes.</summary>
internal static class KeyCommand
{
    private const int MaxDays = 3_650;

    public static Command Create() => new("key", "API keys for programs and edge nodes: create, list, revoke")
    {
        Make(), List(), Revoke(),
    };

    private static Command Make()
    {
        var (plant, grants) = (new PlantAccess(), new GrantOptions());
        var name = new Argument<string>("name") { Description = "what the key is for" };
        var days = new Option<int?>("--days") { Description = "how long it is good; for ever when left out" };
        days.Validators.Add(r =>
        {
            if (r.GetValueOrDefault<int?>() is < 1 or > MaxDays) r.AddError($"--days must be from 1 to {MaxDays}");
        });
        var command = plant.On(grants.On(new Command("create", "makes a key and prints it, once") { name, days }));
        command.SetAction((parsed, cancellationToken) => plant.RunAsync(parsed, async (keeper, tree) =>
        {
            var made = await keeper.AddKeyAsync(
                Doer.CommandLine, parsed.GetRequiredValue(name), grants.Read(parsed, tree),
                parsed.GetValue(days) is { } d ? TimeSpan.FromDays(d) : null, cancellationToken);
            await Console.Out.WriteLineAsync(made.Secret);
            return ExitCode.Success;
        }, cancellationToken));
        return command;
    }

    private static Command List()
    {
        var plant = new PlantAccess();
        var command = plant.On(new Command("list", "every key with its grants, one line each; never the keys"));
        command.SetAction((parsed, cancellationToken) => plant.RunAsync(parsed, async (keeper, _) =>
        {
            foreach (var (key, grants) in keeper.Keys(Doer.CommandLine))
            {
                var state = key.RevokedUs is { } revoked ? $", revoked {UnixMicros.ToIso(revoked)}" : "";
                if (key.ExpiresUs is { } expires) state += $", good until {UnixMicros.ToIso(expires)}";
                await Console.Out.WriteLineAsync(
                    $"{AccessKeeper.KeyPrefix}{key.Id} {key.Name}: {string.Join(", ", grants)}{state}, by {key.CreatedBy}");
            }

            return ExitCode.Success;
        }, cancellationToken));
        return command;
    }

    private static Command Revoke()
    {
        var plant = new PlantAccess();
        var key = new Argument<string>("key") { Description = "its name, or its id as 'list' shows it" };
        var command = plant.On(new Command("revoke", "the key is refused everywhere within two seconds") { key });
        command.SetAction((parsed, cancellationToken) => plant.RunAsync(parsed, async (keeper, _) =>
        {
            var given = parsed.GetRequiredValue(key);
            var id = given.StartsWith(AccessKeeper.KeyPrefix, StringComparison.Ordinal) ? given[AccessKeeper.KeyPrefix.Length..] : given;
            if (await keeper.RevokeKeyAsync(Doer.CommandLine, id, cancellationToken)) return ExitCode.Success;
            await Console.Error.WriteLineAsync($"oee: there is no key '{given}' that could be revoked");
            return ExitCode.Failure;
        }, cancellationToken));
        return command;
    }
}
