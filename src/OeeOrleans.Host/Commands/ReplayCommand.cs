using System.CommandLine;
using System.Text.Json;
using OeeOrleans.Kpi.Replay;

namespace OeeOrleans.Host.Commands;

/// <summary>`oee replay SCENARIO.json`: recorded samples + plant model -> KPIs as JSON.</summary>
internal static class ReplayCommand
{
    public static Command Create()
    {
        var file = new Argument<string?>("file")
        {
            Description = "a scenario, or an array of them; - is standard input", Arity = ArgumentArity.ZeroOrOne,
        };
        var fromStore = new Option<bool>("--from-store")
        {
            Description = "recompute stored windows from stored samples and compare: the audit of the system by itself",
        };
        var audit = new AuditOptions();
        var command = new Command("replay", "recorded samples + plant model -> KPIs as JSON") { file, fromStore };
        audit.AddTo(command);
        command.SetAction(async (parsed, cancellationToken) =>
        {
            if (parsed.GetValue(fromStore)) return await audit.RunAsync(parsed, cancellationToken);
            if (parsed.GetValue(file) is not { } path)
            {
                await Console.Error.WriteLineAsync(
                    "oee: give a scenario file (- for standard input), or --from-store with --config and --machine");
                return ExitCode.WrongUsage;
            }

            try
            {
                await using var input = path == "-" ? Console.OpenStandardInput() : File.OpenRead(path);
                using var document = await JsonDocument.ParseAsync(input, cancellationToken: cancellationToken);
                using var buffer = new MemoryStream();
                using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
                {
                    Write(writer, document.RootElement);
                }

                await Console.Out.WriteLineAsync(System.Text.Encoding.UTF8.GetString(buffer.ToArray()));
                return ExitCode.Success;
            }
            catch (Exception error)
                when (error is JsonException or FormatException or IOException or UnauthorizedAccessException or KeyNotFoundException
                or InvalidOperationException
                    or ArgumentException)
            {
                await Console.Error.WriteLineAsync($"oee: cannot replay {path}: {error.Message}");
                return error is IOException or UnauthorizedAccessException ? ExitCode.WrongUsage : ExitCode.Failure;
            }
        });
        return command;
    }

    private static void Write(Utf8JsonWriter writer, JsonElement scenarios)
    {
        if (scenarios.ValueKind != JsonValueKind.Array)
        {
            ReplayJson.Write(writer, Scenario.Parse(scenarios).Evaluate());
            return;
        }

        writer.WriteStartArray();
        foreach (var scenario in scenarios.EnumerateArray()) ReplayJson.Write(writer, Scenario.Parse(scenario).Evaluate());
        writer.WriteEndArray();
    }
}
