using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using OeeOrleans.Model;
using OeeOrleans.TestServers;

namespace OeeOrleans.Storage.Tests;

public sealed class SqliteConformance : StoreConformance
{
    private string _path = "";

    protected override string RefuseValue666 =>
        "create trigger refuse before insert on sample when new.value = 666 begin select raise(abort, 'the number of the beast'); end";

    protected override string RefuseBirthTopicNo =>
        "create trigger no_births before insert on edge_birth when new.topic = 'no' begin select raise(abort, 'no births'); end";

    protected override Task<IStore> OpenAsync(StoreOptions? options = null)
    {
        _path = Path.Combine(Directory.CreateTempSubdirectory("oee-test-").FullName, "oee.db");
        return Task.FromResult(StoreFactory.Sqlite(_path, NullLoggerFactory.Instance, options));
    }

    protected override async Task<List<object?[]>> QueryAsync(string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={_path}");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        return await RowsAsync(command);
    }
}

/// <summary>One server for all tests of the engine; every test has a database of its own.</summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    public PostgresServer Server { get; private set; } = null!;

    public async Task InitializeAsync() => Server = await PostgresServer.StartAsync();

    public async Task DisposeAsync() => await Server.DisposeAsync();
}

public abstract class PostgresFamily : StoreConformance
{
    protected string Connection { get; set; } = "";

    protected override string RefuseValue666 => "alter table sample add constraint refuse check (value <> 666)";

    protected override string RefuseBirthTopicNo => "alter table edge_birth add constraint no_births check (topic <> 'no')";

