using System.CommandLine;
using System.Text.Json;
using OeeOrleans.Mqtt;
using OeeOrleans.Simulation.Load;

namespace OeeOrleans.Host.Commands;

/// <summary>`oee load`: edge nodes x devices x metrics at a rate; prints what it sent as JSON.</summary>
internal static class LoadCommand
{
    private static readonly JsonSerializerOptions Json = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower, WriteIndented = true,
    };

    public static Command Create()
    {
        var broker = new Option<string>("--broker") { Description = "mqtt://host:port", Required = true };
        var group = new Option<string>("--group")
        {
            Description = "Sparkplug group of the generated nodes", DefaultValueFactory = _ => "load",
        };
        var store = new Option<string?>("--store")
        {
            Description = "PostgreSQL connection string of the plant: tells how long values took from being published to their commit",
        };
        var nodes = Number("--nodes", "edge nodes", 10, 1, 10_000);
        var devices = Number("--devices", "devices per edge node", 5, 1, 10_000);
        var metrics = Number("--metrics", "metrics per message", 20, 1, 10_000);
        var rate = new Option<double>("--rate") { Description = "messages per second, all nodes together", DefaultValueFactory = _ => 100 };
        var seconds = new Option<double>("--seconds") { Description = "for how long", DefaultValueFactory = _ => 10 };
        foreach (var option in new[] { rate, seconds })
        {
            option.Validators.Add(r =>
            {
                if (r.GetValueOrDefault<double>() is not (> 0 and <= 10_000_000)) r.AddError($"{option.Name} must be more than 0");
            });
        }

        var command = new Command("load", "load generator: edge nodes x devices x metrics at a rate; prints what it sent as JSON")
        {
            broker, group, nodes, devices, metrics, rate, seconds, store,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (!BrokerAddress.TryParse(parsed.GetRequiredValue(broker), out var address, out var reason))
            {
                await Console.Error.WriteLineAsync($"oee: --broker: {reason}");
                return ExitCode.WrongUsage;
            }

            var settings = new LoadSettings(
                address, parsed.GetValue(nodes), parsed.GetValue(devices), parsed.GetValue(metrics), parsed.GetValue(rate),
                parsed.GetValue(seconds))
            {
                Group = parsed.GetValue(group)!,
            };
            try
            {
                var report = await new LoadGenerator(settings, TimeProvider.System).RunAsync(cancellationToken);
                var latency = parsed.GetValue(store) is { } connection
                    ? await CommitLatency.MeasureAsync(connection, report, cancellationToken)
                    : null;
                await Console.Out.WriteLineAsync(
                    latency is null
                        ? JsonSerializer.Serialize(report, Json)
                        : JsonSerializer.Serialize(new { load = report, publish_to_commit_ms = latency }, Json));
                return report.Failed == 0 ? ExitCode.Success : ExitCode.Failure;
            }
            catch (Exception error) when (MqttConnections.IsNetwork(error) || error is Npgsql.NpgsqlException or InvalidOperationException)
            {
                await Console.Error.WriteLineAsync($"oee: load stopped: {error.Message}");
                return ExitCode.Failure;
            }
        });
        return command;
    }

    private static Option<int> Number(string name, string description, int otherwise, int min, int max)
    {
        var option = new Option<int>(name) { Description = description, DefaultValueFactory = _ => otherwise };
        option.Validators.Add(r =>
        {
            var value = r.GetValueOrDefault<int>();
            if (value < min || value > max) r.AddError($"{name} must be from {min} to {max}, not {value}");
        });
        return option;
    }
}
