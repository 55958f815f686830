using System.Globalization;
using Npgsql;
using OeeOrleans.TestServers;

namespace OeeOrleans.Benchmarks;

/// <summary>PostgreSQL, mosquitto and `oee run`, for measurements of the whole path.</summary>
internal sealed class Rig : IAsyncDisposable
{
    private static readonly HttpClient Http = TestAccess.Client();

    private readonly string _directory = Directory.CreateTempSubdirectory("oee-bench-").FullName;
    private readonly PostgresServer _postgres;
    private readonly MosquittoServer _broker;
    private readonly List<string> _arguments = [];
    private readonly List<ServerProcess> _others = [];
    private ServerProcess? _oee;

    private Rig(PostgresServer postgres, MosquittoServer broker, string connection) =>
        (_postgres, _broker, Connection) = (postgres, broker, connection);

    public string Connection { get; }

    public Uri Broker => new(_broker.Url);

    public int BrokerPort => _broker.Port;

    public string Url { get; private set; } = "";

    public int OeeId => _oee?.Id ?? throw new InvalidOperationException("oee does not run");

    public int BrokerId => _broker.Id;

    public int PostgresId => _postgres.Id;

    /// <summary>What is measured; `OEE_BENCH_PROGRAM` names another build of it.</summary>
    public static string Program =>
        Environment.GetEnvironmentVariable("OEE_BENCH_PROGRAM") is { Length: > 0 } other ? other : Repository.Oee;

    /// <param name="machines">Machines of one line, as YAML.</param>
    public static Task<Rig> StartAsync(string machines) => StartPlantAsync(
        $"""
        areas:
          - id: area1
            lines:
              - id: line1
                machines:
        {machines}
        """);

    /// <param name="areas">The plant's areas, as YAML.</param>
    /// <param name="maxConnections">What PostgreSQL allows.</param>
    /// <param name="partitions">Topic filters of ingress; null: one for all.</param>
    public static async Task<Rig> StartPlantAsync(string areas, int maxConnections = 100, IReadOnlyList<string>? partitions = null)
    {
        var postgres = await PostgresServer.StartAsync(maxConnections);
        var rig = new Rig(postgres, await MosquittoServer.StartAsync(), await postgres.CreateDatabaseAsync());
        var config = Path.Combine(rig._directory, "plant.yaml");
        await File.WriteAllTextAsync(config,
            $$"""
            site: { id: bench, name: Bench, time_zone: UTC }
            {{TestAccess.Section("bench")}}
            {{areas}}
            broker: { url: "{{rig._broker.Url}}" }
            store: { connection: "{{rig.Connection}}" }
            ingress: { partitions: [{{string.Join(", ", (partitions ?? ["spBv1.0/#"]).Select(p => $"\"{p}\""))}}] }
            """);
        // The same ports after a restart, as in a plant.
        rig._arguments.AddRange(rig.Arguments());
        rig.Url = rig._arguments[rig._arguments.IndexOf("--urls") + 1];
        await rig.StartOeeAsync();
        return rig;
    }

    public async Task StartOeeAsync()
    {
        _oee = await StartAsync(_arguments);
        if (Environment.GetEnvironmentVariable("OEE_BENCH_PID") is { Length: > 0 } file) await File.WriteAllTextAsync(file, $"{OeeId}");
    }

    /// <summary>One more silo beside the first; it is not killed.</summary>
    public async Task StartAnotherAsync() => _others.Add(await StartAsync(Arguments()));

    private List<string> Arguments() =>
    [
        Program, "run", "--config", Path.Combine(_directory, "plant.yaml"), "--urls", $"http://127.0.0.1:{ServerProcess.FreePort()}",
        "--silo-port", $"{ServerProcess.FreePort()}", "--gateway-port", $"{ServerProcess.FreePort()}",
    ];

    private static async Task<ServerProcess> StartAsync(List<string> arguments)
    {
        var oee = ServerProcess.Start("dotnet", arguments);
        await Eventually.TrueAsync("oee to be ready", TimeSpan.FromSeconds(120), () => oee.HasExited
            ? throw new InvalidOperationException(oee.Output)
            : Task.FromResult(oee.Output.Contains("ready;", StringComparison.Ordinal)));
        return oee;
    }

    /// <summary>kill -9, and nothing else.</summary>
    public async Task KillOeeAsync()
    {
        if (_oee is null) return;
        await _oee.KillAsync();
        await _oee.DisposeAsync();
        _oee = null;
    }

    public async Task<NpgsqlConnection> OpenAsync()
    {
        var connection = new NpgsqlConnection(Connection + ";Command Timeout=300");
        await connection.OpenAsync();
        return connection;
    }

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var connection = await OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)Convert.ChangeType(await command.ExecuteScalarAsync(), typeof(T), CultureInfo.InvariantCulture)!;
    }

    /// <summary>Resident memory of the oee process, MiB.</summary>
    public double MemoryMb()
    {
        var line = File.ReadLines($"/proc/{OeeId}/status").First(l => l.StartsWith("VmRSS", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }

    /// <summary>CPU time of all oee processes so far, seconds.</summary>
    public double CpuSeconds() => ProcessTree.CpuSeconds(OeeId) + _others.Sum(o => ProcessTree.CpuSeconds(o.Id));

    /// <summary>A figure of `/metrics`, by its name or its name and labels; 0 when it is not there yet.</summary>
    public async Task<double> MetricAsync(string name)
    {
        foreach (var line in (await Http.GetStringAsync(Url + "/metrics")).Split('\n'))
        {
            if (!line.StartsWith(name, StringComparison.Ordinal) || line[name.Length..] is not [' ' or '{', ..]) continue;
            return double.Parse(line[(line.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture);
        }

        return 0;
    }

    public async Task StopOeeAsync()
    {
        if (_oee is null) return;
        await _oee.StopAsync("INT");
        await _oee.DisposeAsync();
        _oee = null;
    }

    public string Output => _oee?.Output ?? "";

    public async ValueTask DisposeAsync()
    {
        if (_oee is not null) await _oee.DisposeAsync();
        foreach (var other in _others) await other.DisposeAsync();
        await _broker.DisposeAsync();
        await _postgres.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }
}
