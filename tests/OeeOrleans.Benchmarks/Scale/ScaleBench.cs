using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace OeeOrleans.Benchmarks.Scale;

/// <summary>
/// A plant as large as it is told to be, through mosquitto into `oee run` on PostgreSQL: births, steady state, API, kill -9.
/// With two silos each owns the partition of half of the edge nodes, and the kill is of one of them.
/// usage: scale [MACHINES[,MACHINES...] [STEADY_SECONDS [SILOS]]]
/// </summary>
internal static class ScaleBench
{
    private const int MachinesPerLine = 20;
    private const int Connections = 30;

    public static async Task<int> RunAsync(string[] args)
    {
        var sizes = (args.Length > 0 ? args[0] : "100,1000,3000,10000").Split(',').Select(s => int.Parse(s, CultureInfo.InvariantCulture));
        var steady = TimeSpan.FromSeconds(args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 30);
        var silos = args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 1;
        var results = new List<ScaleResult>();
        foreach (var machines in sizes)
        {
            results.Add(await MeasureAsync(machines, steady, silos));
            Console.WriteLine(JsonSerializer.Serialize(results[^1], new JsonSerializerOptions { WriteIndented = true }));
        }

        Console.WriteLine(ScaleTable.Of(results));
        return results.TrueForAll(r => r.Lost == 0) ? 0 : 1;
    }

    private static async Task<ScaleResult> MeasureAsync(int machines, TimeSpan steady, int silos)
    {
        var partitions = silos == 1 ? null : Enumerable.Range(0, PlantLoad.Groups).Select(g => $"spBv1.0/load{g}/#").ToList();
        await using var rig = await Rig.StartPlantAsync(PlantLoad.PlantYaml(machines, MachinesPerLine), Connections, partitions);
        for (var s = 1; s < silos; s++) await rig.StartAnotherAsync();
        using var probe = new ScaleProbe(rig, machines);
        await using var load = await PlantLoad.ConnectAsync(rig.BrokerPort, machines);
        var result = new ScaleResult { Machines = machines, MemoryIdleMb = rig.MemoryMb() };
        await probe.StatusOfAllAsync();

        var limit = TimeSpan.FromSeconds(120);
        var sinceUs = Now();
        var started = Stopwatch.GetTimestamp();
        await load.BirthAsync();
        result.BirthsToLiveS = await probe.UntilAllSeenAsync(sinceUs, started, limit);
        result.Unavailable = probe.Unavailable;
        result.StartLogLines = rig.Output.Count(c => c == '\n');

        using var stop = new CancellationTokenSource();
        var running = load.RunAsync(stop.Token);
        await Task.Delay(steady / 2);
        await SteadyAsync(rig, load, steady, result);
        result.MemorySteadyMb = rig.MemoryMb();
        await probe.LatenciesAsync(result);

        sinceUs = Now();
        started = Stopwatch.GetTimestamp();
        await rig.KillOeeAsync();
        await rig.StartOeeAsync();
        result.KillToReadyS = Stopwatch.GetElapsedTime(started).TotalSeconds;
        result.KillToFreshS = await probe.UntilAllSeenAsync(sinceUs, started, limit);
        result.UnavailableAfterKill = probe.Unavailable;
        await stop.CancelAsync();
        await running;
        result.Lost = await probe.LostAsync(load.Values, limit);
        result.MemoryEndMb = rig.MemoryMb();
        result.LogLinesAfterKill = rig.Output.Count(c => c == '\n');
        if (Environment.GetEnvironmentVariable("OEE_BENCH_LOG") is { Length: > 0 } log) await File.WriteAllTextAsync(log, rig.Output);
        return result;
    }

    private static async Task SteadyAsync(Rig rig, PlantLoad load, TimeSpan span, ScaleResult result)
    {
        var (messages, cpu, started) = (load.Messages, rig.CpuSeconds(), Stopwatch.GetTimestamp());
        var (allocated, exceptions) = (await rig.MetricAsync(ScaleProbe.Allocated), await rig.MetricAsync(ScaleProbe.Exceptions));
        await Task.Delay(span);
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var sent = load.Messages - messages;
        var used = rig.CpuSeconds() - cpu;
        result.MessagesPerS = sent / seconds;
        result.Cores = used / seconds;
        result.CpuPerMessageUs = used * 1e6 / sent;
        result.AllocatedPerMessage = (await rig.MetricAsync(ScaleProbe.Allocated) - allocated) / sent;
        result.ExceptionsPerS = (await rig.MetricAsync(ScaleProbe.Exceptions) - exceptions) / seconds;
    }

    private static long Now() => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() * 1000;
}
