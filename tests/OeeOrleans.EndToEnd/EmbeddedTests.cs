using System.Text.Json;
using Microsoft.Data.Sqlite;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>`oee run` on embedded parts keeps the promise too: what its broker acknowledged is stored, whoever kills it.</summary>
public sealed class EmbeddedTests
{
    private const int Rate = 20;

    [Fact]
    public async Task Killed_three_times_without_broker_and_store_in_the_config_it_holds_exactly_what_was_published()
    {
        var directory = Directory.CreateTempSubdirectory("oee-embedded-").FullName;
        var (port, mqttPort) = (ServerProcess.FreePort(), ServerProcess.FreePort());
        var config = Path.Combine(directory, "plant.yaml");
        await File.WriteAllTextAsync(config,
            $$"""
            site: { id: e2e, name: Embedded, time_zone: UTC }
            {{TestAccess.Section("e2e")}}
            areas: [{ id: area1, lines: [{ id: line1, machines: [{ id: press1, ideal_cycle_s: 0.05, edge_node: e2e/edge1 }] }] }]
            """);
        Task<Oee> StartAsync() => Oee.StartAsync("run", port, "--config", config, "--data", directory, "--mqtt-port", $"{mqttPort}");
        var published = Path.Combine(directory, "published.jsonl");
        var oee = await StartAsync();
        await using var ending = new Ending(() => oee.DisposeAsync());
        await using var edge = ServerProcess.Start(
            "node",
            [
                Path.Combine(Oee.Peers, "edge-qos1.mjs"),
                TestAccess.EdgeUrl(mqttPort),
                "e2e",
                "edge1",
                "press1",
                $"{Rate}",
                $"{Oee.Seconds}",
                published,
            ]);
        for (var kill = 1; kill <= 3; kill++)
        {
            var values = Oee.Seconds * Rate * kill / 4;
            await Eventually.TrueAsync(
                $"{values} values to be published", TimeSpan.FromSeconds(Oee.Seconds + 30),
                () => Task.FromResult(File.Exists(published) && File.ReadLines(published).Count() >= values));
            await oee.Process.KillAsync();
            await oee.DisposeAsync();
            oee = await StartAsync();
        }

        await Eventually.TrueAsync(
            "the edge to finish", TimeSpan.FromSeconds(Oee.Seconds + 90),
            () => Task.FromResult(edge.Output.Contains("\"good\"", StringComparison.Ordinal)));
        var expected = File.ReadLines(published)
            .Select(l => JsonDocument.Parse(l).RootElement)
            .Select(e => (e.GetProperty("name").GetString()!, e.GetProperty("ts").GetInt64(), e.GetProperty("value").GetDouble()))
            .ToHashSet();
        Assert.True(expected.Count > Oee.Seconds * Rate);
        await Eventually.HoldsAsync(
            "every value to be stored", TimeSpan.FromSeconds(60), () => Task.FromResult(Stored(directory).Count), n => n >= expected.Count);
        var stored = Stored(directory);
        Assert.Empty(expected.Except(stored).Take(5));
        Assert.Empty(stored.Except(expected).Take(5));
        Assert.Equal(expected.Count, stored.Count);
        await Eventually.HoldsAsync(
            "the broker's log to be empty", TimeSpan.FromSeconds(20), () => oee.MetricAsync("broker_uncommitted_messages"), n => n == 0);
        await oee.DisposeAsync();
        Directory.Delete(directory, recursive: true);
    }

    /// <summary>What another program reads from the file meanwhile.</summary>
    private static List<(string Name, long Ms, double Value)> Stored(string directory)
    {
        using var connection = new SqliteConnection($"Data Source={Path.Combine(directory, "oee.db")};Mode=ReadOnly");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText =
            "select s.name, p.ts / 1000, p.value from sample p join signal s using (signal_id) where s.machine_id = 'press1' and "
                + "p.quality >= 64";
        using var reader = command.ExecuteReader();
        var rows = new List<(string, long, double)>();
        while (reader.Read()) rows.Add((reader.GetString(0), reader.GetInt64(1), reader.GetDouble(2)));
        return rows;
    }
}
