using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;
using OeeOrleans.Cip;
using OeeOrleans.Cip.Simulation;
using OeeOrleans.TestServers;
using static OeeOrleans.Benchmarks.Races;

namespace OeeOrleans.Benchmarks;

/// <summary>
/// `cip [SECONDS [TAGS]]`: our client and npm st-ethernet-ip's on the same controller (ours, in a process of its own) in the same run, in
/// turn: tags per second on one connection, by name and by number; and how long a start takes with 5,000 tags, with and without a kept
/// table. `cip serve TAGS` is that controller.
/// </summary>
internal static partial class CipBench
{
    private const int ManyTags = 5_000;

    public static Task<int> RunAsync(string[] args) => args.FirstOrDefault() == "serve"
        ? ServeAsync(Number(args, 1, 1_000))
        : RaceAsync(Number(args, 0, 5), Number(args, 1, 1_000));

    private static async Task<int> ServeAsync(int tags)
    {
        await using var plc = new SimulatedController();
        for (var i = 0; i < tags; i++) plc.AddTag(Name(i), CipDataType.Dint);
        plc.Start();
        Console.WriteLine($"READY {plc.Port.ToString(CultureInfo.InvariantCulture)}");
        // Until whoever started it goes.
        while (await Console.In.ReadLineAsync() is not null) continue;
        return 0;
    }

    private static async Task<int> RaceAsync(int seconds, int tags)
    {
        await using (var server = await Controller.StartAsync(tags))
        {
            Console.WriteLine("| client | tags/s | CPU s | tags per CPU second | bytes allocated a tag |");
            Console.WriteLine("|---|---|---|---|---|");
            var rates = new Dictionary<string, List<double>> { ["by name"] = [], ["by number"] = [], ["theirs"] = [] };
            for (var round = 0; round < Rounds; round++)
            {
                rates["by name"].Add(await OursAsync(server.Port, false, tags, seconds));
                rates["by number"].Add(await OursAsync(server.Port, true, tags, seconds));
                rates["theirs"].Add(await TheirsAsync(server.Port, tags, seconds));
            }

            foreach (var ours in new[] { "by name", "by number" })
            {
                Console.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{ours}: ratio of medians to st-ethernet-ip {Median(rates[ours]) / Median(rates["theirs"]):0.0}"));
            }
        }

        await using var large = await Controller.StartAsync(ManyTags);
        await StartAsync(large.Port);
        return 0;
    }

    private static async Task<double> OursAsync(int port, bool byNumber, int tags, int seconds)
    {
        await using var client = await CipClient.ConnectAsync(Options(port) with { ByNumber = byNumber });
        var plan = client.Plan([.. Enumerable.Range(0, tags).Select(i => CipAddress.Parse(Name(i), CipPlc.ControlLogix))]);
        await client.ReadAsync(plan);
        if (plan.IsByNumber != byNumber) throw new InvalidOperationException("the tags are not read as they should be");
        return await MeasureAsync(byNumber ? "ours, by number" : "ours, by name", tags, seconds, () => client.ReadAsync(plan));
    }

    private static async Task<double> TheirsAsync(int port, int tags, int seconds)
    {
        var output = await ServerProcess.RunAsync(
            "node", Path.Combine(Repository.Root, "tests", "peers", "cip-client.mjs"),
            JsonSerializer.Serialize(new { port, seconds, tags = Enumerable.Range(0, tags).Select(Name) }));
        var result = JsonDocument.Parse(output.Trim().Split('\n')[^1]).RootElement;
        var (count, rate) = (result.GetProperty("tags").GetInt64(), result.GetProperty("tags_per_s").GetDouble());
        return Print("st-ethernet-ip", count, count / rate, result.GetProperty("cpu_s").GetDouble(), "");
    }

    /// <summary>From the connection to the first reading of all tags by number.</summary>
    private static async Task StartAsync(int port)
    {
        var folder = Directory.CreateTempSubdirectory("oee-cip-bench").FullName;
        try
        {
            var (fresh, kept) = (new List<double>(), new List<double>());
            for (var round = 0; round < Rounds; round++)
            {
                var file = Path.Combine(folder, $"{round}.json");
                fresh.Add(await OneStartAsync(port, file));
                kept.Add(await OneStartAsync(port, file));
            }

            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"start with {ManyTags} tags: {Median(fresh):0} ms with an upload, {Median(kept):0} ms with the kept table (medians)"));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<double> OneStartAsync(int port, string file)
    {
        var addresses = Enumerable.Range(0, ManyTags).Select(i => CipAddress.Parse(Name(i), CipPlc.ControlLogix)).ToList();
        var started = Stopwatch.GetTimestamp();
        await using var client = await CipClient.ConnectAsync(Options(port) with { ByNumber = true, TableFile = file });
        var plan = client.Plan(addresses);
        await client.ReadAsync(plan);
        if (!plan.IsByNumber) throw new InvalidOperationException("the tags are not read by number");
        return Stopwatch.GetElapsedTime(started).TotalMilliseconds;
    }

    private static CipClientOptions Options(int port) => new() { Host = "127.0.0.1", Port = port };

    private static string Name(int index) => string.Create(CultureInfo.InvariantCulture, $"Line1_Machine{index / 10}_Value{index % 10}");

    [GeneratedRegex("READY ([0-9]+)")]
    private static partial Regex Ready();

    /// <summary>The controller, in a process of its own.</summary>
    private sealed class Controller(ServerProcess process, int port) : IAsyncDisposable
    {
        public int Port => port;

        public static async Task<Controller> StartAsync(int tags)
        {
            var process = ServerProcess.Start(
                "dotnet", [typeof(CipBench).Assembly.Location, "cip", "serve", tags.ToString(CultureInfo.InvariantCulture)]);
            await Eventually.TrueAsync("the controller to listen", TimeSpan.FromSeconds(30), () => Task.FromResult(
                Ready().IsMatch(process.Output)));
            return new Controller(process, int.Parse(Ready().Match(process.Output).Groups[1].Value, CultureInfo.InvariantCulture));
        }

        public ValueTask DisposeAsync() => process.DisposeAsync();
    }
}
