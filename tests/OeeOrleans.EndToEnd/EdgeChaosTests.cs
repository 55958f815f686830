using System.Globalization;
using Npgsql;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>
/// Our own edge node with a thousand tags four times a second, our own host, and everything between them failing: every sample arrives
/// exactly once.
/// </summary>
public sealed class EdgeChaosTests(PlantFixture fixture) : IClassFixture<PlantFixture>
{
    private const int Tags = 1000;
    private static readonly TimeSpan Drained = TimeSpan.FromSeconds(90);

    /// <summary>Up to eight minutes of 4,000 values a second, replayed at no more than 20,000 a second.</summary>
    private static readonly TimeSpan DrainedOfMinutes = TimeSpan.FromMinutes(4);

    [Fact]
    public async Task Cut_off_killed_and_on_a_bad_network_every_sample_arrives_exactly_once()
    {
        await using var plant = await TestPlant.CreateAsync(fixture.Postgres);
        await using var proxy = new ChaosProxy(plant.Broker.Port);
        var config = await plant.WriteEdgeConfigAsync($"mqtt://127.0.0.1:{proxy.Port}", "auto");
        await using var oee = await plant.StartAsync();
        var edge = await StartEdgeAsync(config);
        await using var ending = new Ending(() => edge.DisposeAsync());
        await WaitForTicksAsync(plant, 12);

        proxy.Cut();
        for (var kill = 1; kill <= 2; kill++)
        {
            await WaitForTicksAsync(plant, JournalTicks(plant).Count + (Oee.Seconds * 4 / 3));
            await edge.KillAsync();
            await edge.DisposeAsync();
            edge = await StartEdgeAsync(config);
        }

        await WaitForTicksAsync(plant, JournalTicks(plant).Count + (Oee.Seconds * 4 / 3));
        (proxy.Delay, proxy.Loss) = (TimeSpan.FromMilliseconds(300), 0.05);
        proxy.Mend();
        await WaitForTicksAsync(plant, JournalTicks(plant).Count + (Oee.Seconds * 4 / 2));
        (proxy.Delay, proxy.Loss) = (TimeSpan.Zero, 0);

        // Live values are back to normal within ten seconds of the end, whatever still waits in the buffer.
        await Eventually.HoldsAsync(
            "the newest stored value to be live", TimeSpan.FromSeconds(10),
            () => plant.ScalarAsync("select (extract(epoch from now() - max(ts)) * 1000)::bigint from telemetry where name = 'tag0007'"),
            age => age < 1500);
        await Eventually.HoldsAsync(
            "the edge to have caught up", Drained, async () => await EdgeMetricAsync(edge.Port, "edge_buffer_records"),
            records => records < 40);
        await StopEdgeAsync(edge.Process);
        await AssertEveryTickOnceAsync(plant, kills: 2);
    }

    [Fact]
    public async Task With_a_broker_that_forgets_everything_three_times_nothing_is_lost()
    {
        await using var plant = await TestPlant.CreateAsync(fixture.Postgres, brokerPersistence: false);
        var config = await plant.WriteEdgeConfigAsync(plant.Broker.Url, "commit");
        await using var oee = await plant.StartAsync();
        var edge = await StartEdgeAsync(config);
        await using var ending = new Ending(() => edge.DisposeAsync());
        await WaitForTicksAsync(plant, 8);
        for (var kill = 1; kill <= 3; kill++)
        {
            await WaitForTicksAsync(plant, JournalTicks(plant).Count + (Oee.Seconds * 4 / 4));
            await plant.Broker.KillAsync();
            await plant.Broker.ResumeAsync();
        }

        await WaitForTicksAsync(plant, JournalTicks(plant).Count + (Oee.Seconds * 4 / 4));
        await Eventually.HoldsAsync(
            "the edge to have caught up", Drained, async () => await EdgeMetricAsync(edge.Port, "edge_buffer_records"),
            records => records < 40);
        await StopEdgeAsync(edge.Process);
        await AssertEveryTickOnceAsync(plant, kills: 0);
    }

    [LongFact]
    public async Task With_a_full_disk_at_the_edge_and_room_again_every_reading_that_was_durable_arrives_exactly_once()
    {
        await using var plant = await TestPlant.CreateAsync(fixture.Postgres);
        await using var disk = await SmallDisk.MountAsync(plant.EdgeDirectory, 128);
        await using var proxy = new ChaosProxy(plant.Broker.Port);
        var config = await plant.WriteEdgeConfigAsync($"mqtt://127.0.0.1:{proxy.Port}", "commit");
        await using var oee = await plant.StartAsync();
        var edge = await StartEdgeAsync(config);
        await using var ending = new Ending(() => edge.DisposeAsync());
        await WaitForTicksAsync(plant, 12);
        // Nothing leaves, and nothing fits any more but what the log has set aside for itself: some minutes of readings.
        proxy.Cut();
        disk.Fill();
        await Eventually.HoldsAsync(
            "readings that are not durable", TimeSpan.FromMinutes(8), () => Task.FromResult(edge.Process.Output),
            o => o.Contains("No space left", StringComparison.OrdinalIgnoreCase));
        await Task.Delay(TimeSpan.FromSeconds(Oee.Seconds / 6.0));
        disk.Empty();
        var durable = JournalTicks(plant).Count;
        await WaitForTicksAsync(plant, durable + 20);
        proxy.Mend();
        await WaitForTicksAsync(plant, durable + 40);
        await Eventually.HoldsAsync(
            "the edge to have caught up", DrainedOfMinutes, async () => await EdgeMetricAsync(edge.Port, "edge_buffer_records"),
            records => records < 40);
        await StopEdgeAsync(edge.Process);
        await AssertEveryTickOnceAsync(plant, kills: 0);
    }

