using System.Diagnostics;
using System.Globalization;
using System.Text;
using Npgsql;
using OeeOrleans.Benchmarks.Scale;
using OeeOrleans.TestServers;

namespace OeeOrleans.Benchmarks;

/// <summary>
/// Rows as fast as they go through mosquitto into `oee run` on PostgreSQL: the first million with a cold process, then more, and the first
/// ones again by psql's COPY. Prints what every process took of the CPU. usage: path [FIRST_ROWS [STEADY_ROWS]]
/// </summary>
internal static class PathBench
{
    private const int Nodes = 50;
    private const int Metrics = 20;
    private const int Copies = 3;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task<int> RunAsync(string[] args)
    {
        long Argument(int index, long otherwise) =>
            args.Length > index ? long.Parse(args[index], CultureInfo.InvariantCulture) : otherwise;
        await using var rig = await Rig.StartAsync("          - { id: press1 }");
        await using var load = await PathLoad.ConnectAsync(rig.BrokerPort, Nodes, Metrics);
        await load.BirthAsync();
        await CommittedAsync(rig, load.Values);
        var phases = new List<Phase>
        {
            await MeasureAsync("first", rig, load, Argument(0, 1_200_000)),
            await MeasureAsync("then", rig, load, Argument(1, 6_000_000)),
        };
        var lost = load.Values - await rig.ScalarAsync<long>("select count(*) from sample");
        await rig.StopOeeAsync();
        var copies = await CopiesAsync(rig, Argument(0, 1_200_000));
        Console.WriteLine(Table(phases, copies));
        Console.WriteLine($"published - stored: {lost}");
        return lost == 0 ? 0 : 1;
    }

    private static async Task<Phase> MeasureAsync(string name, Rig rig, PathLoad load, long rows)
    {
        var (from, started) = (await LookAsync(rig), Stopwatch.GetTimestamp());
        var before = load.Values;
        using var ended = new CancellationTokenSource();
        var peak = PeakAsync(rig, ended.Token);
        await load.SendAsync(rows);
        await CommittedAsync(rig, load.Values);
        var seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        await ended.CancelAsync();
        return new Phase(name, load.Values - before, seconds, await LookAsync(rig) - from, await peak);
    }

    /// <summary>
    /// Until so many rows are committed, or none were for long: then some are lost, and the count at the end says how many.
    /// </summary>
    private static async Task CommittedAsync(Rig rig, long rows)
    {
        // Not asked too often: it costs the program that is measured something.
        var (committed, since) = (0.0, Stopwatch.GetTimestamp());
        while (committed < rows && Stopwatch.GetElapsedTime(since) < Patience)
        {
            await Task.Delay(100);
            var now = await rig.MetricAsync("store_rows_total");
            if (now > committed) since = Stopwatch.GetTimestamp();
            committed = now;
        }
    }

    private static async Task<double> PeakAsync(Rig rig, CancellationToken cancellationToken)
    {
        var peak = 0.0;
        while (!cancellationToken.IsCancellationRequested)
        {
            peak = Math.Max(peak, rig.MemoryMb());
            await Task.Delay(100, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        return peak;
    }

    private static async Task<Spent> LookAsync(Rig rig) => new(
        rig.CpuSeconds(),
        ProcessTree.CpuSeconds(rig.PostgresId),
        ProcessTree.CpuSeconds(rig.BrokerId),
        ProcessTree.CpuSeconds(Environment.ProcessId)
            - rig.CpuSeconds() - ProcessTree.CpuSeconds(rig.PostgresId) - ProcessTree.CpuSeconds(rig.BrokerId),
        await rig.MetricAsync(ScaleProbe.Allocated));

    /// <summary>psql's COPY of the rows as CSV into an empty table like the one they are in, several times; rows a second.</summary>
    private static async Task<List<double>> CopiesAsync(Rig rig, long rows)
    {
        var file = Path.Combine(Path.GetTempPath(), $"oee-path-{Environment.ProcessId}.csv");
        var connection = new NpgsqlConnectionStringBuilder(rig.Connection);
        var url = $"postgresql://{connection.Username}:{connection.Password}@{connection.Host}:{connection.Port}/{connection.Database}";
        const string Columns = "signal_id, ts, value, quality, ingest_ts";
        try
        {
            await PsqlAsync(url, $"\\copy (select {Columns} from sample order by ingest_ts, ts limit {rows}) to '{file}' csv");
            var speeds = new List<double>();
            for (var n = 0; n < Copies; n++)
            {
                await PsqlAsync(url, "drop table if exists plain");
                await PsqlAsync(url, "create table plain (like sample including indexes)");
                var started = Stopwatch.GetTimestamp();
                await PsqlAsync(url, $"\\copy plain({Columns}) from '{file}' csv");
                speeds.Add(rows / Stopwatch.GetElapsedTime(started).TotalSeconds);
            }

            return speeds;
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static Task<string> PsqlAsync(string url, string command) => ServerProcess.RunAsync("psql", url, "-q", "-c", command);

    private static string Table(IReadOnlyList<Phase> phases, IReadOnlyList<double> copies)
    {
        var english = CultureInfo.InvariantCulture;
        var copy = copies.Order().ElementAt(copies.Count / 2);
        var text = new StringBuilder(
            """
            | rows | seconds | rows/s | of COPY | oee CPU-s per million | PostgreSQL | mosquitto | load | cores | bytes a value | peak MB |
            |---|---|---|---|---|---|---|---|---|---|---|

            """);
        foreach (var (name, rows, seconds, spent, peak) in phases)
        {
            var (perS, millions) = (rows / seconds, rows / 1e6);
            text.Append(
                english,
                $"| {name} {rows:#,0} | {seconds:0.0} | {perS:#,0} | {perS / copy:0.00} | {spent.Oee / millions:0.00} ")
                .Append(english, $"| {spent.Postgres / millions:0.00} | {spent.Broker / millions:0.00} | {spent.Load / millions:0.00} ")
                .Append(english, $"| {spent.All / seconds:0.00} | {spent.Allocated / rows:0} | {peak:0} |\n");
        }

        return text.Append(english, $"| psql's COPY (of {copies.Count}) | | {copies.Min():#,0} to {copies.Max():#,0} | 1 | | | | | | | |")
            .ToString();
    }

    private sealed record Phase(string Name, long Rows, double Seconds, Spent Spent, double PeakMb);

    private readonly record struct Spent(double Oee, double Postgres, double Broker, double Load, double Allocated)
    {
        public double All => Oee + Postgres + Broker + Load;

        public static Spent operator -(Spent a, Spent b) =>
            new(a.Oee - b.Oee, a.Postgres - b.Postgres, a.Broker - b.Broker, a.Load - b.Load, a.Allocated - b.Allocated);
    }
}
