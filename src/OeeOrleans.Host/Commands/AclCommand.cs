using System.CommandLine;
using OeeOrleans.Access.Identities;
using OeeOrleans.Access.Mqtt;
using OeeOrleans.Model;

namespace OeeOrleans.Host.Commands;

/// <summary>
/// `oee acl export --format mosquitto|emqx --config plant.yaml`: the embedded broker's rules for a broker of the plant's own.
/// </summary>
internal static class AclCommand
{
    /// <summary>Where the configuration names none.</summary>
    private const string HostUser = "oee-host";

    public static Command Create()
    {
        var plant = new PlantAccess();
        var format = new Option<string>("--format") { Description = "mosquitto or emqx", Required = true };
        format.AcceptOnlyFromAmong("mosquitto", "emqx");
        var export = plant.On(new Command("export", "the broker's rules in the words of another broker, on standard output") { format });
        export.SetAction((parsed, cancellationToken) => plant.WithStoreAsync(parsed, async (config, store, key) =>
        {
            var keeper = await PlantAccess.OpenAsync(config, store, key, cancellationToken);
            var now = UnixMicros.Now(TimeProvider.System);
            var identities = keeper.Users(Doer.CommandLine).Where(u => u.User.DisabledUs is null).Select(u => (u.User.Name, u.Grants))
                .Concat(keeper.Keys(Doer.CommandLine).Where(k => k.Key.RevokedUs is null && !(k.Key.ExpiresUs <= now))
                    .Select(k => (k.Key.Name, k.Grants)))
                .Concat(config.Access.Keys.Select(k => (k.Name, k.Grants)));
            var rules = MqttAcl.Rules(new OeeOrleans.Access.Grants.AssetTree(config.Plant), identities, config.ResultsNode,
                config.Broker?.Username ?? HostUser);
            await Console.Out.WriteAsync(parsed.GetRequiredValue(format) == "emqx" ? MqttAcl.Emqx(rules) : MqttAcl.Mosquitto(rules));
            return ExitCode.Success;
        }, cancellationToken, readsOnly: true));
        return new Command("acl", "who may publish and subscribe to what") { export };
    }
}
