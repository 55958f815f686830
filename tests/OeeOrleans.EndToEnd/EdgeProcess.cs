using System.Globalization;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>Our edge as a process of its own.</summary>
internal sealed class EdgeProcess(string config) : IAsyncDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);
    private readonly int _port = ServerProcess.FreePort();
    private ServerProcess? _process;

    public string Output => _process!.Output;

    public async Task StartAsync()
    {
        _process = ServerProcess.Start("dotnet",
            [Oee.Program, "run", "--config", config, "--role", "edge", "--urls", $"http://127.0.0.1:{_port}"]);
        await Eventually.TrueAsync(
            "the edge to be born", Soon,
            () => _process.HasExited
                ? throw new InvalidOperationException(_process.Output)
                : Task.FromResult(_process.Output.Contains("-> Born", StringComparison.Ordinal)));
    }

    public async Task KillAsync()
    {
        await _process!.KillAsync();
        await _process.DisposeAsync();
    }

    /// <summary>Sum of a metric over its labels.</summary>
    public async Task<double> MetricAsync(string name, Func<double, bool>? until = null) => await Eventually.HoldsAsync(
        name, Soon,
        async () =>
        {
            using var http = new HttpClient();
            var text = await http.GetStringAsync(new Uri($"http://127.0.0.1:{_port}/metrics"));
            return text.Split('\n')
                .Where(l => l.StartsWith(name, StringComparison.Ordinal))
                .Sum(l => double.Parse(l[(l.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
        },
        until ?? (_ => true));

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
    }
}
