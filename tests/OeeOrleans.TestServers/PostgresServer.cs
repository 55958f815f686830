using Npgsql;

namespace OeeOrleans.TestServers;

/// <summary>
/// A PostgreSQL of its own on a free port, in a temporary directory. Needs Debian's postgresql (apt-get install postgresql).
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), "oee-pg-" + Guid.NewGuid().ToString("N")[..8]);
    private const string Password = "s3cret";

    private ServerProcess? _process;

    private readonly int _maxConnections;

    private PostgresServer(int maxConnections) => _maxConnections = maxConnections;

    public int Port { get; } = ServerProcess.FreePort();

    /// <summary>Of the process that is the parent of all of the server's.</summary>
    public int Id => _process?.Id ?? throw new InvalidOperationException("the server does not run");

    public static async Task<PostgresServer> StartAsync(int maxConnections = 100)
    {
        var server = new PostgresServer(maxConnections);
        Directory.CreateDirectory(server._directory);
        await ServerProcess.RunAsync("chown", "postgres", server._directory);
        var passwordFile = Path.GetTempFileName();
        await File.WriteAllTextAsync(passwordFile, Password);
        await ServerProcess.RunAsync("chown", "postgres", passwordFile);
        // With a password, as in a plant: whoever opens a connection must still know it.
        await ServerProcess.RunAsync(
            "runuser", "-u", "postgres", "--", Binary("initdb"), "-D", server._directory, "-A", "scram-sha-256", "--pwfile", passwordFile,
            "-U", "postgres", "-E", "UTF8", "--no-sync");
        File.Delete(passwordFile);
        await server.ResumeAsync();
        return server;
    }

    public string ConnectionString(string database) =>
        $"Host=127.0.0.1;Port={Port};Database={database};Username=postgres;Password={Password};Timeout=3";

    public async Task<string> CreateDatabaseAsync()
    {
        var name = "oee_" + Guid.NewGuid().ToString("N")[..10];
        await using var connection = new NpgsqlConnection(ConnectionString("postgres"));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand($"create database {name}", connection);
        await command.ExecuteNonQueryAsync();
        return ConnectionString(name);
    }

    /// <summary>Stops the server at once, as an operator in a hurry would (pg_ctl stop -m immediate).</summary>
    public async Task StopAsync()
    {
        if (_process is null) return;
        await ServerProcess.RunAsync("runuser", "-u", "postgres", "--", Binary("pg_ctl"), "-D", _directory, "-m", "immediate", "stop");
        await _process.WaitForExitAsync(TimeSpan.FromSeconds(20));
        // Pooled connections of the tests would break on their next use.
        NpgsqlConnection.ClearAllPools();
        await _process.DisposeAsync();
        _process = null;
    }

    public async Task ResumeAsync()
    {
        _process = ServerProcess.Start(
            "runuser",
            [
                "-u",
                "postgres",
                "--",
                Binary("postgres"),
                "-D",
                _directory,
                "-p",
                $"{Port}",
                "-h",
                "127.0.0.1",
                "-k",
                _directory,
                "-c",
                $"max_connections={_maxConnections}",
                "-c",
                "track_commit_timestamp=on",
                "-c",
                "shared_buffers=256MB",
                "-c",
                "max_wal_size=4GB",
            ]);
        await Eventually.TrueAsync("PostgreSQL to answer", TimeSpan.FromSeconds(30), async () =>
        {
            if (_process.HasExited) throw new InvalidOperationException(_process.Output);
            await using var connection = new NpgsqlConnection(ConnectionString("postgres") + ";Pooling=false");
            await connection.OpenAsync();
            return true;
        });
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private static string Binary(string name)
    {
        var found = Directory.Exists("/usr/lib/postgresql")
            ? Directory.GetDirectories("/usr/lib/postgresql")
                .Select(d => Path.Combine(d, "bin", name))
                .Where(File.Exists)
                .OrderDescending()
                .FirstOrDefault()
            : null;
        return found ?? throw new FileNotFoundException($"{name} is not installed; apt-get install postgresql");
    }
}
