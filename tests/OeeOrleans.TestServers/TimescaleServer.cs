namespace OeeOrleans.TestServers;

/// <summary>
/// TimescaleDB in WebAssembly behind the PostgreSQL protocol (tests/peers/timescale.mjs): every database name is an instance of its own. No
/// COPY, no background workers.
/// </summary>
public sealed class TimescaleServer : IAsyncDisposable
{
    private readonly ServerProcess _process;
    private readonly int _port;

    private TimescaleServer(ServerProcess process, int port) => (_process, _port) = (process, port);

    public static async Task<TimescaleServer> StartAsync()
    {
        var peers = Path.Combine(Repository.Root, "tests", "peers");
        if (!Directory.Exists(Path.Combine(peers, "node_modules", "@unni-craftsman")))
        {
            throw new DirectoryNotFoundException("the peers are not installed; run npm ci in tests/peers");
        }

        var port = ServerProcess.FreePort();
        var server = new TimescaleServer(ServerProcess.Start("node", [Path.Combine(peers, "timescale.mjs"), $"{port}"]), port);
        await Eventually.TrueAsync("TimescaleDB to listen", TimeSpan.FromSeconds(60), () => server._process.HasExited
            ? throw new InvalidOperationException(server._process.Output)
            : Task.FromResult(server._process.Output.Contains("listening", StringComparison.Ordinal)));
        return server;
    }

    /// <summary>A new database; it is made with the first connection. Connections take turns, so a session is never reset.</summary>
    public string CreateDatabase() =>
        $"Host=127.0.0.1;Port={_port};Database=oee_{Guid.NewGuid():N};Username=postgres;Password=any;SSL Mode=Disable;No Reset On "
            + $"Close=true;Timeout=30;Command Timeout=300";

    public async ValueTask DisposeAsync() => await _process.DisposeAsync();
}
