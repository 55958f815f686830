using System.Data.Common;
using Dapper;
using OeeOrleans.Model;

namespace OeeOrleans.Storage.Sql;

/// <summary>Retention where it is done by DELETE: once a day, because it looks at whole tables.</summary>
internal sealed class RetentionDeletes
{
    private (Retention Retention, long DayUs)? _done;

    /// <param name="c">Connection.</param>
    /// <param name="retention">What is kept.</param>
    /// <param name="nowUs">Now.</param>
    /// <param name="samples">The table of samples that is not dropped by partition.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task RunAsync(DbConnection c, Retention retention, long nowUs, string samples, CancellationToken cancellationToken)
    {
        var today = (retention, Rollups.Floor(nowUs, UnixMicros.PerDay));
        if (_done == today) return;
        (string Table, string Column, int? Days)[] kept =
        [
            (
                samples, "ts", retention.Samples), (
                    "rollup_1m", "bucket", retention.Minutes), (
                        "rollup_5m", "bucket", retention.FiveMinutes), ("rollup_1h", "bucket", retention.Hours),
        ];
        foreach (var (table, column, days) in kept)
        {
            if (days is { } d) await DeleteAsync($"delete from {table} where {column} < oee_ts(@before)", d);
        }

        if (retention.Events is { } events)
        {
            await DeleteAsync("delete from events where ts_start < oee_ts(@before) and ts_end is not null", events);
        }

        _done = today;

        Task DeleteAsync(string sql, int days) => c.ExecuteAsync(new CommandDefinition(
            sql, new
            {
                before = Rollups.Floor(nowUs, UnixMicros.PerDay) - (days * UnixMicros.PerDay),
            }, commandTimeout: Rollups.MaintenanceTimeoutS, cancellationToken: cancellationToken));
    }
}
