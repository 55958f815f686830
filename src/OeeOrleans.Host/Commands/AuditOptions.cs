using System.CommandLine;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.Configuration;
using OeeOrleans.Grains.Machines;
using OeeOrleans.Host.Config;
using OeeOrleans.Host.Hosting;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Kpi.Replay;
using OeeOrleans.Model;
using OeeOrleans.Storage;

namespace OeeOrleans.Host.Commands;

/// <summary>`oee replay --from-store --config plant.yaml --machine M [--from T] [--to T]`: exit 1 and a list on any difference.</summary>
internal sealed class AuditOptions
{
    private readonly Option<string?> _config = new("--config") { Description = "plant.yaml, for the plant model and the store" };
    private readonly Option<string?> _data = new("--data") { Description = "directory of the embedded store, when it is not the file's" };
    private readonly Option<string?> _machine = new("--machine") { Description = "the machine; all of them when left out" };
    private readonly Option<string?> _from = new("--from") { Description = "ISO 8601; default 7 days ago" };
    private readonly Option<string?> _to = new("--to") { Description = "ISO 8601; default now" };

    public void AddTo(Command command)
    {
        foreach (var option in new[] { _config, _data, _machine, _from, _to }) command.Add(option);
    }

    public async Task<int> RunAsync(ParseResult parsed, CancellationToken cancellationToken)
    {
        var now = UnixMicros.Now(TimeProvider.System);
        long to = now, from = now - (7 * UnixMicros.PerDay);
        if ((parsed.GetValue(_from) is { } fromText && !UnixMicros.TryParse(fromText, out from))
            || (parsed.GetValue(_to) is { } toText && !UnixMicros.TryParse(toText, out to)))
        {
            await Console.Error.WriteLineAsync("oee: --from and --to are ISO 8601 times such as 2026-01-05T06:00:00Z");
            return ExitCode.WrongUsage;
        }

        if (parsed.GetValue(_config) is not { } path)
        {
            await Console.Error.WriteLineAsync("oee: --from-store needs --config plant.yaml, for the plant model and the store");
            return ExitCode.WrongUsage;
        }

        if (await ConfigLoading.LoadAsync(path) is not { } config) return ExitCode.WrongUsage;
        try
        {
            return await CompareAsync(
                config with { DataDir = parsed.GetValue(_data) ?? config.DataDir }, parsed.GetValue(_machine), from, to, now,
                cancellationToken);
        }
        catch (Exception error) when (error is StoreUnavailableException or ConfigException)
        {
            await Console.Error.WriteLineAsync($"oee: {error.Message}");
            return ExitCode.Failure;
        }
    }

    private static async Task<int> CompareAsync(
        OeeConfig config, string? only, long from, long to, long now, CancellationToken cancellationToken)
    {
        await using var store = PlantStore.Open(config, new StoreOptions(), NullLoggerFactory.Instance);
        if (await PlantAccess.StoredAsync(store, cancellationToken) is { } running) config = config with { Plant = running };
        var machines = config.Plant.Machines.Where(m => only is null || m.Id == only).ToList();
        if (only is not null && machines.Count == 0)
        {
            await Console.Error.WriteLineAsync($"oee: there is no machine '{only}' in the plant");
            return ExitCode.WrongUsage;
        }

        // With the models of their time, as the live engine used them.
        var stored = await store.ReadModelsAsync(cancellationToken);
        var plant = new PlantDirectory(config.Plant, stored.Count > 0 ? stored : ModelHistory.Update([], config.Plant, now));
        var (compared, differences) = (0, 0);
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteStartArray("differences");
            foreach (var machine in machines)
            {
                var report = await StoreAudit.RunAsync(store, plant.ModelOf(machine), from, to, now, cancellationToken);
                compared += report.Windows.Count;
                differences += report.Differences.Count;
                foreach (var difference in report.Differences) Write(json, difference);
            }

            json.WriteEndArray();
            json.WriteNumber("windows_compared", compared);
            json.WriteEndObject();
        }

        await Console.Out.WriteLineAsync(System.Text.Encoding.UTF8.GetString(buffer.ToArray()));
        return differences == 0 ? ExitCode.Success : ExitCode.Failure;
    }

    private static void Write(Utf8JsonWriter json, AuditDifference difference)
    {
        json.WriteStartObject();
        json.WriteString("machine_id", difference.Stored.Id);
        json.WriteString("kind", difference.Stored.Kind);
        json.WriteString("from", UnixMicros.ToIso(difference.Stored.FromUs));
        json.WriteString("to", UnixMicros.ToIso(difference.Stored.ToUs));
        json.WriteNumber("revision", difference.Stored.Revision);
        foreach (var (name, window) in new[] { ("stored", difference.Stored), ("computed", difference.Computed) })
        {
            json.WriteStartObject(name);
            ReplayJson.WriteSums(json, window.Sums);
            json.WriteEndObject();
        }

        json.WriteEndObject();
    }
}
