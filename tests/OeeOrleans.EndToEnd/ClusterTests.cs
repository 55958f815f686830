using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Npgsql;
using OeeOrleans.TestServers;
using Xunit.Abstractions;

namespace OeeOrleans.EndToEnd;

/// <summary>
/// Two silos on one PostgreSQL and one broker, and everything dying in turn. OEE_E2E_SECONDS=60 makes it five minutes at 2,000 messages a
/// second.
/// </summary>
public sealed class ClusterTests(PlantFixture fixture, ITestOutputHelper output) : IClassFixture<PlantFixture>
{
    private const int Edges = 4;
    private const double MaxStaleS = 20;
    private const double MaxMemoryMb = 1000;

    private static int Seconds { get; } = Oee.Seconds >= 60 ? 300 : 90;

    /// <summary>Messages per second and edge node; all tests together must leave a small machine some air.</summary>
    private static int Rate { get; } = Oee.Seconds >= 60 ? 500 : 100;

    [Fact]
    public async Task Silos_database_and_broker_die_in_turn_and_nothing_is_lost_doubled_or_long_stale()
    {
        await using var cluster = await TestCluster.CreateAsync(fixture.Postgres, Edges);
        var silos = new[] { await cluster.StartAsync(0), await cluster.StartAsync(1) };
        var edges = Enumerable.Range(0, Edges).Select(i => cluster.StartEdge(i, Rate, Seconds)).ToList();
        using var stop = new CancellationTokenSource();
        var watch = new StaleWatch(cluster, () => silos);
        var watching = watch.RunAsync(stop.Token);
        await Eventually.HoldsAsync(
            "every machine to be seen", TimeSpan.FromSeconds(60), () => Task.FromResult(watch.Seen), n => n == Edges);

        var started = Stopwatch.GetTimestamp();
        async Task UntilAsync(double part) =>
            await Task.Delay(TimeSpan.FromSeconds(Math.Max(0, (Seconds * part) - Stopwatch.GetElapsedTime(started).TotalSeconds)));
        for (var i = 0; i < 2; i++)
        {
            await UntilAsync(0.08 + (0.3 * i));
            output.WriteLine(
                $"{Stopwatch.GetElapsedTime(started).TotalSeconds:0} s: kill -9 silo {i}; stale at most {watch.WorstS:0.0} s so far");
            await silos[i].Process.KillAsync();
            await silos[i].DisposeAsync();
            await UntilAsync(0.23 + (0.3 * i));
            silos[i] = await cluster.StartAsync(i);
        }

        await UntilAsync(0.62);
        output.WriteLine(
            $"{Stopwatch.GetElapsedTime(started).TotalSeconds:0} s: PostgreSQL stops; stale at most {watch.WorstS:0.0} s so far");
        await fixture.Postgres.StopAsync();
        await UntilAsync(0.72);
        await fixture.Postgres.ResumeAsync();
        await UntilAsync(0.85);
        output.WriteLine(
            $"{Stopwatch.GetElapsedTime(started).TotalSeconds:0} s: the broker restarts; stale at most {watch.WorstS:0.0} s so far");
        await cluster.Broker.StopAsync();
        await cluster.Broker.ResumeAsync();

        foreach (var edge in edges)
        {
            await Eventually.TrueAsync(
                "the edges to finish", TimeSpan.FromSeconds(Seconds + 90),
                () => Task.FromResult(edge.Output.Contains("\"good\"", StringComparison.Ordinal)));
        }

        await stop.CancelAsync();
        await watching;
        long messages = 0, values = 0;
        for (var i = 0; i < Edges; i++)
        {
            var published = cluster.Published(i);
            await Eventually.HoldsAsync(
                $"every value of machine {i} to be stored", TimeSpan.FromSeconds(120), () => cluster.CountAsync(i),
                n => n >= published.Count);
            var stored = await cluster.StoredAsync(i);
            Assert.Empty(published.Except(stored).Take(5));
            Assert.Empty(stored.Except(published).Take(5));
            Assert.Equal(published.Count, await cluster.CountAsync(i));
            values += published.Count;
            messages += JsonDocument.Parse(edges[i].Output.Split('\n').First(l => l.StartsWith('{'))).RootElement.GetProperty("messages")
                .GetInt64();
        }

        output.WriteLine(
            $"{messages} messages, {values} values, published = stored; stale at most {watch.WorstS:0.0} s ({watch.WorstMachine}); "
                + $"memory at most {watch.MaxMemoryMb:0} MB");
        Assert.True(watch.WorstS < MaxStaleS, $"{watch.WorstMachine} was stale for {watch.WorstS:0.0} s");
        Assert.True(watch.MaxMemoryMb < MaxMemoryMb, $"a silo took {watch.MaxMemoryMb:0} MB");
    }

