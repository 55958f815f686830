using System.Data.Common;
using Dapper;
using OeeOrleans.Model;

namespace OeeOrleans.Storage.Sql;

/// <summary>
/// Keeps `rollup_1m`, `rollup_5m` and `rollup_1h` up to date where there are no continuous aggregates. Two marks: minutes below `claimed`
/// leave a note when a row comes for them (see <see cref="NoteLateAsync"/>), minutes below `materialized` are read from the tables. A
/// minute is claimed first, in a transaction that waits for all commits under way, and computed then; a commit that comes later leaves its
/// note. So whatever comes when, each minute is computed from all of its samples in the end. </summary>
internal static class Rollups
{
    /// <summary>Each from the one before.</summary>
    public static readonly RollupLevel[] Levels =
    [
        new("1m", UnixMicros.PerMinute), new("5m", 5 * UnixMicros.PerMinute), new("1h", UnixMicros.PerHour),
    ];

    /// <summary>Minutes younger than this may still grow; they are computed when they are asked for.</summary>
    public const long SettleUs = 90 * UnixMicros.PerSecond;

    /// <summary>Computed in one transaction at most.</summary>
    private const long StepUs = UnixMicros.PerHour;

    private const int NotesPerStep = 20_000;

    private const string Columns = "signal_id, bucket, min, max, sum, n, first, last, count, quality";

    private const string Replace =
        "on conflict (signal_id, bucket) do update set min = excluded.min, max = excluded.max, sum = excluded.sum, n = excluded.n, "
            + "first = excluded.first, last = excluded.last, count = excluded.count, quality = excluded.quality";

    /// <summary>Leaves a note for every minute below `claimed` that a group touches.</summary>
    /// <param name="sets">Of the group's transaction.</param>
    /// <param name="units">The group.</param>
    /// <param name="claimedUs">Read in the same transaction, after its place in the line was taken.</param>
    public static Task NoteLateAsync(SetWriter sets, IReadOnlyList<CommitUnit> units, long claimedUs)
    {
        HashSet<RowKey>? late = null;
        foreach (var unit in units)
        {
            foreach (ref readonly var row in unit.SampleRows.Span)
            {
                if (row.TimeUs < claimedUs) (late ??= []).Add(MinuteOf(row.SignalId, row.TimeUs));
            }

            foreach (var row in (unit as TelemetryUnit)?.RemovedRows ?? [])
            {
                if (row.TimeUs < claimedUs) (late ??= []).Add(MinuteOf(row.SignalId, row.TimeUs));
            }
        }

        return late is null
            ? Task.CompletedTask
            : sets.WriteAsync(
                late, r => r, [("SignalId", "integer"), ("TimeUs", "bigint")],
                rows => $"""insert into rollup_dirty(signal_id, bucket) select "SignalId", oee_ts("TimeUs") from {rows}""");
    }

    /// <summary>Whether minutes have settled since the last claim.</summary>
    public static async Task<bool> CanClaimAsync(DbConnection c, long nowUs, CancellationToken cancellationToken) =>
        await c.ExecuteScalarAsync<long>(
            new CommandDefinition("select oee_us(claimed) from rollup_state", cancellationToken: cancellationToken)) < Settled(
            nowUs);

    /// <summary>Claims all minutes that have settled. Call it with all commits under way waited for and new ones held back.</summary>
    public static Task ClaimAsync(DbConnection c, DbTransaction transaction, long nowUs, CancellationToken cancellationToken) =>
        c.ExecuteAsync(new CommandDefinition(
        "update rollup_state set claimed = oee_ts(@to) where claimed < oee_ts(@to)", new
        {
            to = Settled(nowUs),
        }, transaction, cancellationToken: cancellationToken));

