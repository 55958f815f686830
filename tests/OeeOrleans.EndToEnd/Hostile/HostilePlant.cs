using System.Data.Common;
using System.Globalization;
using Microsoft.Data.Sqlite;
using Npgsql;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>
/// A plant of one healthy machine (press1 behind e2e/edge1) and four whose edge nodes are mad (mad1..mad4 behind e2e/mad1..e2e/mad4), all
/// on one partition; on PostgreSQL and mosquitto, or on embedded parts.
/// </summary>
public sealed class HostilePlant : IAsyncDisposable
{
    private readonly int _port = ServerProcess.FreePort();
    private readonly int _siloPort = ServerProcess.FreePort();
    private readonly int _gatewayPort = ServerProcess.FreePort();
    private readonly int _mqttPort;
    private readonly MosquittoServer? _mosquitto;
    private readonly string? _postgres;
    private readonly string _directory;
    private readonly bool _ownDirectory;

    private HostilePlant(MosquittoServer? mosquitto, string? postgres, string? directory)
    {
        (_mosquitto, _postgres) = (mosquitto, postgres);
        _mqttPort = mosquitto?.Port ?? ServerProcess.FreePort();
        _ownDirectory = directory is null;
        _directory = directory ?? Directory.CreateTempSubdirectory("oee-hostile-").FullName;
    }

    public string BrokerUrl => _mosquitto?.Url ?? TestAccess.EdgeUrl(_mqttPort);

    public int BrokerPort => _mqttPort;

    public bool IsEmbedded => _mosquitto is null;

    public string PublishedFile => Path.Combine(Path.GetTempPath(), $"oee-published-{_port}.jsonl");

    private string ConfigFile => Path.Combine(_directory, "plant.yaml");

    /// <param name="postgres">Null: embedded parts.</param>
    /// <param name="directory">Where the embedded parts keep what they keep; null: a temporary one.</param>
    public static async Task<HostilePlant> CreateAsync(PostgresServer? postgres, string? directory = null)
    {
        var embedded = postgres is null;
        var plant = new HostilePlant(
            embedded ? null : await MosquittoServer.StartAsync(),
            postgres is null ? null : await postgres.CreateDatabaseAsync(),
            directory);
        var machines = string.Join(
            '\n', Enumerable.Range(1, 4).Select(i => $"          - {{ id: mad{i}, ideal_cycle_s: 1, edge_node: e2e/mad{i} }}"));
        var servers = embedded
            ? ""
            : $$"""
                broker: { url: "{{plant.BrokerUrl}}" }
                store: { connection: "{{plant._postgres}}" }
                """;
        await File.WriteAllTextAsync(
            plant.ConfigFile,
            $"""
            site: {"{"} id: e2e, name: Hostile, time_zone: UTC {"}"}
            {TestAccess.Section("e2e")}
            areas:
              - id: area1
                lines:
                  - id: line1
                    machines:
                      - {"{"} id: press1, ideal_cycle_s: 0.05, edge_node: e2e/edge1 {"}"}
            {machines}
            {servers}

            """);
        return plant;
    }

    public Task<Oee> StartAsync()
    {
        string[] silo = ["--silo-port", $"{_siloPort}", "--gateway-port", $"{_gatewayPort}"];
        string[] embedded = _mosquitto is null ? ["--data", _directory, "--mqtt-port", $"{_mqttPort}"] : [];
        return Oee.StartAsync("run", _port, ["--config", ConfigFile, .. silo, .. embedded]);
    }

    /// <summary>The healthy edge node: somebody else's, from npm.</summary>
    public ServerProcess StartHealthyEdge(int rate, int seconds) => ServerProcess.Start(
        "node", [Path.Combine(Oee.Peers, "edge-qos1.mjs"), BrokerUrl, "e2e", "edge1", "press1", $"{rate}", $"{seconds}", PublishedFile]);

    public HashSet<(string Name, long Ms, double Value)> Published() => !File.Exists(PublishedFile)
        ? []
        :
        [
            .. File.ReadLines(PublishedFile)
                .Where(l => l.EndsWith('}'))
                .Select(l => System.Text.Json.JsonDocument.Parse(l).RootElement)
                .Select(e => (e.GetProperty("name").GetString()!, e.GetProperty("ts").GetInt64(), e.GetProperty("value").GetDouble())),
        ];

    /// <summary>What is stored of the healthy machine.</summary>
    public async Task<HashSet<(string Name, long Ms, double Value)>> StoredAsync()
    {
        var time = _postgres is null ? "p.ts / 1000" : "(extract(epoch from p.ts) * 1000)::bigint";
        await using var connection = await OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText =
            $"select s.name, {time}, p.value from sample p join signal s using (signal_id) where s.machine_id = 'press1' and p.quality "
                + $">= 64";
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new HashSet<(string, long, double)>();
        while (await reader.ReadAsync()) rows.Add((reader.GetString(0), reader.GetInt64(1), reader.GetDouble(2)));
        return rows;
    }

    public async Task<long> ScalarAsync(string sql)
    {
        await using var connection = await OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return Convert.ToInt64(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
    }

    /// <summary>Another program's change of the database.</summary>
    public async Task ExecuteAsync(string sql)
    {
        await using var connection = await OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_mosquitto is not null) await _mosquitto.DisposeAsync();
        if (_ownDirectory) Directory.Delete(_directory, recursive: true);
        File.Delete(PublishedFile);
    }

    private async Task<DbConnection> OpenAsync()
    {
        DbConnection connection = _postgres is null
            ? new SqliteConnection($"Data Source={Path.Combine(_directory, "oee.db")};Mode=ReadOnly;Default Timeout=30")
            : new NpgsqlConnection(_postgres);
        await connection.OpenAsync();
        return connection;
    }
}