    protected override async Task<List<object?[]>> QueryAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(Connection);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await RowsAsync(command);
    }

    [Fact]
    public async Task Times_are_computed_in_place_and_not_by_calls()
    {
        var plan = await QueryAsync("explain verbose select oee_us(oee_ts(n)) from generate_series(1::bigint, 2) n");
        Assert.Contains(plan, line => ((string)line[0]!).Contains("EXTRACT(epoch", StringComparison.OrdinalIgnoreCase));
        Assert.DoesNotContain(plan, line => ((string)line[0]!).Contains("oee_", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Times_come_back_to_the_microsecond_in_every_time_zone()
    {
        var wrong = await QueryAsync(
            """
            set timezone = 'America/St_Johns';
            select v from (values (0::bigint), (-1), (1774747799999999), (1774747800000000), (1761440400000001), (253402300799999999 / 100))
              t(v) where oee_us(oee_ts(v)) <> v or oee_ts(v) <> timestamptz '1970-01-01 00:00:00+00' + v * interval '1 microsecond'
            """);
        Assert.Empty(wrong);
    }

    [Fact]
    public async Task A_reader_may_read_and_change_nothing()
    {
        Assert.NotNull(
            await QueryAsync(
                "begin; set local role oee_reader; select * from telemetry_1m; select * from oee_latest; select * from events; rollback"));
        foreach (var change in new[]
        {
            "delete from sample",
            "insert into signal(machine_id, name, datatype) values ('a', 'b', 'c')",
            "update oee_window set good = 1",
            "select payload from dead_letter",
        })
        {
            var error = await Assert.ThrowsAsync<PostgresException>(() => QueryAsync($"begin; set local role oee_reader; {change}"));
            Assert.Equal(PostgresErrorCodes.InsufficientPrivilege, error.SqlState);
            await QueryAsync("rollback");
        }
    }
}

public sealed class PostgresConformance(PostgresFixture fixture) : PostgresFamily, IClassFixture<PostgresFixture>
{
    protected override async Task<IStore> OpenAsync(StoreOptions? options = null)
    {
        Connection = await fixture.Server.CreateDatabaseAsync();
        return StoreFactory.Postgres(Connection, TimeProvider.System, NullLoggerFactory.Instance, options);
    }

    [Fact]
    public async Task An_error_that_nobody_can_tell_the_reach_of_buries_no_row()
    {
        var id = (await Store.ResolveSignalsAsync("m1", [new("n", "Double", null)], inPlant: true, CancellationToken.None))[0];
        await QueryAsync(
            """
            create function damaged() returns trigger language plpgsql as
            $$ begin raise exception 'damaged' using errcode = 'XX002'; end $$;
            create trigger damaged before insert on sample for each row execute function damaged()
            """);
        var unit = new TelemetryUnit { Rows = new[] { new SampleRow(id, 1_767_600_000_000_000, 1, null, Quality.Good, 1) } };
        await Assert.ThrowsAsync<StoreUnavailableException>(() => Store.CommitAsync([unit], CancellationToken.None));
        Assert.Contains("damaged", await Store.WhyNotAsync(CancellationToken.None), StringComparison.Ordinal);
        await QueryAsync("drop trigger damaged on sample");
        Assert.Empty(await Store.CommitAsync([unit], CancellationToken.None));
        Assert.Empty(await QueryAsync("select * from dead_letter"));
    }

    [Fact]
    public async Task A_table_that_is_missing_is_waited_for()
    {
        await QueryAsync("alter table dead_letter rename to elsewhere");
        var unit = new TelemetryUnit { DeadLetters = [DeadLetter.Of(1, "t", new byte[] { 1 }, "why")] };
        await Assert.ThrowsAsync<StoreUnavailableException>(() => Store.CommitAsync([unit], CancellationToken.None));
        await QueryAsync("alter table elsewhere rename to dead_letter");
        Assert.Empty(await Store.CommitAsync([unit], CancellationToken.None));
    }

    [Fact]
    public async Task A_server_with_little_room_gets_few_connections_and_all_questions_are_answered()
    {
        // One of them is the test's own.
        var database = await LimitedAsync(9);
        await using var store = StoreFactory.Postgres(Connection, TimeProvider.System, NullLoggerFactory.Instance);
        await store.MigrateAsync(CancellationToken.None);
        var most = 0L;
        var asked = Task.WhenAll(Enumerable.Range(0, 200).Select(_ => store.ReadActiveFaultsAsync(["m1"], CancellationToken.None)));
        while (!asked.IsCompleted)
        {
            var open = (long)(await QueryAsync($"select count(*) from pg_stat_activity where datname = '{database}'"))[0][0]!;
            most = Math.Max(most, open);
        }

        await asked;
        Assert.InRange(most, 2, 9 - StoreFactory.ClusterConnections);
    }

    [Fact]
    public async Task A_server_without_room_is_waited_for_and_told_of()
    {
        await LimitedAsync(8);
        await using var store = StoreFactory.Postgres(Connection, TimeProvider.System, NullLoggerFactory.Instance);
        var error = await Assert.ThrowsAsync<StoreUnavailableException>(() => store.MigrateAsync(CancellationToken.None));
        Assert.Contains("room for 4 more connections", error.Message, StringComparison.Ordinal);
        Assert.Contains("at least 5", error.Message, StringComparison.Ordinal);
        Assert.False(error.NeedsOperator);
    }

    private async Task<string> LimitedAsync(int connections)
    {
        Connection = await fixture.Server.CreateDatabaseAsync();
        var database = new NpgsqlConnectionStringBuilder(Connection).Database!;
        await QueryAsync($"alter database {database} connection limit {connections}");
        return database;
    }

    [Fact]
    public async Task Rows_that_find_no_partition_wait_and_are_moved_when_their_day_comes()
    {
        const long Now = 1_767_600_000_000_000;
        var id = (await Store.ResolveSignalsAsync("m1", [new("counter.good", "Double", null)], inPlant: true, CancellationToken.None))[0];
        long[] days = [-9000, -200, -40, 0, 3, 9];
        await Store.CommitAsync(
            [
                new TelemetryUnit
                {
                    Rows = days.Select(d => new SampleRow(id, Now + (d * UnixMicros.PerDay), d, null, Quality.Good, Now)).ToArray(),
                },
            ],
            CancellationToken.None);
        Assert.Equal(6L, (await QueryAsync("select count(*) from sample_default"))[0][0]);
        await Store.MaintainAsync(new Retention(), Now, CancellationToken.None);
        Assert.Equal(["-9000", "9"], (await QueryAsync("select value::text from sample_default order by ts")).Select(r => r[0]));
        Assert.Equal(6L, (await QueryAsync("select count(*) from telemetry"))[0][0]);

        await Store.MaintainAsync(new Retention { Samples = 128 }, Now, CancellationToken.None);
        Assert.Equal(["-40", "0", "3", "9"], (await QueryAsync("select value::text from telemetry order by ts")).Select(r => r[0]));
    }
}

/// <summary>The same for groups that are not small: their rows go in by COPY.</summary>
public sealed class PostgresCopyConformance(PostgresFixture fixture) : PostgresFamily, IClassFixture<PostgresFixture>
{
    protected override async Task<IStore> OpenAsync(StoreOptions? options = null)
    {
        Connection = await fixture.Server.CreateDatabaseAsync();
        options = (options ?? new StoreOptions()) with { SmallGroup = 0 };
        return StoreFactory.Postgres(Connection, TimeProvider.System, NullLoggerFactory.Instance, options);
    }
}

/// <summary>One server for all tests of the engine.</summary>
public sealed class TimescaleFixture : IAsyncLifetime
{
    public TimescaleServer Server { get; private set; } = null!;

    public async Task InitializeAsync() => Server = await TimescaleServer.StartAsync();

    public async Task DisposeAsync() => await Server.DisposeAsync();
}

/// <summary>Real TimescaleDB, one query at a time and without COPY: what goes through COPY is proven on plain PostgreSQL.</summary>
public sealed class TimescaleConformance(TimescaleFixture fixture) : PostgresFamily, IClassFixture<TimescaleFixture>
{
    protected override Task<IStore> OpenAsync(StoreOptions? options = null)
    {
        Connection = fixture.Server.CreateDatabase();
        options = (options ?? new StoreOptions()) with { Copy = false };
        return Task.FromResult(StoreFactory.Postgres(Connection, TimeProvider.System, NullLoggerFactory.Instance, options));
    }

    protected override async Task RefreshAsync(long nowUs)
    {
        // What the policies do, were there workers.
        foreach (var view in new[] { "sample_1m", "sample_5m", "sample_1h" })
        {
            await QueryAsync($"call refresh_continuous_aggregate('{view}', null, to_timestamp({nowUs / 1_000_000 / 3600 * 3600}))");
        }
    }

    protected override async Task RetainAsync(Retention retention, long nowUs)
    {
        await base.RetainAsync(retention, nowUs);
        // The policy counts from the server's clock; here the chunks it would drop then are dropped.
        await QueryAsync($"select drop_chunks('sample', to_timestamp({(nowUs / 1_000_000) - (retention.Samples * 86_400)}))::text");
    }

    [Fact]
    public async Task Late_and_changed_rows_go_into_compressed_chunks_once()
    {
        const long Start = 1_767_600_000_000_000;
        var id = (await Store.ResolveSignalsAsync(
            "m1", [new("process.temperature", "Double", null)], inPlant: true, CancellationToken.None))[0];
        SampleRow[] rows =
        [
            .. Enumerable.Range(0, 20_000).Select(
                i => new SampleRow(id, Start + (i * UnixMicros.PerSecond), Math.Sin(i / 50.0), null, Quality.Good, Start)),
        ];
        await Store.CommitAsync([new TelemetryUnit { Rows = rows }], CancellationToken.None);
        await QueryAsync("select compress_chunk(c)::text from show_chunks('sample') c");
        await QueryAsync("call refresh_continuous_aggregate('sample_1m', null, null)");

        SampleRow[] late = [rows[100] with { Value = 9 }, rows[200], new SampleRow(id, Start + 500_000, 8, null, Quality.Good, Start + 1)];
        await Store.CommitAsync([new TelemetryUnit { Rows = late }], CancellationToken.None);
        await Store.CommitAsync([new TelemetryUnit { Rows = late }], CancellationToken.None);
        Assert.Equal(
            [20_001L, 9d, 8d],
            (await QueryAsync(
                "select count(*), max(value), (select value from sample where ts = '2026-01-05 08:00:00.5+00') from sample"))[0]);
        await QueryAsync("call refresh_continuous_aggregate('sample_1m', null, null)");
        Assert.Equal([20_001m, 9d], (await QueryAsync("select sum(count), max(max) from telemetry_1m"))[0]);

        var report = await Store.MaintainAsync(new Retention(), Start + (20_000 * UnixMicros.PerSecond), CancellationToken.None);
        Assert.True(report!.CompressionRatio["sample"] > 3, $"compressed {report.CompressionRatio["sample"]:0.0} : 1");
        Assert.InRange(report.FreshnessS["telemetry_1m"], 0, 60);
    }

    [Fact]
    public async Task Policies_compress_after_a_week_and_drop_what_the_configuration_says()
    {
        await Store.MaintainAsync(new Retention { Samples = 200, Hours = 4000 }, 1_767_600_000_000_000, CancellationToken.None);
        var jobs = await QueryAsync(
            "select proc_name::text, coalesce(hypertable_name, '')::text, config::text from timescaledb_information.jobs where job_id "
                + ">= 1000");
        Assert.Contains(
            jobs,
            j => (string)j[0]! == "policy_compression"
                && (string)j[1]! == "sample"
                && ((string)j[2]!).Contains("7 days", StringComparison.Ordinal));
        Assert.Contains(
            jobs,
            j => (string)j[0]! == "policy_retention"
                && (string)j[1]! == "sample"
                && ((string)j[2]!).Contains("200 days", StringComparison.Ordinal));
        Assert.Equal(2, jobs.Count(j => (string)j[0]! == "policy_retention"));
        Assert.Equal(3, jobs.Count(j => (string)j[0]! == "policy_refresh_continuous_aggregate"));
        await Store.MaintainAsync(new Retention(), 1_767_600_000_000_000, CancellationToken.None);
        Assert.Equal(
            0L, (await QueryAsync("select count(*) from timescaledb_information.jobs where proc_name = 'policy_retention'"))[0][0]);
    }
}
