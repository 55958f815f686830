using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.Model;
using OeeOrleans.Storage;
using OeeOrleans.TestServers;

namespace OeeOrleans.Benchmarks;

/// <summary>
/// A trend of 24 hours of one signal at a sample a second, 1000 points, among others of its kind; from rollups and, for comparison, from
/// samples. usage: trend [SIGNALS [TIMES]]
/// </summary>
internal static class TrendBench
{
    private const long DayS = 86_400;

    public static async Task<int> RunAsync(string[] args)
    {
        var signals = args.Length > 0 ? int.Parse(args[0], System.Globalization.CultureInfo.InvariantCulture) : 20;
        var times = args.Length > 1 ? int.Parse(args[1], System.Globalization.CultureInfo.InvariantCulture) : 200;
        await using var server = await PostgresServer.StartAsync();
        var directory = Directory.CreateTempSubdirectory("oee-trend-").FullName;
        foreach (var (name, open) in new (string, Func<Task<IStore>>)[]
        {
            (
                "postgresql",
                async () => StoreFactory.Postgres(await server.CreateDatabaseAsync(), TimeProvider.System, NullLoggerFactory.Instance)),
            ("sqlite", () => Task.FromResult(StoreFactory.Sqlite(Path.Combine(directory, "oee.db"), NullLoggerFactory.Instance))),
        })
        {
            await using var store = await open();
            await store.MigrateAsync(CancellationToken.None);
            var nowUs = UnixMicros.Now(TimeProvider.System);
            var fromUs = nowUs - (DayS * UnixMicros.PerSecond);
            var names = Enumerable.Range(0, signals).Select(i => $"signal{i}").ToArray();
            var ids = await store.ResolveSignalsAsync(
                "m1", [.. names.Select(n => new SignalSpec(n, "Double", null))], inPlant: true, CancellationToken.None);
            await store.MaintainAsync(new Retention(), fromUs, CancellationToken.None);
            var loading = Stopwatch.GetTimestamp();
            for (var second = 0L; second < DayS; second += 600)
            {
                var rows = Enumerable.Range(0, 600)
                    .SelectMany(
                        s => ids.Select(
                            id => new SampleRow(
                                id, fromUs + ((second + s) * UnixMicros.PerSecond), Math.Sin((second + s + id) / 300.0) * 50,
                                null, Quality.Good, nowUs)))
                    .ToArray();
                await store.CommitAsync([new TelemetryUnit { Rows = rows }], CancellationToken.None);
            }

            var loaded = Stopwatch.GetElapsedTime(loading).TotalSeconds;
            var rolling = Stopwatch.GetTimestamp();
            for (var i = 0; i < 30
                && (await store.MaintainAsync(new Retention(), nowUs, CancellationToken.None))!.FreshnessS["telemetry_1m"] > 200; i++) { }
            var rolled = Stopwatch.GetElapsedTime(rolling).TotalSeconds;
            var trend = await MeasureAsync(store, names, times, fromUs, nowUs, 1000);
            // A second bucket is finer than any rollup: the same span from its samples.
            var raw = await MeasureAsync(store, names, times / 10, nowUs - (3600 * 3 * UnixMicros.PerSecond), nowUs, 1000);
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                engine = name,
                rows = DayS * signals,
                rows_per_s = Math.Round(DayS * signals / loaded),
                rollup_rows_per_s = Math.Round(DayS * signals / rolled),
                trend_24h_ms = trend,
                trend_3h_from_samples_ms = raw,
            }));
        }

        Directory.Delete(directory, recursive: true);
        return 0;
    }

    private static async Task<object> MeasureAsync(IStore store, string[] names, int times, long fromUs, long toUs, int points)
    {
        var milliseconds = new List<double>();
        for (var i = -names.Length; i < times; i++)
        {
            var started = Stopwatch.GetTimestamp();
            await store.ReadTrendAsync("m1", names[(i + names.Length) % names.Length], fromUs, toUs, points, CancellationToken.None);
            // The first round warms up.
            if (i >= 0) milliseconds.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        }

        milliseconds.Sort();
        return new
        {
            p50 = Math.Round(milliseconds[milliseconds.Count / 2], 1), p95 = Math.Round(milliseconds[(int)(milliseconds.Count * 0.95)], 1),
        };
    }
}
