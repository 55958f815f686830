using System.Diagnostics;
using System.Globalization;

namespace OeeOrleans.Benchmarks.Scale;

/// <summary>
/// Whether anything grows with uptime: a plant under load, and then the same plant in silence. Resident memory each minute; at the end it
/// must be within a tenth of what it was when the plant had just come up. Nothing published may be lost.
/// usage: soak [LOAD_MINUTES [IDLE_MINUTES [MACHINES]]]
/// </summary>
internal static class SoakBench
{
    private const int MachinesPerLine = 20;
    private const double Tolerance = 1.1;

    public static async Task<int> RunAsync(string[] args)
    {
        int Argument(int i, int otherwise) => args.Length > i ? int.Parse(args[i], CultureInfo.InvariantCulture) : otherwise;
        var (loaded, idle, machines) = (Argument(0, 60), Argument(1, 60), Argument(2, 200));
        await using var rig = await Rig.StartPlantAsync(PlantLoad.PlantYaml(machines, MachinesPerLine));
        using var probe = new ScaleProbe(rig, machines);
        await using var load = await PlantLoad.ConnectAsync(rig.BrokerPort, machines);
        var sinceUs = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() * 1000;
        await load.BirthAsync();
        await probe.UntilAllSeenAsync(sinceUs, Stopwatch.GetTimestamp(), TimeSpan.FromSeconds(120));

        using var stop = new CancellationTokenSource();
        var running = load.RunAsync(stop.Token);
        Console.WriteLine("| minute | | resident MB | heap committed MB | gen 2 MB | large objects MB |\n|---|---|---|---|---|---|");
        var start = await MinuteAsync(rig, 0, "load");
        for (var minute = 1; minute <= loaded; minute++) await MinuteAsync(rig, minute, "load");
        await stop.CancelAsync();
        await running;
        var end = start;
        for (var minute = loaded + 1; minute <= loaded + idle; minute++) end = await MinuteAsync(rig, minute, "idle");
        var lost = await probe.LostAsync(load.Values, TimeSpan.FromSeconds(60));
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"from {start:0} to {end:0} MB: {end / start:0.00}; published - stored: {lost}"));
        return end <= start * Tolerance && lost == 0 ? 0 : 1;
    }

    private static async Task<double> MinuteAsync(Rig rig, int minute, string phase)
    {
        await Task.Delay(TimeSpan.FromMinutes(1));
        var resident = rig.MemoryMb();
        var committed = await MbAsync(rig, "system_runtime_dotnet_gc_last_collection_memory_committed_size");
        var gen2 = await MbAsync(rig, "system_runtime_dotnet_gc_last_collection_heap_size{gc_heap_generation=\"gen2\"}");
        var large = await MbAsync(rig, "system_runtime_dotnet_gc_last_collection_heap_size{gc_heap_generation=\"loh\"}");
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"| {minute} | {phase} | {resident:0} | {committed:0} | {gen2:0} | {large:0} |"));
        return resident;
    }

    private static async Task<double> MbAsync(Rig rig, string metric) => await rig.MetricAsync(metric) / (1 << 20);
}