    [Fact]
    public async Task Rolling_restart_and_a_gateway_that_is_no_silo()
    {
        await using var cluster = await TestCluster.CreateAsync(fixture.Postgres, 2);
        // It is there first, and waits for silos.
        var starting = cluster.StartAsync(2, "--role", "gateway");
        var silos = new[] { await cluster.StartAsync(0), await cluster.StartAsync(1) };
        await using var gateway = await starting;
        var edges = Enumerable.Range(0, 2).Select(i => cluster.StartEdge(i, 50, Oee.Seconds)).ToList();
        await Eventually.HoldsAsync(
            "both machines", TimeSpan.FromSeconds(30),
            async () =>
                (await gateway.GetAsync("/api/machines/status"))
                    .GetProperty("items")
                    .EnumerateArray()
                    .Count(m => m.GetProperty("last_seen").ValueKind == JsonValueKind.String),
            n => n == 2);
        for (var i = 0; i < 2; i++)
        {
            await silos[i].Process.StopAsync();
            Assert.Equal(0, silos[i].Process.ExitCode);
            await silos[i].DisposeAsync();
            silos[i] = await cluster.StartAsync(i);
            Assert.Equal(2, (await gateway.GetAsync("/api/machines/status")).GetProperty("items").GetArrayLength());
        }

        foreach (var edge in edges)
        {
            await Eventually.TrueAsync(
                "the edges to finish", TimeSpan.FromSeconds(Oee.Seconds + 90),
                () => Task.FromResult(edge.Output.Contains("\"good\"", StringComparison.Ordinal)));
        }

        for (var i = 0; i < 2; i++)
        {
            var published = cluster.Published(i);
            await Eventually.HoldsAsync(
                "every value to be stored", TimeSpan.FromSeconds(60), () => cluster.CountAsync(i), n => n >= published.Count);
            Assert.True(published.SetEquals(await cluster.StoredAsync(i)));
            // A restart in good order asks for no rebirth: what silos know of the node is stored.
            Assert.Contains("\"births\":1", edges[i].Output, StringComparison.Ordinal);
        }

        // What is to outlive every silo is in the providers' tables: one reminder, and the results node's number, a new one for each silo
        // it lived in.
        Assert.Equal(1, await cluster.ScalarAsync("select count(*) from orleansreminderstable"));
        Assert.True(await cluster.ScalarAsync("select max(version) from orleansstorage where graintypestring like '%results%'") >= 2);
        var http = gateway.Http;
        foreach (var page in new[] { "/openapi/v1.json", "/dashboard", "/metrics", "/health/ready" })
        {
            Assert.NotEmpty(await http.GetStringAsync(new Uri(gateway.Url + page)));
        }
    }

    /// <summary>Looks at the machines twice a second through whichever gateway answers.</summary>
    private sealed class StaleWatch(TestCluster cluster, Func<IReadOnlyList<Oee>> silos)
    {
        private readonly Dictionary<string, DateTimeOffset> _newest = [];

        public int Seen => _newest.Count;

        public double WorstS { get; private set; }

        public string WorstMachine { get; private set; } = "";

        public double MaxMemoryMb { get; private set; }

        public async Task RunAsync(CancellationToken cancellationToken)
        {
            while (!cancellationToken.IsCancellationRequested)
            {
                await Task.WhenAll(silos().Select(LookAsync));
                foreach (var (machine, seen) in _newest)
                {
                    var age = (DateTimeOffset.UtcNow - seen).TotalSeconds;
                    if (age > WorstS) (WorstS, WorstMachine) = (age, machine);
                }

                await Task.Delay(500, CancellationToken.None);
            }
        }

        private async Task LookAsync(Oee silo)
        {
            try
            {
                MaxMemoryMb = Math.Max(MaxMemoryMb, cluster.MemoryMb(silo));
                foreach (var item in (await silo.GetAsync("/api/machines/status")).GetProperty("items").EnumerateArray())
                {
                    if (item.GetProperty("last_seen").ValueKind != JsonValueKind.String) continue;
                    var machine = item.GetProperty("machine_id").GetString()!;
                    var seen = item.GetProperty("last_seen").GetDateTimeOffset();
                    lock (_newest)
                    {
                        if (!_newest.TryGetValue(machine, out var before) || seen > before) _newest[machine] = seen;
                    }
                }
            }
            catch (Exception error)
                when (error is HttpRequestException or OperationCanceledException or InvalidOperationException or IOException)
            {
                // This one is down; the other one is asked too.
                return;
            }
        }
    }
}