    /// <summary>One step of what is owed, in a transaction of its own.</summary>
    /// <returns>Whether more is owed.</returns>
    public static async Task<bool> StepAsync(
        DbConnection c, SqlDialect dialect, Retention retention, long nowUs, CancellationToken cancellationToken)
    {
        // One picture for all statements: a note that is committed meanwhile is neither used nor deleted.
        await using var transaction = await c.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken);
        Task<int> Run(string sql, object parameters) =>
            c.ExecuteAsync(new CommandDefinition(sql, parameters, transaction, MaintenanceTimeoutS, cancellationToken: cancellationToken));
        var state = await c.QuerySingleAsync<(long ClaimedUs, long MaterializedUs)>(new CommandDefinition(
            "select oee_us(claimed) as ClaimedUs, oee_us(materialized) as MaterializedUs from rollup_state", null, transaction,
            cancellationToken: cancellationToken));
        // Where samples or the rollup below are gone, what was computed from all of them must stand.
        if (new[] { retention.Samples, retention.Minutes, retention.FiveMinutes }.Min() is { } days)
        {
            await Run("delete from rollup_dirty where bucket < oee_ts(@from)", new { from = nowUs - ((days - 1) * UnixMicros.PerDay) });
        }

        var more = await ReworkAsync(c, transaction, Run, state.MaterializedUs, cancellationToken);
        if (state.MaterializedUs < state.ClaimedUs)
        {
            var from = state.MaterializedUs;
            var to = Math.Min(state.ClaimedUs, from + StepUs);
            var computed = await Run(
                $"""
                insert into rollup_1m({Columns})
                {FromSamples(dialect.OfEachSignal("sample", "b.ts >= oee_ts(@from) and b.ts < oee_ts(@to)"), "oee_bucket(b.ts, 60000000)")}
                {Replace}
                """, new { from, to });
            if (computed == 0 && to < state.ClaimedUs)
            {
                to = Math.Max(
                    to,
                    Math.Min(
                        state.ClaimedUs,
                        Floor(await NextUsedAsync(c, transaction, to, cancellationToken) ?? state.ClaimedUs, UnixMicros.PerMinute)));
            }

            for (var level = 1; level < Levels.Length; level++)
            {
                var width = Levels[level].WidthUs;
                var source = dialect.OfEachSignal(Levels[level - 1].Table, "b.bucket >= oee_ts(@lower) and b.bucket < oee_ts(@upper)");
                await Run(
                    $"insert into {Levels[level].Table}({Columns}) {FromBelow(level, source, "oee_bucket(b.bucket, @width)")} {Replace}",
                    new { lower = Floor(state.MaterializedUs, width), upper = Floor(to, width), width });
            }

            await Run("update rollup_state set materialized = oee_ts(@to)", new { to });
            more |= to < state.ClaimedUs;
        }