    private static async Task<RunningEdge> StartEdgeAsync(string config)
    {
        var port = ServerProcess.FreePort();
        var process = ServerProcess.Start(
            "dotnet", [Oee.Program, "run", "--config", config, "--role", "edge", "--urls", $"http://127.0.0.1:{port}"]);
        await Eventually.TrueAsync(
            "the edge to start", TimeSpan.FromSeconds(30),
            () => process.HasExited
                ? throw new InvalidOperationException(process.Output)
                : Task.FromResult(process.Output.Contains("ready;", StringComparison.Ordinal)));
        return new RunningEdge(process, port);
    }

    private static async Task StopEdgeAsync(ServerProcess edge)
    {
        await edge.StopAsync();
        Assert.Equal(0, edge.ExitCode);
        await edge.DisposeAsync();
    }

    private static async Task<double> EdgeMetricAsync(int port, string name)
    {
        using var http = new HttpClient();
        var text = await http.GetStringAsync(new Uri($"http://127.0.0.1:{port}/metrics"));
        return double.Parse(
            text.Split('\n').First(l => l.StartsWith(name + " ", StringComparison.Ordinal)).Split(' ')[1], CultureInfo.InvariantCulture);
    }

    /// <summary>Readings that are not stored or only in part, and what dead letters say; empty when all are.</summary>
    private static async Task<string> MissingAsync(TestPlant plant, HashSet<long> journal)
    {
        var stored = await StoredTicksAsync(plant);
        var missing = journal.Where(t => !stored.TryGetValue(t, out var reading) || reading.Count < Tags).Order().ToList();
        if (missing.Count == 0) return "";
        var letters = await plant.ScalarAsync("select count(*) from dead_letter");
        return $"{missing.Count} of {journal.Count} missing, {missing[0]} to {missing[^1]} of {journal.Min()} to {journal.Max()}; "
            + $"{letters} dead letters";
    }

    private static HashSet<long> JournalTicks(TestPlant plant)
    {
        if (!File.Exists(plant.JournalFile)) return [];
        using var reader = new StreamReader(new FileStream(plant.JournalFile, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return [
            .. reader.ReadToEnd()
                .Split('\n', StringSplitOptions.RemoveEmptyEntries)
                .Where(l => l.Length == 13)
                .Select(l => long.Parse(l, CultureInfo.InvariantCulture)),
        ];
    }

    private static Task WaitForTicksAsync(TestPlant plant, int ticks) =>
        Eventually.HoldsAsync(
            $"{ticks} readings", TimeSpan.FromSeconds((ticks / 4) + 60), () => Task.FromResult(JournalTicks(plant).Count), n => n >= ticks);

    /// <summary>
    /// A reading is a thousand values of one instant, each a function of tag and time. What is stored off the grid of readings are births.
    /// </summary>
    private static async Task AssertEveryTickOnceAsync(TestPlant plant, int kills)
    {
        var journal = JournalTicks(plant);
        // The reading that was under way when the edge was stopped may be in its queue still, or half of it: it would go with the next
        // start.
        var last = journal.Max();
        var due = journal.Where(t => t < last).ToHashSet();
        await Eventually.HoldsAsync("every reading to be stored", Drained, () => MissingAsync(plant, due), m => m.Length == 0);
        var stored = await StoredTicksAsync(plant);
        foreach (var (tick, (count, sum)) in stored)
        {
            if (tick == last && count < Tags) continue;
            Assert.True(count == Tags, $"{count} values at {tick}, {Tags} were read; the last reading was at {last}");
            Assert.Equal((Tags * (tick / 250 % 1_000_000_000)) + (Tags * (Tags - 1) / 2), sum);
        }

        // Durable, but killed before it could be noted: one reading for each kill at most.
        Assert.InRange(stored.Keys.Except(journal).Count(), 0, kills);
    }

    private static async Task<Dictionary<long, (long Count, long Sum)>> StoredTicksAsync(TestPlant plant)
    {
        await using var connection = new NpgsqlConnection(plant.Connection);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            """
            select (extract(epoch from ts) * 1000)::bigint as ms, count(*), sum(value)::bigint from telemetry
            where name like 'tag%' and quality >= 64 and (extract(epoch from ts) * 1000000)::bigint % 250000 = 0 group by 1
            """, connection);
        await using var reader = await command.ExecuteReaderAsync();
        var ticks = new Dictionary<long, (long, long)>();
        while (await reader.ReadAsync()) ticks[reader.GetInt64(0)] = (reader.GetInt64(1), reader.GetInt64(2));
        return ticks;
    }

    private sealed record RunningEdge(ServerProcess Process, int Port) : IAsyncDisposable
    {
        public Task KillAsync() => Process.KillAsync();

        public ValueTask DisposeAsync() => Process.DisposeAsync();
    }
}
