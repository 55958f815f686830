using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace OeeOrleans.TestServers;

/// <summary>An OPC UA server nobody here wrote: npm node-opcua (tests/peers/opcua-server.mjs), told what to do line by line.</summary>
public sealed partial class OpcUaPeer : IAsyncDisposable
{
    private readonly string _options;
    private PeerScript _script;

    private OpcUaPeer(PeerScript script, string options, string directory, int port) =>
        (_script, _options, Directory, Port) = (script, options, directory, port);

    /// <summary>Where its certificates lie.</summary>
    public string Directory { get; }

    public int Port { get; }

    public string Url => $"opc.tcp://127.0.0.1:{Port}/UA";

    /// <summary>Of its own nodes, `urn:oee:peer`.</summary>
    public ushort NamespaceIndex => ushort.Parse(_script.Ready.Groups[1].Value, CultureInfo.InvariantCulture);

    public string Output => _script.Output;

    /// <param name="more">Options of the script beside port and folder, as JSON members: `"counters": 3`.</param>
    public static async Task<OpcUaPeer> StartAsync(string more = "")
    {
        var directory = System.IO.Directory.CreateTempSubdirectory("oee-opcua").FullName;
        var port = ServerProcess.FreePort();
        var options = $"\"port\": {port}, \"pki\": {JsonSerializer.Serialize(Path.Combine(directory, "server"))}";
        if (more.Length > 0) options += ", " + more;
        return new OpcUaPeer(await ScriptAsync(options), options, directory, port);
    }

    /// <summary>Tells it something and waits until it is done.</summary>
    public Task SayAsync(object command) => _script.SayAsync(command);

    /// <summary>Stops its counters or its load; returns how many steps there were.</summary>
    public async Task<long> StopCountingAsync()
    {
        await SayAsync(new { op = "stop" });
        return long.Parse(Stopped().Match(_script.Output).Groups[1].Value, CultureInfo.InvariantCulture);
    }

    public Task KillAsync() => _script.KillAsync();

    /// <summary>The same server again, on its port; with other options where they are given.</summary>
    public async Task RestartAsync(string more = "")
    {
        await _script.DisposeAsync();
        _script = await ScriptAsync(_options + (more.Length > 0 ? ", " + more : ""));
    }

    public async ValueTask DisposeAsync()
    {
        await _script.DisposeAsync();
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    private static Task<PeerScript> ScriptAsync(string options) =>
        PeerScript.StartAsync("opcua-server.mjs", "node-opcua", $"{{ {options} }}", Ready());

    [GeneratedRegex(@"READY \d+ ns=(\d+)")]
    private static partial Regex Ready();

    [GeneratedRegex(@"STOPPED (\d+)", RegexOptions.RightToLeft)]
    private static partial Regex Stopped();
}
