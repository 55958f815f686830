using System.Diagnostics;
using System.Text.Json;
using Npgsql;
using OeeOrleans.TestServers;

namespace OeeOrleans.Benchmarks;

/// <summary>
/// `oee load` through mosquitto into `oee run` on PostgreSQL, against plain binary COPY of the same rows into the same table afterwards.
/// usage: throughput [MESSAGES_PER_S [SECONDS [METRICS [NODES]]]]
/// </summary>
internal static class Throughput
{
    public static async Task<int> RunAsync(string[] args)
    {
        var rate = args.Length > 0 ? args[0] : "1500";
        var seconds = args.Length > 1 ? args[1] : "8";
        var metrics = args.Length > 2 ? args[2] : "100";
        var nodes = args.Length > 3 ? args[3] : "10";
        await using var rig = await Rig.StartAsync("          - { id: press1 }");
        var cpuBefore = rig.CpuSeconds();
        await using var load = ServerProcess.Start(
            "dotnet",
            [
                Rig.Program,
                "load",
                "--broker",
                rig.Broker.ToString(),
                "--nodes",
                nodes,
                "--devices",
                "5",
                "--metrics",
                metrics,
                "--rate",
                rate,
                "--seconds",
                seconds,
            ]);
        var started = Stopwatch.GetTimestamp();
        var memory = new List<double>();
        while (!load.HasExited)
        {
            await Task.Delay(1000);
            memory.Add(rig.MemoryMb());
        }

        var report = JsonDocument.Parse(load.Output).RootElement;
        var values = report.GetProperty("values").GetInt64();
        await Eventually.HoldsAsync(
            "all rows to be committed", TimeSpan.FromSeconds(180), () => rig.ScalarAsync<long>("select count(*) from sample"),
            n => n >= values);
        var stored = await rig.ScalarAsync<long>("select count(*) from sample");
        // From the first to the last ingest: what the path did, without the wait for this program to look.
        var span = await rig.ScalarAsync<double>("select extract(epoch from max(ingest_ts) - min(ingest_ts)) from sample");
        var elapsed = Stopwatch.GetElapsedTime(started).TotalSeconds;
        var cpu = rig.CpuSeconds() - cpuBefore;
        await rig.StopOeeAsync();
        var copy = await CopyAsync(rig);
        var path = stored / elapsed;
        Console.WriteLine(JsonSerializer.Serialize(
            new
            {
                sent_values = values,
                stored_rows = stored,
                seconds_to_last_commit = Math.Round(elapsed, 2),
                ingest_span_s = Math.Round(span, 2),
                cpu_s_per_million = Math.Round(cpu * 1e6 / stored, 3),
                committed_per_s = Math.Round(path),
                copy_per_s = Math.Round(copy),
                ratio = Math.Round(path / copy, 3),
                ratio_by_ingest_span = Math.Round(stored / span / copy, 3),
                memory_mb_start = memory.FirstOrDefault(),
                memory_mb_max = memory.DefaultIfEmpty().Max(),
                memory_mb_end = memory.LastOrDefault(),
            },
            new JsonSerializerOptions { WriteIndented = true }));
        return stored == values ? 0 : 1;
    }

    /// <summary>Reads the rows into memory, empties the table, and copies them back in batches as large as the sink's.</summary>
    private static async Task<double> CopyAsync(Rig rig)
    {
        await using var connection = await rig.OpenAsync();
        var rows = new List<(int, DateTime, double, short, DateTime)>();
        await using (var command = new NpgsqlCommand(
            "select signal_id, ts, value, quality, ingest_ts from sample order by ingest_ts, ts", connection))
        await using (var reader = await command.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
            {
                rows.Add((reader.GetInt32(0), reader.GetDateTime(1), reader.GetDouble(2), reader.GetInt16(3), reader.GetDateTime(4)));
            }
        }

        await using (var truncate = new NpgsqlCommand("truncate sample", connection)) await truncate.ExecuteNonQueryAsync();
        var started = Stopwatch.GetTimestamp();
        foreach (var batch in rows.Chunk(10_000))
        {
            await using var writer = await connection.BeginBinaryImportAsync(
                "copy sample(signal_id, ts, value, quality, ingest_ts) from stdin (format binary)");
            foreach (var (id, ts, value, quality, ingest) in batch)
            {
                writer.StartRow();
                writer.Write(id);
                writer.Write(ts, NpgsqlTypes.NpgsqlDbType.TimestampTz);
                writer.Write(value);
                writer.Write(quality);
                writer.Write(ingest, NpgsqlTypes.NpgsqlDbType.TimestampTz);
            }

            await writer.CompleteAsync();
        }

        return rows.Count / Stopwatch.GetElapsedTime(started).TotalSeconds;
    }
}
