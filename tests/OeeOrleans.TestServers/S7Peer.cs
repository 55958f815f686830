using System.Text.RegularExpressions;

namespace OeeOrleans.TestServers;

/// <summary>An S7 server nobody here wrote: npm node-snap7 (tests/peers/s7-server.mjs).</summary>
public sealed partial class S7Peer : IAsyncDisposable
{
    private readonly string _more;
    private PeerScript _script;

    private S7Peer(PeerScript script, string more, int port) => (_script, _more, Port) = (script, more, port);

    public int Port { get; }

    public string Url => $"s7://127.0.0.1:{Port}?rack=0&slot=2";

    /// <param name="more">Options of the script beside the port, as JSON members: `"pdu": 240, "dbs": { "1": 20000 }`.</param>
    public static async Task<S7Peer> StartAsync(string more = "")
    {
        var port = ServerProcess.FreePort();
        return new S7Peer(await ScriptAsync(port, more), more, port);
    }

    /// <summary>Writes bytes behind the client's back.</summary>
    /// <param name="area">`DB1`, `PE`, `PA`, `MK`, `TM` or `CT`.</param>
    public Task SetAsync(string area, int at, params byte[] bytes) =>
        _script.SayAsync(new { op = "set", area, at, hex = Convert.ToHexString(bytes) });

    public async Task<byte[]> GetAsync(string area, int at, int length)
    {
        await _script.SayAsync(new { op = "get", area, at, length });
        return Convert.FromHexString(Bytes().Match(_script.Output).Groups[1].Value);
    }

    public Task SayAsync(object command) => _script.SayAsync(command);

    public Task KillAsync() => _script.KillAsync();

    /// <summary>The same server again, on its port.</summary>
    public async Task RestartAsync()
    {
        await _script.DisposeAsync();
        _script = await ScriptAsync(Port, _more);
    }

    public ValueTask DisposeAsync() => _script.DisposeAsync();

    private static Task<PeerScript> ScriptAsync(int port, string more) => PeerScript.StartAsync(
        "s7-server.mjs", "node-snap7", $"{{ \"port\": {port}{(more.Length > 0 ? ", " + more : "")} }}", Ready());

    [GeneratedRegex(@"READY \d+")]
    private static partial Regex Ready();

    [GeneratedRegex("BYTES ([0-9a-f]*)", RegexOptions.RightToLeft)]
    private static partial Regex Bytes();
}
