using Dapper;
using Microsoft.Extensions.Logging;
using Npgsql;
using OeeOrleans.Model;
using OeeOrleans.Storage.Sql;

namespace OeeOrleans.Storage.Postgres;

/// <summary>
/// Upkeep of a PostgreSQL database, by one process at a time: on plain PostgreSQL it is done here, on TimescaleDB its background workers do
/// it and are told how.
/// </summary>
internal sealed class PostgresUpkeep(NpgsqlDataSource source, ILogger log)
{
    /// <summary>Held in share by every commit, alone by a claim of minutes.</summary>
    public const long RollupLock = 0x6F65_6502;

    private const long LeaderLock = 0x6F65_6503;

    /// <summary>Days for which partitions are there ahead of time.</summary>
    private const int DaysAhead = 3;

    /// <summary>
    /// Days in the past for which rows that found no partition get one; what is further off stays in the default partition.
    /// </summary>
    private const int DaysBack = 730;

    /// <summary>How long a round may work on rollups; what is left waits for the next.</summary>
    private static readonly TimeSpan RoundLimit = TimeSpan.FromSeconds(20);

    private readonly RetentionDeletes _deletes = new();
    private Retention? _policies;

    public async Task<MaintenanceReport?> RunAsync(
        PostgresFlavor flavor, Retention retention, long nowUs, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        if (!await connection.ExecuteScalarAsync<bool>(
            new CommandDefinition($"select pg_try_advisory_lock({LeaderLock})", cancellationToken: cancellationToken)))
        {
            return null;
        }

        try
        {
            return flavor == PostgresFlavor.Timescale
                ? await TimescaleAsync(connection, retention, nowUs, cancellationToken)
                : await PlainAsync(connection, retention, nowUs, cancellationToken);
        }
        finally
        {
            if (connection.FullState == System.Data.ConnectionState.Open)
            {
                await connection.ExecuteAsync(new CommandDefinition($"select pg_advisory_unlock({LeaderLock})"));
            }
        }
    }

    private async Task<MaintenanceReport> PlainAsync(
        NpgsqlConnection c, Retention retention, long nowUs, CancellationToken cancellationToken)
    {
        await PartitionsAsync(c, nowUs, cancellationToken);
        if (await Rollups.CanClaimAsync(c, nowUs, cancellationToken))
        {
            await UnlessHeldUpAsync(c, "minutes are claimed", async claim =>
            {
                await c.ExecuteAsync(
                    new CommandDefinition(
                        $"select pg_advisory_xact_lock({RollupLock})", null, claim, cancellationToken: cancellationToken));
                await Rollups.ClaimAsync(c, claim, nowUs, cancellationToken);
                return true;
            }, cancellationToken);
        }

        var started = TimeProvider.System.GetTimestamp();
        while (await Rollups.StepAsync(c, SqlDialect.Postgres, retention, nowUs, cancellationToken)
            && TimeProvider.System.GetElapsedTime(started) < RoundLimit) { }
        await RetainAsync(c, retention, nowUs, cancellationToken);
        return new MaintenanceReport(await Rollups.FreshnessAsync(c, nowUs, cancellationToken), new Dictionary<string, double>());
    }

    /// <summary>Does something that needs a table, or the line of commits, for itself; when somebody holds it up for long, it is given up
    /// until the next round, because everybody else would have to wait behind us.</summary>
    private async Task<bool> UnlessHeldUpAsync(
        NpgsqlConnection c, string what, Func<NpgsqlTransaction, Task<bool>> work, CancellationToken cancellationToken)
    {
        try
        {
            await using var transaction = await c.BeginTransactionAsync(cancellationToken);
            await c.ExecuteAsync(
                new CommandDefinition("set local lock_timeout = '2s'", null, transaction, cancellationToken: cancellationToken));
            var done = await work(transaction);
            await transaction.CommitAsync(cancellationToken);
            return done;
        }
        catch (PostgresException error) when (error.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected)
        {
            Log.HeldUp(log, what, error.MessageText);
            return false;
        }
    }