/// <summary>A plant for several silos: one machine and one edge node each in two partitions.</summary>
public sealed class TestCluster : IAsyncDisposable
{
    private readonly int[] _ports = [.. Enumerable.Range(0, 9).Select(_ => ServerProcess.FreePort())];
    private readonly string _directory = Directory.CreateTempSubdirectory("oee-cluster-").FullName;
    private readonly string _connection;
    private readonly System.Collections.Concurrent.ConcurrentQueue<IAsyncDisposable> _started = new();

    private TestCluster(MosquittoServer broker, string connection) => (Broker, _connection) = (broker, connection);

    public MosquittoServer Broker { get; }

    public static async Task<TestCluster> CreateAsync(PostgresServer postgres, int machines)
    {
        var cluster = new TestCluster(await MosquittoServer.StartAsync(), await postgres.CreateDatabaseAsync());
        var list = string.Join(
            '\n',
            Enumerable.Range(0, machines).Select(
                i => $"          - {{ id: press{i}, ideal_cycle_s: 0.05, edge_node: {GroupOf(i)}/edge{i} }}"));
        await File.WriteAllTextAsync(Path.Combine(cluster._directory, "plant.yaml"),
            $$"""
            site: { id: e2e, name: Cluster, time_zone: UTC }
            {{TestAccess.Section("e2e")}}
            areas:
              - id: area1
                lines:
                  - id: line1
                    machines:
            {{list}}
            broker: { url: "{{cluster.Broker.Url}}" }
            store: { connection: "{{cluster._connection}}" }
            ingress: { partitions: ["spBv1.0/ga/#", "spBv1.0/gb/#"] }
            """);
        return cluster;
    }

    public async Task<Oee> StartAsync(int number, params string[] more)
    {
        var oee = await Oee.StartAsync(
            "run", _ports[number * 3], [
                "--config",
                Path.Combine(_directory, "plant.yaml"),
                "--silo-port",
                $"{_ports[(number * 3) + 1]}",
                "--gateway-port",
                $"{_ports[(number * 3) + 2]}",
                .. more,
            ]);
        _started.Enqueue(oee);
        return oee;
    }

    public ServerProcess StartEdge(int number, int rate, int seconds)
    {
        var edge = ServerProcess.Start(
            "node",
            [
                Path.Combine(Oee.Peers, "edge-qos1.mjs"),
                Broker.Url,
                GroupOf(number),
                $"edge{number}",
                $"press{number}",
                $"{rate}",
                $"{seconds}",
                FileOf(number),
            ]);
        _started.Enqueue(edge);
        return edge;
    }

    public HashSet<(string Name, long Ms, double Value)> Published(int number) =>
    [
        .. File.ReadLines(FileOf(number))
            .Select(l => JsonDocument.Parse(l).RootElement)
            .Select(e => (e.GetProperty("name").GetString()!, e.GetProperty("ts").GetInt64(), e.GetProperty("value").GetDouble())),
    ];

    public async Task<HashSet<(string Name, long Ms, double Value)>> StoredAsync(int number)
    {
        await using var connection = new NpgsqlConnection(_connection);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            $"select name, (extract(epoch from ts) * 1000)::bigint, value from telemetry where machine_id = 'press{number}' and quality "
                + $">= 64",
            connection);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new HashSet<(string, long, double)>();
        while (await reader.ReadAsync()) rows.Add((reader.GetString(0), reader.GetInt64(1), reader.GetDouble(2)));
        return rows;
    }

    public async Task<long> CountAsync(int number)
    {
        await using var connection = new NpgsqlConnection(_connection);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            $"select count(*) from telemetry where machine_id = 'press{number}' and quality >= 64", connection);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    public async Task<long> ScalarAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(_connection);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
    }

    /// <summary>Resident memory of a silo, MiB.</summary>
    public double MemoryMb(Oee silo)
    {
        var line = File.ReadLines($"/proc/{silo.Process.Id}/status").First(l => l.StartsWith("VmRSS", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }

    /// <summary>Ends everything that was started, also when a test failed in the middle.</summary>
    public async ValueTask DisposeAsync()
    {
        foreach (var started in _started) await started.DisposeAsync();
        await Broker.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private static string GroupOf(int number) => number % 2 == 0 ? "ga" : "gb";

    private string FileOf(int number) => Path.Combine(_directory, $"published{number}.jsonl");
}
