using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.Edge;
using OeeOrleans.Edge.Sources;
using OeeOrleans.Mqtt;

namespace OeeOrleans.Conformance.Tests;

/// <summary>The edge node `g/n` in a directory of its own, with two simulated devices unless a source is given.</summary>
internal sealed class RunningEdge : IAsyncDisposable
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), "oee-edge-" + Guid.NewGuid().ToString("N"));

    private RunningEdge(IReadOnlyList<string> brokers, Action<EdgeOptions>? change, ISource? source)
    {
        var options = new EdgeOptions
        {
            Group = "g",
            Node = "n",
            DataDir = _directory,
            Brokers = [.. brokers.Select(b => new BrokerAddress(new Uri(b)))],
            Sources = [new EdgeSource("s", new Uri("sim://x?tags=6&devices=2"), "d", 100, [])],
        };
        change?.Invoke(options);
        var log = NullLogger<EdgeConnector>.Instance;
        Connector = source is null
            ? new EdgeConnector(options, TimeProvider.System, log)
            : new EdgeConnector(options, [source], TimeProvider.System, log);
    }

    public EdgeConnector Connector { get; }

    /// <param name="brokers">In the order in which they are tried.</param>
    /// <param name="change">What is otherwise than usual.</param>
    /// <param name="source">Instead of a simulated one.</param>
    public static async Task<RunningEdge> StartAsync(
        IReadOnlyList<string> brokers, Action<EdgeOptions>? change = null, ISource? source = null)
    {
        var edge = new RunningEdge(brokers, change, source);
        await edge.Connector.StartAsync(CancellationToken.None);
        return edge;
    }

    public async ValueTask DisposeAsync()
    {
        await Connector.StopAsync(CancellationToken.None);
        Connector.Dispose();
        if (Directory.Exists(_directory)) Directory.Delete(_directory, recursive: true);
    }
}
