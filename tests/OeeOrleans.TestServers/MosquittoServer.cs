using System.Net.Sockets;

namespace OeeOrleans.TestServers;

/// <summary>
/// A mosquitto on a free port with persistence in a temporary directory. Needs Debian's mosquitto (apt-get install mosquitto).
/// </summary>
public sealed class MosquittoServer : IAsyncDisposable
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), "oee-mq-" + Guid.NewGuid().ToString("N")[..8]);

    private ServerProcess? _process;

    private MosquittoServer()
    {
    }

    public int Port { get; } = ServerProcess.FreePort();

    public string Url => $"mqtt://127.0.0.1:{Port}";

    public int Id => _process?.Id ?? throw new InvalidOperationException("the server does not run");

    public string Output => _process?.Output ?? "";

    public static async Task<MosquittoServer> StartAsync(bool persistence = true)
    {
        var server = new MosquittoServer();
        Directory.CreateDirectory(server._directory);
        // Acknowledge-after-commit needs deep windows; the defaults are 20 in flight and 1000 queued.
        await File.WriteAllTextAsync(Path.Combine(server._directory, "mosquitto.conf"),
            $"""
            listener {server.Port} 127.0.0.1
            allow_anonymous true
            persistence {(persistence ? "true" : "false")}
            persistence_location {server._directory}/
            autosave_interval 1
            max_inflight_messages 0
            max_queued_messages 0
            set_tcp_nodelay true
            log_type error
            log_type warning
            log_type notice
            user root
            """);
        await server.ResumeAsync();
        return server;
    }

    public async Task ResumeAsync()
    {
        var program = File.Exists("/usr/sbin/mosquitto")
            ? "/usr/sbin/mosquitto"
            : throw new FileNotFoundException("mosquitto is not installed; apt-get install mosquitto");
        _process = ServerProcess.Start(program, ["-c", Path.Combine(_directory, "mosquitto.conf")]);
        await Eventually.TrueAsync("mosquitto to listen", TimeSpan.FromSeconds(15), async () =>
        {
            if (_process.HasExited) throw new InvalidOperationException(_process.Output);
            using var socket = new TcpClient();
            await socket.ConnectAsync("127.0.0.1", Port);
            return true;
        });
    }

    /// <summary>A clean stop: with persistence, sessions and queued messages are on disk afterwards.</summary>
    public async Task StopAsync()
    {
        if (_process is null) return;
        await _process.StopAsync();
        await _process.DisposeAsync();
        _process = null;
    }

    /// <summary>kill -9: what was not written to the disk is forgotten.</summary>
    public async Task KillAsync()
    {
        if (_process is null) return;
        await _process.KillAsync();
        await _process.DisposeAsync();
        _process = null;
    }

    /// <summary>Sessions and queued messages are gone, as with a broker that lost its disk; call it while it does not run.</summary>
    public void ForgetEverything()
    {
        foreach (var file in Directory.GetFiles(_directory, "*.db*")) File.Delete(file);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        Directory.Delete(_directory, recursive: true);
    }
}
