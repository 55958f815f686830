using System.Diagnostics;
using System.Globalization;

namespace OeeOrleans.Benchmarks;

/// <summary>What races of two clients share: how one is measured, and its row.</summary>
internal static class Races
{
    /// <summary>In turn: what the machine does meanwhile meets both.</summary>
    public const int Rounds = 3;

    public static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    /// <summary>The argument at a place, or a number when there is none.</summary>
    public static int Number(string[] args, int index, int otherwise) =>
        args.Length > index ? int.Parse(args[index], CultureInfo.InvariantCulture) : otherwise;

    /// <summary>Reads again and again for some seconds, in this process, and prints a row.</summary>
    /// <param name="name">What the row begins with.</param>
    /// <param name="tags">That one reading reads.</param>
    /// <param name="seconds">How long.</param>
    /// <param name="read">One reading.</param>
    /// <returns>Tags a second.</returns>
    public static async Task<double> MeasureAsync(string name, int tags, int seconds, Func<ValueTask> read)
    {
        for (var i = 0; i < 20; i++) await read();
        using var process = Process.GetCurrentProcess();
        var (cpu, allocated, started, rounds) =
            (process.TotalProcessorTime, GC.GetTotalAllocatedBytes(precise: true), Stopwatch.GetTimestamp(), 0L);
        while (Stopwatch.GetElapsedTime(started).TotalSeconds < seconds)
        {
            await read();
            rounds++;
        }

        process.Refresh();
        var elapsed = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var bytes = (GC.GetTotalAllocatedBytes(precise: true) - allocated) / (double)(rounds * tags);
        var used = (process.TotalProcessorTime - cpu).TotalSeconds;
        return Print(name, rounds * tags, elapsed, used, bytes.ToString("0.0", CultureInfo.InvariantCulture));
    }

    /// <summary>A row: name, how many a second, CPU seconds, how many a CPU second, bytes allocated for one.</summary>
    /// <returns>How many a second.</returns>
    public static double Print(string name, long count, double seconds, double cpu, string bytes)
    {
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"| {name} | {count / seconds:0} | {cpu:0.00} | {count / cpu:0} | {bytes} |"));
        return count / seconds;
    }
}
