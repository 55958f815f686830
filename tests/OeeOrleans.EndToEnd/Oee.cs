using System.Text.Json;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>An `oee` process started by a test.</summary>
public sealed class Oee : IAsyncDisposable
{
    private Oee(ServerProcess process, int port) => (Process, Port) = (process, port);

    public ServerProcess Process { get; }

    public int Port { get; }

    /// <summary>As the administrator that tests are.</summary>
    public HttpClient Http { get; private set; } = TestAccess.Client();

    public string Url => $"http://127.0.0.1:{Port}";

    public static string Root => Repository.Root;

    public static string Peers { get; } = Path.Combine(Root, "tests", "peers");

    /// <summary>How long publishing tests publish, seconds; a full run takes 60.</summary>
    public static int Seconds { get; } = int.TryParse(Environment.GetEnvironmentVariable("OEE_E2E_SECONDS"), out var seconds)
        ? seconds
        : 20;

    public static string Program => Repository.Oee;

    public static async Task<Oee> StartAsync(string verb, int port, params string[] arguments)
    {
        // A silo that comes back on its old port replaces its former life at once; on another one it must wait until that is declared dead.
        string[] ports = arguments.Contains("--silo-port")
            ? []
            : ["--silo-port", $"{ServerProcess.FreePort()}", "--gateway-port", $"{ServerProcess.FreePort()}"];
        var process = ServerProcess.Start("dotnet", [Program, verb, "--urls", $"http://127.0.0.1:{port}", .. ports, .. arguments]);
        var oee = new Oee(process, port);
        await Eventually.TrueAsync(
            "oee to be ready", TimeSpan.FromSeconds(60),
            () => Task.FromResult(process.HasExited || process.Output.Contains("ready;", StringComparison.Ordinal)));
        if (process.HasExited) throw new InvalidOperationException($"oee ended with {process.ExitCode}: {process.Output}");
        if (verb == "demo")
        {
            oee.Http.Dispose();
            oee.Http = TestAccess.Client(await TestAccess.DemoKeyAsync(oee.Url, process.Output));
        }

        return oee;
    }

    public async Task<JsonElement> GetAsync(string path)
    {
        using var response = await Http.GetAsync(new Uri(Url + path));
        var text = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode
            ? JsonDocument.Parse(text).RootElement
            : throw new HttpRequestException($"{path}: {(int)response.StatusCode} {text}");
    }

    /// <summary>Sum of a metric over its labels.</summary>
    public async Task<double> MetricAsync(string name)
    {
        var text = await Http.GetStringAsync(new Uri(Url + "/metrics"));
        return text.Split('\n')
            .Where(l => l.StartsWith(name + " ", StringComparison.Ordinal) || l.StartsWith(name + "{", StringComparison.Ordinal))
            .Sum(l => double.Parse(l[(l.LastIndexOf(' ') + 1)..], System.Globalization.CultureInfo.InvariantCulture));
    }

    public ValueTask DisposeAsync()
    {
        Http.Dispose();
        return Process.DisposeAsync();
    }
}

/// <summary>Ends what is running at the end of a test that starts it anew, whichever it is by then.</summary>
public sealed class Ending(Func<ValueTask> end) : IAsyncDisposable
{
    public ValueTask DisposeAsync() => end();
}
