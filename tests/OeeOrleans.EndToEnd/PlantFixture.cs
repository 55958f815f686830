using Npgsql;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>One PostgreSQL for a class of tests; each test has a database and a broker of its own.</summary>
public sealed class PlantFixture : IAsyncLifetime
{
    public PostgresServer Postgres { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        if (!Directory.Exists(Path.Combine(Oee.Peers, "node_modules")))
        {
            throw new DirectoryNotFoundException("the peers are not installed; run npm ci in tests/peers");
        }

        Postgres = await PostgresServer.StartAsync();
    }

    public async Task DisposeAsync() => await Postgres.DisposeAsync();
}

/// <summary>A plant of one machine behind an edge node of somebody else.</summary>
public sealed class TestPlant : IAsyncDisposable
{
    private readonly int _port = ServerProcess.FreePort();
    private readonly int _siloPort = ServerProcess.FreePort();
    private readonly int _gatewayPort = ServerProcess.FreePort();
    private readonly string _directory = Directory.CreateTempSubdirectory("oee-e2e-").FullName;

    private TestPlant(MosquittoServer broker, string connection) => (Broker, Connection) = (broker, connection);

    public MosquittoServer Broker { get; }

    public string Connection { get; }

    public string ConfigFile => Path.Combine(_directory, "plant.yaml");

    /// <summary>What the edge keeps.</summary>
    public string EdgeDirectory => Path.Combine(_directory, "edge");

    public string PublishedFile => Path.Combine(_directory, "published.jsonl");

    public static async Task<TestPlant> CreateAsync(PostgresServer postgres, bool brokerPersistence = true)
    {
        var plant = new TestPlant(await MosquittoServer.StartAsync(brokerPersistence), await postgres.CreateDatabaseAsync());
        await File.WriteAllTextAsync(plant.ConfigFile,
            $$"""
            site: { id: e2e, name: End to end, time_zone: UTC }
            {{TestAccess.Section("e2e")}}
            areas:
              - id: area1
                lines:
                  - id: line1
                    machines:
                      - { id: press1, ideal_cycle_s: 0.05, edge_node: e2e/edge1 }
            broker: { url: "{{plant.Broker.Url}}" }
            store: { connection: "{{plant.Connection}}" }
            """);
        return plant;
    }

    public Task<Oee> StartAsync() =>
        Oee.StartAsync("run", _port, "--config", ConfigFile, "--silo-port", $"{_siloPort}", "--gateway-port", $"{_gatewayPort}");

    /// <param name="shuffle">Other aliases at every birth, and a birth a second.</param>
    public ServerProcess StartQos1Edge(int rate, int seconds, bool shuffle = false) => ServerProcess.Start(
        "node", [Path.Combine(Oee.Peers, "edge-qos1.mjs"), Broker.Url, "e2e", "edge1", "press1", $"{rate}", $"{seconds}", PublishedFile],
        environment: shuffle ? new Dictionary<string, string> { ["SHUFFLE"] = "1" } : null);

    /// <summary>An edge node of our own: a thousand tags four times a second, over a broker address of its own.</summary>
    public Task<string> WriteEdgeConfigAsync(string brokerUrl, string acknowledge) => WriteEdgeAsync(
        brokerUrl, "edge2", $"acknowledge: {acknowledge}",
        $$"""{ id: sim1, url: "sim://plant?tags=1000&devices=4&journal={{JournalFile}}", device: d, interval_ms: 250 }""");

    /// <summary>An edge node of our own, of the machine of this plant, which any host may command.</summary>
    /// <param name="sources">Entries of `sources`, in flow style.</param>
    public Task<string> WriteEdgeOfMachineAsync(params string[] sources) =>
        WriteEdgeAsync(Broker.Url, "edge1", "unsigned_commands: true", sources);

    /// <summary>The same, which takes the commands of one host only.</summary>
    public Task<string> WriteGuardedEdgeAsync(string key, params string[] sources) =>
        WriteEdgeAsync(Broker.Url, "edge1", $"command_keys: [ \"{key}\" ]", sources);

    private async Task<string> WriteEdgeAsync(string brokerUrl, string node, string more, params string[] sources)
    {
        // A flow that goes on in the next line must be indented further than its dash.
        var items = sources.Select(s => "    - " + s.Replace("\n", "\n        ", StringComparison.Ordinal));
        var file = Path.Combine(_directory, "edge.yaml");
        await File.WriteAllTextAsync(file,
            $$"""
            site: { id: e2e, name: End to end, time_zone: UTC }
            {{TestAccess.Section("e2e")}}
            broker: { url: "{{brokerUrl}}" }
            data_dir: {{EdgeDirectory}}
            edge:
              group: e2e
              node: {{node}}
              {{more}}
              sources:
            {{string.Join('\n', items)}}
            """);
        return file;
    }

    /// <summary>The readings that are durable at the edge, one time a line.</summary>
    public string JournalFile => Path.Combine(_directory, "journal");

    /// <summary>What the edge says it published.</summary>
    public SortedSet<(string Name, long Ms, double Value)> Published() =>
    [
        .. File.ReadLines(PublishedFile).Select(l => System.Text.Json.JsonDocument.Parse(l).RootElement)
            .Select(e => (e.GetProperty("name").GetString()!, e.GetProperty("ts").GetInt64(), e.GetProperty("value").GetDouble())),
    ];

    /// <summary>What is in the store with a value; rows without one say that a device was dead.</summary>
    public async Task<List<(string Name, long Ms, double Value)>> StoredAsync()
    {
        await using var connection = new NpgsqlConnection(Connection);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(
            "select name, (extract(epoch from ts) * 1000)::bigint, value from telemetry where machine_id = 'press1' and quality >= 64 "
                + "order by 1, 2",
            connection);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<(string, long, double)>();
        while (await reader.ReadAsync()) rows.Add((reader.GetString(0), reader.GetInt64(1), reader.GetDouble(2)));
        return rows;
    }

    public async Task<long> ScalarAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(Connection);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return Convert.ToInt64(await command.ExecuteScalarAsync(), System.Globalization.CultureInfo.InvariantCulture);
    }

    public async ValueTask DisposeAsync()
    {
        await Broker.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }
}
