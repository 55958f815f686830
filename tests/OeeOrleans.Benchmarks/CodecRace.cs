using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Google.Protobuf;
using OeeOrleans.Benchmarks.Generated;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.TestServers;

namespace OeeOrleans.Benchmarks;

/// <summary>
/// The same payload through our codec, generated Google.Protobuf code, and npm `sparkplug-payload`, in one run: medians per metric and
/// ratios. usage: codec
/// </summary>
internal static class CodecRace
{
    private const int Metrics = 100;
    private const int Rounds = 15;

    public static async Task<int> RunAsync()
    {
        var benchmarks = new SparkplugBenchmarks();
        benchmarks.Setup();
        var payload = new SparkplugPayloadWriter().Begin(1_767_600_000_000, 7);
        for (ulong alias = 1; alias <= Metrics; alias++)
        {
            payload.Double(new MetricHead(null, alias, 1_767_600_000_000, SparkplugDataType.Double), alias * 0.5);
        }

        var times = new Dictionary<string, double>
        {
            ["read_ns"] = Median(() => benchmarks.Read()), ["google_read_ns"] = Median(() => benchmarks.ReadByGoogleProtobuf()),
            ["write_ns"] = Median(() => benchmarks.Write()), ["google_write_ns"] = Median(() => benchmarks.WriteByGoogleProtobuf()),
        };
        var npm = JsonDocument.Parse(
            await ServerProcess.RunAsync(
                "node",
                Path.Combine(Repository.Root, "tests", "peers", "codec-race.mjs"),
                Convert.ToHexString(payload.Written.Span))).RootElement;
        var (npmRead, npmWrite) = (npm.GetProperty("read_ns").GetDouble(), npm.GetProperty("write_ns").GetDouble());
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++) benchmarks.Read();
        for (var i = 0; i < 1000; i++) benchmarks.Write();
        var allocated = (GC.GetAllocatedBytesForCurrentThread() - before) / (2000.0 * Metrics);
        Console.WriteLine(JsonSerializer.Serialize(
            new
            {
                metrics_per_payload = Metrics,
                read_ns = Round(times["read_ns"]),
                google_read_ns = Round(times["google_read_ns"]),
                npm_read_ns = Round(npmRead),
                write_ns = Round(times["write_ns"]),
                google_write_ns = Round(times["google_write_ns"]),
                npm_write_ns = Round(npmWrite),
                read_ratio_google = Round(times["google_read_ns"] / times["read_ns"]),
                read_ratio_npm = Round(npmRead / times["read_ns"]),
                write_ratio_google = Round(times["google_write_ns"] / times["write_ns"]),
                write_ratio_npm = Round(npmWrite / times["write_ns"]),
                allocated_bytes_per_metric = allocated,
            },
            new JsonSerializerOptions { WriteIndented = true }));
        return 0;
    }

    private static double Median<T>(Func<T> run)
    {
        for (var i = 0; i < 20_000; i++) run();
        var rounds = new List<double>();
        for (var round = 0; round < Rounds; round++)
        {
            var started = Stopwatch.GetTimestamp();
            for (var i = 0; i < 5_000; i++) run();
            rounds.Add(Stopwatch.GetElapsedTime(started).TotalNanoseconds / (5_000.0 * Metrics));
        }

        return rounds.Order().ElementAt(Rounds / 2);
    }

    private static double Round(double value) => Math.Round(value, 2, MidpointRounding.ToEven);
}
