using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace OeeOrleans.TestServers;

/// <summary>An OPC UA server nobody here wrote: npm node-opcua (tests/peers/opcua-server.mjs), told what to do line by line.</summary>
public sealed partial class OpcUaPeer : IAsyncDisposable
{
    private readonly string _options;
    private ServerProcess _process;
    private int _said;

    private OpcUaPeer(ServerProcess process, string options, string directory, int port, ushort index)
    {
        (_process, _options, Directory, Port, NamespaceIndex) = (process, options, directory, port, index);
    }

    /// <summary>Where its certificates lie.</summary>
    public string Directory { get; }

    public int Port { get; }

    public string Url => $"opc.tcp://127.0.0.1:{Port}/UA";

    /// <summary>Of its own nodes, `urn:oee:peer`.</summary>
    public ushort NamespaceIndex { get; private set; }

    public string Output => _process.Output;

    /// <param name="more">Options of the script beside port and folder, as JSON members: `"counters": 3`.</param>
    public static async Task<OpcUaPeer> StartAsync(string more = "")
    {
        var directory = System.IO.Directory.CreateTempSubdirectory("oee-opcua").FullName;
        var port = ServerProcess.FreePort();
        var options = $"\"port\": {port}, \"pki\": {JsonSerializer.Serialize(Path.Combine(directory, "server"))}";
        if (more.Length > 0) options += ", " + more;
        var (process, index) = await StartAsync($"{{ {options} }}", TimeSpan.FromSeconds(90));
        return new OpcUaPeer(process, options, directory, port, index);
    }

    /// <summary>Tells it something and waits until it is done.</summary>
    public async Task SayAsync(object command)
    {
        var number = ++_said;
        var fields = JsonSerializer.SerializeToNode(command)!.AsObject();
        fields["n"] = number;
        await _process.SayAsync(fields.ToJsonString());
        var done = $"DONE {fields["op"]} {number.ToString(CultureInfo.InvariantCulture)}";
        await Eventually.TrueAsync($"the server to do {fields.ToJsonString()}", TimeSpan.FromSeconds(30), () =>
        {
            var output = _process.Output;
            if (output.Contains("ERROR ", StringComparison.Ordinal)) throw new InvalidOperationException(output);
            return Task.FromResult(output.Split('\n').Any(l => l.TrimEnd() == done));
        });
    }

    /// <summary>Stops its counters or its load; returns how many steps there were.</summary>
    public async Task<long> StopCountingAsync()
    {
        await SayAsync(new { op = "stop" });
        return long.Parse(Stopped().Match(_process.Output).Groups[1].Value, CultureInfo.InvariantCulture);
    }

    public Task KillAsync() => _process.KillAsync();

    /// <summary>The same server again, on its port; with other options where they are given.</summary>
    public async Task RestartAsync(string more = "")
    {
        await _process.DisposeAsync();
        var (process, index) = await StartAsync($"{{ {_options}{(more.Length > 0 ? ", " + more : "")} }}", TimeSpan.FromSeconds(90));
        (_process, NamespaceIndex, _said) = (process, index, 0);
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    private static async Task<(ServerProcess Process, ushort Index)> StartAsync(string options, TimeSpan limit)
    {
        var peers = Path.Combine(Repository.Root, "tests", "peers");
        if (!System.IO.Directory.Exists(Path.Combine(peers, "node_modules", "node-opcua")))
        {
            throw new DirectoryNotFoundException("the peers are not installed; run npm ci in tests/peers");
        }

        var process = ServerProcess.Start("node", [Path.Combine(peers, "opcua-server.mjs"), options]);
        await Eventually.TrueAsync("node-opcua to listen", limit, () => process.HasExited
            ? throw new InvalidOperationException(process.Output)
            : Task.FromResult(Ready().IsMatch(process.Output)));
        return (process, ushort.Parse(Ready().Match(process.Output).Groups[1].Value, CultureInfo.InvariantCulture));
    }

    [GeneratedRegex(@"READY \d+ ns=(\d+)")]
    private static partial Regex Ready();

    [GeneratedRegex(@"STOPPED (\d+)", RegexOptions.RightToLeft)]
    private static partial Regex Stopped();
}
