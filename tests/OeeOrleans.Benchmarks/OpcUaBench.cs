using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using OeeOrleans.OpcUa;
using OeeOrleans.TestServers;
using static OeeOrleans.Benchmarks.Races;

namespace OeeOrleans.Benchmarks;

/// <summary>
/// `opcua [SECONDS [ITEMS [BATCH]]]`: our client and npm node-opcua's on the same server and load in the same run, in turn: notifications
/// per second of CPU time. `opcua browse [NODES]`: a large address space. `opcua reconnect [TIMES]`: memory over reconnects.
/// </summary>
internal static class OpcUaBench
{
    public static Task<int> RunAsync(string[] args) => args.FirstOrDefault() switch
    {
        "browse" => BrowseAsync(Number(args, 1, 110_000)),
        "reconnect" => ReconnectAsync(Number(args, 1, 1_000)),
        _ => RaceAsync(Number(args, 0, 10), Number(args, 1, 5_000), Number(args, 2, 1_000)),
    };

    private static async Task<int> RaceAsync(int seconds, int items, int batch)
    {
        await using var server = await OpcUaPeer.StartAsync($"\"counters\": 0, \"items\": {items}");
        await server.SayAsync(new { op = "load", every = 50, batch });
        var (ours, theirs) = (new List<double>(), new List<double>());
        Console.WriteLine("| client | notifications/s | CPU s | notifications per CPU second | bytes allocated a notification |");
        Console.WriteLine("|---|---|---|---|---|");
        for (var round = 0; round < Rounds; round++)
        {
            ours.Add(await OursAsync(server, items, seconds));
            theirs.Add(await TheirsAsync(server, items, seconds));
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ratio of medians: {Median(ours) / Median(theirs):0.0}"));
        return 0;
    }

    private static async Task<double> OursAsync(OpcUaPeer server, int items, int seconds)
    {
        await using var client = await ConnectAsync(server);
        var count = 0L;
        await using var subscription = await client.SubscribeAsync(
            SubscriptionOptions.Default with { PublishingInterval = TimeSpan.FromMilliseconds(100) },
            (notification, _) =>
            {
                count += notification.Changes.Length;
                return ValueTask.CompletedTask;
            },
            [.. Enumerable.Range(0, items).Select(i => Item(server, i))]);
        await Task.Delay(2000);
        using var process = Process.GetCurrentProcess();
        var (cpu, allocated, before, started) =
            (process.TotalProcessorTime, GC.GetTotalAllocatedBytes(precise: true), count, Stopwatch.GetTimestamp());
        await Task.Delay(TimeSpan.FromSeconds(seconds));
        process.Refresh();
        var used = (process.TotalProcessorTime - cpu).TotalSeconds;
        var came = count - before;
        var bytes = (GC.GetTotalAllocatedBytes(precise: true) - allocated) / (double)came;
        Print("ours", came, Stopwatch.GetElapsedTime(started).TotalSeconds, used, bytes.ToString("0.0", CultureInfo.InvariantCulture));
        return came / used;
    }

    private static (ExpandedNodeId, MonitoredItemOptions, object?) Item(OpcUaPeer server, int index) =>
        (new NodeId($"Item{index}", server.NamespaceIndex), MonitoredItemOptions.Default with { SamplingInterval = TimeSpan.Zero }, null);

    private static async Task<double> TheirsAsync(OpcUaPeer server, int items, int seconds)
    {
        var output = await ServerProcess.RunAsync(
            "node", Path.Combine(Repository.Root, "tests", "peers", "opcua-client.mjs"), server.Url, $"{server.NamespaceIndex}",
                $"{items}", $"{seconds}");
        var line = output.Split('\n').First(l => l.StartsWith("RESULT ", StringComparison.Ordinal));
        var result = JsonDocument.Parse(line["RESULT ".Length..]).RootElement;
        var (count, cpu) = (result.GetProperty("notifications").GetInt64(), result.GetProperty("cpu_s").GetDouble());
        Print("node-opcua", count, result.GetProperty("seconds").GetDouble(), cpu, "");
        return count / cpu;
    }

    private static async Task<int> BrowseAsync(int nodes)
    {
        await using var server = await OpcUaPeer.StartAsync($"\"counters\": 0, \"nodes\": {nodes}");
        await using var client = await ConnectAsync(server);
        for (var round = 0; round < Rounds; round++)
        {
            using var process = Process.GetCurrentProcess();
            var (cpu, started, count) = (process.TotalProcessorTime, Stopwatch.GetTimestamp(), 0);
            await foreach (var _ in client.BrowseTreeAsync(new NodeId("Plant", server.NamespaceIndex))) count++;
            process.Refresh();
            var used = (process.TotalProcessorTime - cpu).TotalSeconds;
            Console.WriteLine(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{count} nodes in {Stopwatch.GetElapsedTime(started).TotalSeconds:0.00} s, of which {used:0.00} s of our CPU"));
        }

        return 0;
    }

    private static async Task<int> ReconnectAsync(int times)
    {
        await using var server = await OpcUaPeer.StartAsync("\"counters\": 1, \"items\": 100");
        await using var proxy = new ChaosProxy(server.Port);
        await using var client = await OpcUaClient.ConnectAsync(
            Options($"opc.tcp://127.0.0.1:{proxy.Port}/UA") with { MinPause = TimeSpan.FromMilliseconds(20) });
        await using var subscription = await client.SubscribeAsync(
            SubscriptionOptions.Default, (_, _) => ValueTask.CompletedTask, [.. Enumerable.Range(0, 100).Select(i => Item(server, i))]);
        for (var i = 1; i <= times; i++)
        {
            proxy.Cut();
            await Eventually.TrueAsync("lost", TimeSpan.FromSeconds(20), () =>
                Task.FromResult(client.State == ConnectionState.Reconnecting));
            proxy.Mend();
            await Eventually.TrueAsync("found", TimeSpan.FromSeconds(20), () => Task.FromResult(client.State == ConnectionState.Connected));
            if (i % Math.Max(1, times / 10) != 0) continue;
            Console.WriteLine(string.Create(
                CultureInfo.InvariantCulture,
                $"{i} reconnects: {GC.GetTotalMemory(forceFullCollection: true) / 1024.0:0} KB on the heap, "
                    + $"{Environment.WorkingSet / 1048576.0:0} MB resident, "
                    + $"{Process.GetCurrentProcess().HandleCount} handles"));
        }

        return 0;
    }

    private static OpcUaClientOptions Options(string url) => new() { Url = url, SecurityPolicy = SecurityPolicy.None };

    private static Task<OpcUaClient> ConnectAsync(OpcUaPeer server) => OpcUaClient.ConnectAsync(Options(server.Url));

}
