using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using OeeOrleans.S7;
using OeeOrleans.S7.Simulation;
using OeeOrleans.TestServers;
using static OeeOrleans.Benchmarks.Races;

namespace OeeOrleans.Benchmarks;

/// <summary>
/// `s7 [SECONDS [TAGS]]`: our client and npm nodes7's on the same server (snap7) in the same run, in turn: tags per second on one
/// connection. `s7 many [PLCS [TAGS [SECONDS]]]`: an edge's polling of many PLCs: how well instants are kept, and what it costs.
/// </summary>
internal static class S7Bench
{
    private const int IntervalMs = 100;

    public static Task<int> RunAsync(string[] args) => args.FirstOrDefault() switch
    {
        "many" => ManyAsync(Number(args, 1, 20), Number(args, 2, 100), Number(args, 3, 20)),
        _ => RaceAsync(Number(args, 0, 5), Number(args, 1, 1_000)),
    };

    private static async Task<int> RaceAsync(int seconds, int tags)
    {
        Console.WriteLine("| tags | client | tags/s | CPU s | tags per CPU second | bytes allocated a tag |");
        Console.WriteLine("|---|---|---|---|---|---|");
        // Close together, as in a block made for this; and far apart, where nothing can be merged. There nodes7 packs more items into a
        // PDU of 480 bytes than snap7's server answers, and fails; a PDU of 240 holds fewer.
        foreach (var (name, step, pdu) in new[] { ("merged", 4, 480), ("scattered", 56, 240) })
        {
            await using var server = await S7Peer.StartAsync($"\"pdu\": {pdu}, \"dbs\": {{ \"1\": 60000 }}");
            var (ours, theirs) = (new List<double>(), new List<double>());
            for (var round = 0; round < Rounds; round++)
            {
                ours.Add(await OursAsync(server, name, tags, step, seconds));
                theirs.Add(await TheirsAsync(server, name, tags, step, seconds));
            }

            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"{name}: ratio of medians {Median(ours) / Median(theirs):0.0}"));
        }

        return 0;
    }

    private static async Task<double> OursAsync(S7Peer server, string name, int tags, int step, int seconds)
    {
        await using var client = await S7Client.ConnectAsync(
            new S7ClientOptions { Host = "127.0.0.1", Port = server.Port, Slot = 2, PduLength = 480 });
        var plan = client.Plan([.. Enumerable.Range(0, tags).Select(i => S7Address.Parse($"DB1.DBD{i * step}:REAL"))]);
        return await Races.MeasureAsync($"{name} | ours", tags, seconds, () => client.ReadAsync(plan));
    }

    private static async Task<double> TheirsAsync(S7Peer server, string name, int tags, int step, int seconds)
    {
        var read = Enumerable.Range(0, tags).ToDictionary(i => $"t{i}", i => $"DB1,REAL{i * step}");
        var output = await ServerProcess.RunAsync(
            "node", Path.Combine(Repository.Root, "tests", "peers", "s7-client.mjs"),
            JsonSerializer.Serialize(new { port = server.Port, slot = 2, seconds, read }));
        var result = JsonDocument.Parse(output.Trim().Split('\n')[^1]).RootElement;
        var (count, rate) = (result.GetProperty("tags").GetInt64(), result.GetProperty("tags_per_s").GetDouble());
        return Print($"{name} | nodes7", count, count / rate, result.GetProperty("cpu_s").GetDouble(), "");
    }

    /// <summary>One `oee run --role edge` polls them all; its own metrics say how well.</summary>
    private static async Task<int> ManyAsync(int plcs, int tagsEach, int seconds)
    {
        var all = new List<SimulatedPlc>();
        await using var broker = await MosquittoServer.StartAsync(persistence: false);
        var directory = Directory.CreateTempSubdirectory("oee-s7-many").FullName;
        try
        {
            for (var i = 0; i < plcs; i++)
            {
                var plc = new SimulatedPlc();
                plc.AddDb(1, tagsEach * 4);
                plc.Start();
                all.Add(plc);
            }

            var config = Path.Combine(directory, "edge.yaml");
            await File.WriteAllTextAsync(config, Config(broker.Url, directory, all, tagsEach));
            await MeasureAsync(config, all, tagsEach, seconds);
            return 0;
        }
        finally
        {
            foreach (var plc in all) await plc.DisposeAsync();
            Directory.Delete(directory, recursive: true);
        }
    }

    private static string Config(string broker, string directory, List<SimulatedPlc> plcs, int tagsEach)
    {
        var sources = plcs.Select((plc, i) =>
        {
            var tags = string.Join(", ", Enumerable.Range(0, tagsEach).Select(t =>
                $$"""{ address: "DB1.DBD{{t * 4}}:DINT", metric: t{{t}} }"""));
            var url = $"s7://127.0.0.1:{plc.Port}?slot=1";
            return $$"""    - { id: plc{{i}}, url: "{{url}}", device: d{{i}}, interval_ms: {{IntervalMs}}, tags: [{{tags}}] }""";
        });
        return $$"""
            site: { id: many, name: Many, time_zone: UTC }
            broker: { url: "{{broker}}" }
            data_dir: {{directory}}
            edge:
              group: many
              node: edge1
              sources:

            """ + string.Join('\n', sources) + "\n";
    }

    private static async Task MeasureAsync(string config, List<SimulatedPlc> plcs, int tagsEach, int seconds)
    {
        var port = ServerProcess.FreePort();
        var url = new Uri($"http://127.0.0.1:{port}/metrics");
        await using var edge = ServerProcess.Start(
            "dotnet", [Repository.Oee, "run", "--config", config, "--role", "edge", "--urls", $"http://127.0.0.1:{port}"]);
        await Eventually.TrueAsync("the edge to be born", TimeSpan.FromSeconds(60), () =>
            Task.FromResult(edge.Output.Contains("-> Born", StringComparison.Ordinal)));
        using var http = new HttpClient();
        using var process = Process.GetProcessById(edge.Id);
        var step = 0;
        // Each tag changes ten times a second, half of them.
        using var changing = new Timer(_ =>
        {
            step++;
            foreach (var plc in plcs) plc.Write($"DB1.DBD0:DINT[{tagsEach / 2}]", Enumerable.Repeat(step, tagsEach / 2));
        }, null, 0, IntervalMs);
        await Task.Delay(TimeSpan.FromSeconds(5));
        var before = await http.GetStringAsync(url);
        process.Refresh();
        var (cpu, started) = (process.TotalProcessorTime, Stopwatch.GetTimestamp());
        await Task.Delay(TimeSpan.FromSeconds(seconds));
        var after = await http.GetStringAsync(url);
        process.Refresh();
        var elapsed = Stopwatch.GetElapsedTime(started).TotalSeconds;
        double Of(string name) => Sum(after, name) - Sum(before, name);
        var cycles = Of("edge_cycle_delay_ms_count");
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{plcs.Count} PLCs, {plcs.Count * tagsEach} tags at {IntervalMs} ms: {cycles / elapsed:0} readings/s (wanted "
            + $"{plcs.Count * 1000.0 / IntervalMs:0}), {Of("edge_cycle_overruns_total"):0} instants left out"));
        foreach (var part in new[] { 0.5, 0.99 })
        {
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"p{part * 100:0}: start after its instant at most {Bucket(part, cycles, Of, "edge_cycle_delay_ms")} ms, reading at most "
                + $"{Bucket(part, cycles, Of, "plc_read_ms")} ms"));
        }

        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"CPU {(process.TotalProcessorTime - cpu).TotalSeconds / elapsed:0.00} cores, {process.WorkingSet64 / 1048576.0:0} MB, "
            + $"{Of("edge_sampled_values_total") / elapsed:0} values/s made durable"));
    }

    /// <summary>The smallest bound of a histogram that holds this part of all.</summary>
    private static string Bucket(double part, double count, Func<string, double> of, string name)
    {
        foreach (var bound in (string[])["1", "2", "5", "10", "20", "50", "100", "200", "500", "1000"])
        {
            if (of($"{name}_bucket*le=\"{bound}\"") >= part * count) return bound;
        }

        return "more than 1000";
    }

    private static double Sum(string text, string name)
    {
        var parts = name.Split('*');
        return text.Split('\n')
            .Where(l => l.StartsWith(parts[0], StringComparison.Ordinal) && l.Contains(parts[^1], StringComparison.Ordinal))
            .Sum(l => double.Parse(l[(l.LastIndexOf(' ') + 1)..], CultureInfo.InvariantCulture));
    }

}
