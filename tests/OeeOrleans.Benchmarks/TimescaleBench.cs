using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using OeeOrleans.Model;
using OeeOrleans.Storage;
using OeeOrleans.TestServers;

namespace OeeOrleans.Benchmarks;

/// <summary>
/// TimescaleDB (in WebAssembly, one thread, no COPY: ratios count): rows per second, bytes a row before and after compression, rollups;
/// without space partitions and with 16. usage: timescale [SIGNALS [SAMPLES]]
/// </summary>
internal static class TimescaleBench
{
    public static async Task<int> RunAsync(string[] args)
    {
        var signals = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 50;
        var samples = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 4000;
        await using var server = await TimescaleServer.StartAsync();
        foreach (var partitions in new[] { 0, 16, 0, 16 })
        {
            var connection = server.CreateDatabase();
            await using var store = StoreFactory.Postgres(
                connection, TimeProvider.System, NullLoggerFactory.Instance,
                new StoreOptions { Copy = false, SpacePartitions = partitions });
            await store.MigrateAsync(CancellationToken.None);
            var fromUs = UnixMicros.Now(TimeProvider.System) - (samples * 5 * UnixMicros.PerSecond);
            var ids = await store.ResolveSignalsAsync(
                "m1", [.. Enumerable.Range(0, signals).Select(i => new SignalSpec($"signal{i}", "Double", null))], inPlant: true,
                CancellationToken.None);
            var started = Stopwatch.GetTimestamp();
            for (var at = 0; at < samples; at += 200)
            {
                var rows = Enumerable.Range(at, 200)
                    .SelectMany(
                        s => ids.Select(
                            id => new SampleRow(
                                id, fromUs + (s * 5 * UnixMicros.PerSecond), Math.Round(20 + Math.Sin((s + (id * 7)) / 100.0), 2),
                                null, Quality.Good, fromUs + (s * 5 * UnixMicros.PerSecond))))
                    .ToArray();
                await store.CommitAsync([new TelemetryUnit { Rows = rows }], CancellationToken.None);
            }

            var inserting = Stopwatch.GetElapsedTime(started).TotalSeconds;
            await using var c = new NpgsqlConnection(connection);
            await c.OpenAsync();
            async Task<double> AskAsync(string sql)
            {
                await using var command = new NpgsqlCommand(sql, c) { CommandTimeout = 300 };
                return Convert.ToDouble(await command.ExecuteScalarAsync(), CultureInfo.InvariantCulture);
            }

            async Task<double> TimeAsync(string sql)
            {
                var at = Stopwatch.GetTimestamp();
                await using var command = new NpgsqlCommand(sql, c) { CommandTimeout = 300 };
                await command.ExecuteNonQueryAsync();
                return Stopwatch.GetElapsedTime(at).TotalSeconds;
            }

            var rowsStored = (double)signals * samples;
            var query =
                "select count(*) from (select first(value, ts) from sample where signal_id = 7 group by time_bucket('1 hour', ts)) x";
            await AskAsync(query);
            var reading = await TimeAsync(query);
            var before = await AskAsync("select hypertable_size('sample')");
            var refresh = await TimeAsync("call refresh_continuous_aggregate('sample_1m', null, now() - interval '1 minute')");
            var report = await store.MaintainAsync(new Retention(), UnixMicros.Now(TimeProvider.System), CancellationToken.None);
            var compress = await TimeAsync("select count(compress_chunk(x)) from show_chunks('sample') x");
            var after = await AskAsync("select hypertable_size('sample')");
            var readingCompressed = await TimeAsync(query);
            Console.WriteLine(JsonSerializer.Serialize(new
            {
                space_partitions = partitions,
                rows = rowsStored,
                rows_per_s = Math.Round(rowsStored / inserting),
                bytes_per_row = Math.Round(before / rowsStored, 1),
                bytes_per_row_compressed = Math.Round(after / rowsStored, 1),
                ratio = Math.Round(before / after, 1),
                chunks = await AskAsync("select count(*) from show_chunks('sample')"),
                compress_s = Math.Round(compress, 2),
                refresh_rows_per_s = Math.Round(rowsStored / refresh),
                freshness_s = Math.Round(report!.FreshnessS["telemetry_1m"], 1),
                read_ms = Math.Round(reading * 1000, 1),
                read_compressed_ms = Math.Round(readingCompressed * 1000, 1),
            }));
        }

        return 0;
    }
}
