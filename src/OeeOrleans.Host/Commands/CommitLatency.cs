using System.Diagnostics;
using Npgsql;
using OeeOrleans.Simulation.Load;

namespace OeeOrleans.Host.Commands;

/// <summary>
/// From the source time of a value, when it was published, to the commit of its row, milliseconds, as PostgreSQL recorded it.
/// </summary>
internal sealed record CommitLatency(long StoredValues, double P50, double P95, double P99, double Max)
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60);

    /// <summary>Waits for everything a load published to be stored, then asks the server when each row was committed.</summary>
    /// <exception cref="InvalidOperationException">The server does not record it, or not everything came.</exception>
    public static async Task<CommitLatency> MeasureAsync(string connectionString, LoadReport report, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(cancellationToken);
        await using (var setting = new NpgsqlCommand("show track_commit_timestamp", connection))
        {
            if (await setting.ExecuteScalarAsync(cancellationToken) is not "on")
            {
                throw new InvalidOperationException(
                    "the server does not record when it commits; set track_commit_timestamp = on and restart it");
            }
        }

        const string Rows =
            "from sample p join signal s using (signal_id) where s.machine_id like $1 and p.ts >= $2 and p.ts <= $3 and p.value is not "
                + "null";
        NpgsqlCommand Ask(string what) => new($"select {what} {Rows}", connection)
        {
            CommandTimeout = 300,
            Parameters =
            {
                new() { Value = $"{report.Group}/n%" },
                new() { Value = report.FirstTs.UtcDateTime },
                new() { Value = report.LastTs.UtcDateTime.AddMinutes(1) },
            },
        };
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            await using var count = Ask("count(*)");
            var stored = (long)(await count.ExecuteScalarAsync(cancellationToken))!;
            if (stored >= report.Values) break;
            if (Stopwatch.GetElapsedTime(started) > Deadline)
            {
                throw new InvalidOperationException($"{stored} of {report.Values} values are stored after {Deadline.TotalSeconds:0} s");
            }

            await Task.Delay(500, cancellationToken);
        }

        const string Ms = "(extract(epoch from pg_xact_commit_timestamp(p.xmin) - p.ts) * 1000)::float8";
        await using var percentiles = Ask(
            $"count(*), percentile_disc(0.5) within group (order by {Ms}), percentile_disc(0.95) within group (order by {Ms}), "
                + $"percentile_disc(0.99) within group (order by {Ms}), max({Ms})");
        await using var reader = await percentiles.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        double Number(int column) => Math.Round(reader.GetDouble(column), 1);
        return new CommitLatency(reader.GetInt64(0), Number(1), Number(2), Number(3), Number(4));
    }
}
