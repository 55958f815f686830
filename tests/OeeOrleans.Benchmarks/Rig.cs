using System.Globalization;
using Npgsql;
using OeeOrleans.TestServers;

namespace OeeOrleans.Benchmarks;

/// <summary>PostgreSQL, mosquitto and `oee run`, for measurements of the whole path.</summary>
internal sealed class Rig : IAsyncDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("oee-bench-").FullName;
    private readonly PostgresServer _postgres;
    private readonly MosquittoServer _broker;
    private ServerProcess? _oee;

    private Rig(PostgresServer postgres, MosquittoServer broker, string connection) =>
        (_postgres, _broker, Connection) = (postgres, broker, connection);

    public string Connection { get; }

    public Uri Broker => new(_broker.Url);

    public int BrokerPort => _broker.Port;

    public string Url { get; private set; } = "";

    public static string Program => Repository.Oee;

    public static async Task<Rig> StartAsync(string machines)
    {
        var postgres = await PostgresServer.StartAsync();
        var rig = new Rig(postgres, await MosquittoServer.StartAsync(), await postgres.CreateDatabaseAsync());
        var config = Path.Combine(rig._directory, "plant.yaml");
        await File.WriteAllTextAsync(config,
            $$"""
            site: { id: bench, name: Bench, time_zone: UTC }
            areas:
              - id: area1
                lines:
                  - id: line1
                    machines:
            {{machines}}
            broker: { url: "{{rig._broker.Url}}" }
            store: { connection: "{{rig.Connection}}" }
            """);
        var port = ServerProcess.FreePort();
        rig.Url = $"http://127.0.0.1:{port}";
        rig._oee = ServerProcess.Start(
            "dotnet", [Program, "run", "--config", config, "--urls", rig.Url, "--silo-port", "0", "--gateway-port", "0"]);
        await Eventually.TrueAsync("oee to be ready", TimeSpan.FromSeconds(60), () => rig._oee.HasExited
            ? throw new InvalidOperationException(rig._oee.Output)
            : Task.FromResult(rig._oee.Output.Contains("ready;", StringComparison.Ordinal)));
        return rig;
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
        var line = File.ReadLines($"/proc/{_oee!.Id}/status").First(l => l.StartsWith("VmRSS", StringComparison.Ordinal));
        return double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024;
    }

    /// <summary>CPU time of the oee process so far, seconds (proc(5): fields 14 and 15 of stat, in hundredths).</summary>
    public double CpuSeconds()
    {
        var stat = File.ReadAllText($"/proc/{_oee!.Id}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / 100.0;
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
        await _broker.DisposeAsync();
        await _postgres.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }
}