    private async Task PartitionsAsync(NpgsqlConnection c, long nowUs, CancellationToken cancellationToken)
    {
        var today = DateOf(nowUs).ToDateTime(TimeOnly.MinValue);
        // Those to come and those rows wait for, of which there is no partition yet.
        var missing = await c.QueryAsync<DateTime>(new CommandDefinition(
            """
            select day::timestamp from (
              select @today::date + n as day from generate_series(0, @DaysAhead) n
              union (select distinct (ts at time zone 'UTC')::date from sample_default where ts >= oee_ts(@fromUs) and ts < oee_ts(@toUs)
                limit 50)) days
            where to_regclass('sample_' || to_char(day, 'YYYYMMDD')) is null
            """,
            new
            {
                DaysAhead, today, fromUs = nowUs - (DaysBack * UnixMicros.PerDay), toUs = nowUs + (DaysAhead * UnixMicros.PerDay),
            }, commandTimeout: Rollups.MaintenanceTimeoutS, cancellationToken: cancellationToken));
        foreach (var day in missing)
        {
            Task<bool> AddAsync(System.Data.Common.DbTransaction transaction) => c.ExecuteScalarAsync<bool>(new CommandDefinition(
                "select oee_add_partition(@day::date)",
                new { day },
                transaction,
                Rollups.MaintenanceTimeoutS,
                cancellationToken: cancellationToken));
            var added = await UnlessHeldUpAsync(c, "a partition is added", AddAsync, cancellationToken);
            if (added) Log.PartitionAdded(log, day.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture));
        }
    }

    private async Task RetainAsync(NpgsqlConnection c, Retention retention, long nowUs, CancellationToken cancellationToken)
    {
        if (retention.Samples is { } days)
        {
            var keepFrom = DateOf(nowUs).AddDays(-days);
            var partitions = await c.QueryAsync<string>(new CommandDefinition(
                "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid where i.inhparent = 'sample'::regclass and "
                    + "c.relname ~ '^sample_[0-9]{8}$'", cancellationToken: cancellationToken));
            foreach (var partition in partitions)
            {
                if (!DateOnly.TryParseExact(partition["sample_".Length..], "yyyyMMdd", out var day) || day >= keepFrom) continue;
                var dropped = await UnlessHeldUpAsync(c, "a partition is dropped", async transaction =>
                {
                    await c.ExecuteAsync(
                        new CommandDefinition(
                            "select oee_drop_partition(@partition)", new { partition }, transaction, Rollups.MaintenanceTimeoutS,
                            cancellationToken: cancellationToken));
                    return true;
                }, cancellationToken);
                if (dropped) Log.PartitionDropped(log, partition, days);
            }
        }

        await _deletes.RunAsync(c, retention, nowUs, "sample_default", cancellationToken);
    }

    private async Task<MaintenanceReport> TimescaleAsync(
        NpgsqlConnection c, Retention retention, long nowUs, CancellationToken cancellationToken)
    {
        if (_policies != retention) await SetPoliciesAsync(c, retention, cancellationToken);
        var freshness = new Dictionary<string, double>();
        foreach (var level in Rollups.Levels)
        {
            var watermark = await c.ExecuteScalarAsync<long?>(new CommandDefinition(
                """
                select oee_us(_timescaledb_functions.to_timestamp(_timescaledb_functions.cagg_watermark(mat_hypertable_id)))
                from _timescaledb_catalog.continuous_agg where user_view_name = @aggregate
                  and _timescaledb_functions.cagg_watermark(mat_hypertable_id) > 0
                """, new { aggregate = level.View }, cancellationToken: cancellationToken));
            // Never refreshed: everything is computed when it is asked for.
            if (watermark is { } us) freshness[level.Telemetry] = Math.Max(0, UnixMicros.ToSeconds(nowUs - us));
        }

        var compression = await c.QueryAsync<(string Table, double Ratio)>(new CommandDefinition(
            """
            select t, before_compression_total_bytes::float8 / nullif(after_compression_total_bytes, 0)
            from (values ('sample'), ('events')) as v(t), hypertable_compression_stats(t::regclass) where after_compression_total_bytes > 0
            """, cancellationToken: cancellationToken));
        return new MaintenanceReport(freshness, compression.ToDictionary(r => r.Table, r => r.Ratio));
    }

    /// <summary>Policies are their owner's: a writer that is not the owner says so once, and leaves them as they are.</summary>
    private async Task SetPoliciesAsync(NpgsqlConnection c, Retention retention, CancellationToken cancellationToken)
    {
        try
        {
            (string Relation, int? Days)[] kept =
            [
                ("sample", retention.Samples),
                ("events", retention.Events),
                ("sample_1m", retention.Minutes),
                ("sample_5m", retention.FiveMinutes),
                ("sample_1h", retention.Hours),
            ];
            foreach (var (relation, days) in kept)
            {
                await c.ExecuteAsync(
                    new CommandDefinition(
                        $"select remove_retention_policy('{relation}', if_exists => true)", cancellationToken: cancellationToken));
                if (days is { } d)
                {
                    await c.ExecuteAsync(
                        new CommandDefinition(
                            $"select add_retention_policy('{relation}', interval '{d} days')", cancellationToken: cancellationToken));
                }
            }

        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            Log.PoliciesNotOurs(log, error.MessageText);
        }

        _policies = retention;
    }

    private static DateOnly DateOf(long us) => DateOnly.FromDateTime(DateTime.UnixEpoch.AddMicroseconds(us));
}