        await transaction.CommitAsync(cancellationToken);
        return more;
    }

    /// <summary>How far behind the tables are, seconds, by view.</summary>
    public static async Task<Dictionary<string, double>> FreshnessAsync(DbConnection c, long nowUs, CancellationToken cancellationToken)
    {
        var materialized = await c.ExecuteScalarAsync<long>(
            new CommandDefinition("select oee_us(materialized) from rollup_state", cancellationToken: cancellationToken));
        return Levels.ToDictionary(l => l.Telemetry, l => UnixMicros.ToSeconds(nowUs - Floor(materialized, l.WidthUs)));
    }

    /// <summary>Seconds a statement of maintenance may take.</summary>
    public const int MaintenanceTimeoutS = 300;

    public static long Floor(long us, long width) => us - (((us % width) + width) % width);

    /// <summary>Computes noted minutes anew, and what lies above them.</summary>
    private static async Task<bool> ReworkAsync(
        DbConnection c, DbTransaction transaction, Func<string, object, Task<int>> run, long materializedUs,
        CancellationToken cancellationToken)
    {
        var last = await c.ExecuteScalarAsync<long?>(new CommandDefinition(
            $"select max(id) from (select id from rollup_dirty order by id limit {NotesPerStep}) x", null, transaction,
            cancellationToken: cancellationToken));
        if (last is not { } until) return false;
        const string Noted = "(select distinct signal_id, oee_bucket(bucket, @width) as bucket from rollup_dirty where id <= @until) d";
        await run(
            $"delete from rollup_1m where (signal_id, bucket) in (select signal_id, bucket from {Noted})",
            new { until, width = UnixMicros.PerMinute });
        var noted = $"{Noted} join sample b on b.signal_id = d.signal_id "
            + "and b.ts >= d.bucket and b.ts < oee_ts(oee_us(d.bucket) + 60000000) where true";
        await run(
            $"""
            insert into rollup_1m({Columns})
            {FromSamples(noted, "d.bucket")}
            {Replace}
            """, new { until, width = UnixMicros.PerMinute });
        for (var level = 1; level < Levels.Length; level++)
        {
            var width = Levels[level].WidthUs;
            var parameters = new { until, width, upper = Floor(materializedUs, width) };
            var source =
                $"{Noted} join {Levels[level - 1].Table} b on b.signal_id = d.signal_id and b.bucket >= d.bucket and b.bucket < "
                    + $"oee_ts(oee_us(d.bucket) + @width) where d.bucket < oee_ts(@upper)";
            await run(
                $"delete from {Levels[level].Table} where (signal_id, bucket) in (select signal_id, bucket from {Noted}) and bucket < "
                    + $"oee_ts(@upper)",
                parameters);
            await run($"insert into {Levels[level].Table}({Columns}) {FromBelow(level, source, "d.bucket")} {Replace}", parameters);
        }

        return await run("delete from rollup_dirty where id <= @until", new { until }) >= NotesPerStep;
    }

    /// <summary>The first sample at or after an instant: nothing is computed for years in which nothing was said.</summary>
    private static Task<long?> NextUsedAsync(DbConnection c, DbTransaction transaction, long fromUs, CancellationToken cancellationToken) =>
        c.ExecuteScalarAsync<long?>(new CommandDefinition(
        "select oee_us(min(t)) from (select (select min(p.ts) from sample p where p.signal_id = s.signal_id and p.ts >= "
            + "oee_ts(@fromUs)) as t from signal s) x",
        new { fromUs }, transaction, MaintenanceTimeoutS, cancellationToken: cancellationToken));

    private static string FromSamples(string source, string bucket) =>
        $"""
        select a.signal_id, a.bucket, a.min, a.max, a.sum, a.n,
          (select f.value from sample f where f.signal_id = a.signal_id and f.ts = a.first_ts), (select l.value from sample l
            where l.signal_id = a.signal_id and l.ts = a.last_ts), a.count, a.quality
        from (select b.signal_id, {bucket} as bucket,
          min(b.value) filter (where b.quality >= {Quality.Uncertain}) as min,
            max(b.value) filter (where b.quality >= {Quality.Uncertain}) as max,
          sum(b.value) filter (where b.quality >= {Quality.Uncertain}) as sum,
            count(b.value) filter (where b.quality >= {Quality.Uncertain}) as n,
          min(b.ts) filter (where b.quality >= {Quality.Uncertain} and b.value is not null) as first_ts,
            max(b.ts) filter (where b.quality >= {Quality.Uncertain} and b.value is not null) as last_ts,
          count(*) as count, min(b.quality) as quality
          from {source} group by 1, 2) a where true
        """;

    private static string FromBelow(int level, string source, string bucket)
    {
        var below = Levels[level - 1].Table;
        return
            $"""
            select a.signal_id, a.bucket, a.min, a.max, a.sum, a.n,
              (select f.first from {below} f where f.signal_id = a.signal_id and f.bucket = a.first_bucket), (select l.last from {below} l
                where l.signal_id = a.signal_id and l.bucket = a.last_bucket), a.count, a.quality
            from (select b.signal_id, {bucket} as bucket, min(b.min) as min, max(b.max) as max, sum(b.sum) as sum, sum(b.n) as n,
              min(b.bucket) filter (where b.n > 0) as first_bucket, max(b.bucket) filter (where b.n > 0) as last_bucket,
                sum(b.count) as count, min(b.quality) as quality
              from {source} group by 1, 2) a where true
            """;
    }

    private static long Settled(long nowUs) => Floor(nowUs - SettleUs, UnixMicros.PerMinute);

    private static RowKey MinuteOf(int signal, long timeUs) => new(signal, Floor(timeUs, UnixMicros.PerMinute));
}

/// <summary>One length of bucket, and what it is called.</summary>
internal sealed record RollupLevel(string Suffix, long WidthUs)
{
    /// <summary>Where there are no continuous aggregates: what is materialized.</summary>
    public string Table => $"rollup_{Suffix}";

    /// <summary>On every engine: by signal, with sums.</summary>
    public string View => $"sample_{Suffix}";

    /// <summary>On every engine: what analysts query.</summary>
    public string Telemetry => $"telemetry_{Suffix}";
}
