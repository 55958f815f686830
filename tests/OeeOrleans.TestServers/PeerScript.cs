using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace OeeOrleans.TestServers;

/// <summary>A script of tests/peers around somebody else's server: it says READY, and is told what to do line by line.</summary>
public sealed class PeerScript : IAsyncDisposable
{
    private readonly ServerProcess _process;
    private int _said;

    private PeerScript(ServerProcess process, Match ready) => (_process, Ready) = (process, ready);

    public string Output => _process.Output;

    /// <summary>What it said when it was ready.</summary>
    public Match Ready { get; }

    /// <param name="script">File in tests/peers.</param>
    /// <param name="package">What it needs in node_modules.</param>
    /// <param name="options">JSON.</param>
    /// <param name="ready">What it says when it can be spoken to.</param>
    public static async Task<PeerScript> StartAsync(string script, string package, string options, Regex ready)
    {
        var peers = Path.Combine(Repository.Root, "tests", "peers");
        if (!Directory.Exists(Path.Combine(peers, "node_modules", package)))
        {
            throw new DirectoryNotFoundException("the peers are not installed; run npm ci in tests/peers");
        }

        var process = ServerProcess.Start("node", [Path.Combine(peers, script), options]);
        await Eventually.TrueAsync($"{script} to listen", TimeSpan.FromSeconds(90), () => process.HasExited
            ? throw new InvalidOperationException(process.Output)
            : Task.FromResult(ready.IsMatch(process.Output)));
        return new PeerScript(process, ready.Match(process.Output));
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

    public Task KillAsync() => _process.KillAsync();

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
