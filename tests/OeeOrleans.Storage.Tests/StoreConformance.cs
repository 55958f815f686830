using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.Model;
using OeeOrleans.Storage.Sink;

namespace OeeOrleans.Storage.Tests;

/// <summary>What every engine must do. Derive with an engine.</summary>
public abstract partial class StoreConformance : IAsyncLifetime
{
    private const long T0 = 1_767_600_000_000_000;

    protected IStore Store { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        Store = await OpenAsync();
        await Store.MigrateAsync(CancellationToken.None);
    }

    public async Task DisposeAsync() => await Store.DisposeAsync();

    [Fact]
    public async Task Migration_can_be_repeated()
    {
        await Store.MigrateAsync(CancellationToken.None);
        Assert.Null(await Store.WhyNotAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_signal_keeps_its_id()
    {
        var first = await Store.ResolveSignalsAsync(
            "m1", [new("state.run", "Boolean", null), new("counter.good", "UInt64", "pcs")], inPlant: true, CancellationToken.None);
        var again = await Store.ResolveSignalsAsync("m1", [new("counter.good", "UInt64", null)], inPlant: true, CancellationToken.None);
        Assert.Equal(first[1], again[0]);
        Assert.NotEqual(first[0], first[1]);
    }

    [Fact]
    public async Task Rows_written_twice_are_there_once()
    {
        var id = await SignalAsync("counter.good");
        var rows = Enumerable.Range(0, 1000).Select(i => Row(id, i, i)).ToArray();
        await CommitAsync(rows);
        await CommitAsync(rows);
        await CommitAsync([.. rows.TakeLast(10), Row(id, 2000, 7)]);
        Assert.Equal(1001, (await ReadAsync()).Count);
    }

    [Fact]
    public async Task Of_two_values_of_one_instant_the_later_arrival_stays()
    {
        var id = await SignalAsync("state.run");
        await CommitAsync([Row(id, 1, 1), Row(id, 1, 0)]);
        Assert.Equal(0, Assert.Single(await ReadAsync()).Value);
        await CommitAsync([Row(id, 1, 1)]);
        Assert.Equal(1, Assert.Single(await ReadAsync()).Value);
    }

    [Fact]
    public async Task A_bad_row_that_never_was_is_removed_and_a_good_one_is_not()
    {
        var id = await SignalAsync("state.run");
        await CommitAsync([Row(id, 1, 1), new SampleRow(id, T0 + 2, double.NaN, null, Quality.Bad, T0)]);
        await Store.CommitAsync(
            [new TelemetryUnit { RemovedRows = [new RowKey(id, T0 + 1), new RowKey(id, T0 + 2)] }], CancellationToken.None);
        Assert.Equal(T0 + 1, Assert.Single(await ReadAsync()).TimeUs);
    }

    [Fact]
    public async Task A_value_is_held_since_the_first_of_its_run()
    {
        var id = await SignalAsync("product.code");
        SampleRow Code(int offset, string? code) => new(id, T0 + offset, double.NaN, code, code is null ? Quality.Bad : Quality.Good, T0);
        await CommitAsync([Code(1, "A"), Code(2, "B"), Code(3, "B"), Code(4, null), Code(5, "B"), Code(9, "C")]);
        Task<long?> SinceAsync(int offset) => Store.HeldSinceAsync("m1", "product.code", T0 + offset, 0, CancellationToken.None);
        Assert.Equal(
            [T0 + 1, T0 + 2, T0 + 2, T0 + 9], [await SinceAsync(1), await SinceAsync(2), await SinceAsync(8), await SinceAsync(20)]);
        Assert.Null(await SinceAsync(0));
        Assert.Equal(T0 + 3, await Store.HeldSinceAsync("m1", "product.code", T0 + 8, T0 + 2, CancellationToken.None));
        Assert.Null(await Store.HeldSinceAsync("m1", "order.id", T0 + 5, 0, CancellationToken.None));
    }

    [Fact]
    public async Task A_withdrawn_window_is_only_read_when_asked_for()
    {
        var window = new OeeWindow
        {
            Id = "m1", Kind = "shift", FromUs = T0, ToUs = T0 + 10, AsOfUs = T0 + 10, Sums = default, Kpis = new OeeKpis(),
        };
        await Store.CommitAsync(
            [new ResultUnit { Windows = [window, window with { Revision = 2, Withdrawn = true }] }], CancellationToken.None);
        Assert.Empty(await Store.ReadWindowsAsync(["m1"], "shift", T0, T0 + 1, CancellationToken.None));
        Assert.True(
            Assert.Single(await Store.ReadWindowsAsync(["m1"], "shift", T0, T0 + 1, CancellationToken.None, withdrawn: true)).Withdrawn);
    }

    [Fact]
    public async Task Reasons_stops_and_their_audit_come_back()
    {
        var given = new GivenReason
        {
            Machine = "m1", FromUs = T0
                + 10, UntilUs = T0 + 90, Whole = true, Reason = "jam", Comment = "again", By = "mia", AtUs = T0 + 95,
        };
        var stop = new StopEvent { Machine = "m1", StartUs = T0 + 10, EndUs = T0 + 90, Reason = "jam", Payload = "{\"fault\":null}" };
        var audit = new AuditEntry(T0 + 95, "mia", "stop.reason", stop.Id, "{}");
        await Store.CommitAsync(
            [
                new ResultUnit
                {
                    Stops = [stop with { EndUs = null, Reason = "" }],
                    Reason = new ReasonChange(0, 0, given with { FromUs = T0 + 20, Reason = "split" }),
                },
            ],
            CancellationToken.None);
        await Store.CommitAsync(
            [new ResultUnit { Stops = [stop], Reason = new ReasonChange(T0 + 10, T0 + 90, given), Audit = [audit] }],
            CancellationToken.None);

        Assert.Equal(given, Assert.Single(await Store.ReadReasonsAsync("m1", T0 + 50, T0 + 60, CancellationToken.None)));
        Assert.Empty(await Store.ReadReasonsAsync("m1", T0 + 91, T0 + 99, CancellationToken.None));
        var read = Assert.Single(await Store.ReadStopsAsync("m1", T0, T0 + 100, CancellationToken.None));
        Assert.Equal((stop.Id, "jam", T0 + 90), (read.Id, read.Reason, read.EndUs));
        Assert.Equal(audit, Assert.Single(await AuditAsync(stop.Id)));
        Assert.Empty(await AuditAsync("other"));
    }

    [Fact]
    public async Task The_first_to_acknowledge_a_fault_stays_and_the_engine_does_not_undo_it()
    {
        var fault = new FaultEvent { Machine = "m1", Code = "E1", StartUs = T0, Severity = 300 };
        await Store.CommitAsync([new ResultUnit { Faults = [fault] }], CancellationToken.None);
        AuditEntry By(string who) => new(T0 + 5, who, "fault.ack", fault.Id, "{}");
        await Store.AcknowledgeFaultAsync(fault.Id, By("mia"), CancellationToken.None);
        var acked = await Store.AcknowledgeFaultAsync(fault.Id, By("tom"), CancellationToken.None);
        await Store.ShelveFaultAsync(fault.Id, T0 + 99, By("tom") with { Action = "fault.shelve" }, CancellationToken.None);
        await Store.CommitAsync([new ResultUnit { Faults = [fault with { EndUs = T0 + 9 }] }], CancellationToken.None);
        Assert.Equal("mia", acked!.AckBy);
        var read = Assert.Single(await Store.ReadFaultsAsync(["m1"], T0, T0 + 100, 10, null, CancellationToken.None));
        Assert.Equal(("mia", T0 + 99, T0 + 9, (short)300), (read.AckBy, read.ShelvedUntilUs, read.EndUs, read.Severity));
        Assert.Equal(["fault.shelve", "fault.ack"], (await AuditAsync(null)).Select(a => a.Action));
        Assert.Null(await Store.AcknowledgeFaultAsync("none", By("mia"), CancellationToken.None));
    }

    [Fact]
    public async Task Text_bad_quality_and_numbers_beyond_double_come_back_as_they_went()
    {
        var id = await SignalAsync("product.code");
        await CommitAsync(
        [
            new SampleRow(id, T0 + 1, double.NaN, "Öl 5W-30 ✓", Quality.Good, T0),
            new SampleRow(id, T0 + 2, double.NaN, null, Quality.Bad, T0),
            new SampleRow(id, T0 + 3, 9007199254740993, "9007199254740993", Quality.Uncertain, T0),
            new SampleRow(id, T0 + 4, double.PositiveInfinity, null, Quality.Good, T0),
        ]);
        var read = await ReadAsync();
        Assert.Equal("Öl 5W-30 ✓", read[0].Text);
        Assert.True(double.IsNaN(read[0].Value));
        Assert.False(read[1].HasValue);
        Assert.Equal("9007199254740993", read[2].Text);
        Assert.Equal(double.PositiveInfinity, read[3].Value);
    }

    [Fact]
    public async Task Source_times_are_exact_to_the_microsecond()
    {
        var id = await SignalAsync("counter.good");
        long[] times = [1, 999_999, T0 + 123_457, 4_102_444_800_000_001];
        // Each is read as it came: a time far off its ingest has no place in an account.
        await CommitAsync([.. times.Select(t => new SampleRow(id, t, 1, null, Quality.Good, t))]);
        Assert.Equal(times, (await ReadAsync()).Select(s => s.TimeUs));
    }

    [Fact]
    public async Task Last_before_gives_one_sample_per_signal()
    {
        var good = await SignalAsync("counter.good");
        var run = await SignalAsync("state.run");
        await CommitAsync([Row(good, 1, 10), Row(good, 5, 11), Row(run, 2, 1), Row(good, 9, 12)]);
        var last = await Store.ReadLastBeforeAsync("m1", T0 + 9, CancellationToken.None);
        Assert.Equal([(SignalKind.StateRun, 1d), (SignalKind.CounterGood, 11d)], last.Select(s => (s.Kind, s.Value)));
    }

    [Fact]
    public async Task Late_rows_are_found_by_their_ingest_time()
    {
        var id = await SignalAsync("counter.good");
        await CommitAsync([Row(id, 1, 1), Row(id, 2, 2)]);
        await CommitAsync([new SampleRow(id, T0 + 1_500, 1, null, Quality.Good, T0 + 9_000_000)]);
        var late = await Store.ReadLateAsync("m1", T0 + 5_000, T0 + 5_000_000, CancellationToken.None);
        Assert.Equal(T0 + 1_500, Assert.Single(late).TimeUs);
    }

    [Fact]
    public async Task A_trend_is_raw_when_it_fits_and_buckets_otherwise()
    {
        var id = await SignalAsync("process.temperature");
        await CommitAsync([.. Enumerable.Range(0, 1000).Select(i => Row(id, i * 1000, i))]);
        var raw = await Store.ReadTrendAsync("m1", "process.temperature", T0, T0 + 1_000_000, 1000, CancellationToken.None);
        var buckets = await Store.ReadTrendAsync("m1", "process.temperature", T0, T0 + 1_000_000, 10, CancellationToken.None);
        Assert.True(raw!.Raw);
        Assert.Equal(1000, raw.Items.Count);
        Assert.False(buckets!.Raw);
        Assert.Equal(10, buckets.Items.Count);
        Assert.Equal((100d, 199d, 149.5, 100L), (buckets.Items[1].Min, buckets.Items[1].Max, buckets.Items[1].Avg, buckets.Items[1].Count));
        Assert.Null(await Store.ReadTrendAsync("m1", "no.such", T0, T0 + 1, 10, CancellationToken.None));
    }

    [Fact]
    public async Task Births_and_node_state_survive()
    {
        for (var i = 0; i < 7; i++)
        {
            await Store.CommitAsync(
                [
                    new TelemetryUnit
                    {
                        Births = [new BirthRecord("g/n", "", 1000 + i, "spBv1.0/g/NBIRTH/n", [1, 2, (byte)i])], EdgeNode = ("g/n", $"s{i}"),
                    },
                ],
                CancellationToken.None);
        }

        var record = await Store.LoadEdgeNodeAsync("g/n", CancellationToken.None);
        Assert.Equal("s6", record!.State);
        Assert.Equal([1003L, 1004, 1005, 1006], record.Births.Select(b => b.BirthMs));
        Assert.Equal([1, 2, 6], record.Births[^1].Payload);
        Assert.Null(await Store.LoadEdgeNodeAsync("g/other", CancellationToken.None));
    }

    [Fact]
    public async Task A_window_is_rewritten_in_its_revision_and_read_in_its_newest()
    {
        var window = new OeeWindow
        {
            Id = "m1", Kind = "hour", FromUs = T0, ToUs = T0 + UnixMicros.PerHour, AsOfUs = T0 + 5, Kpis = new OeeKpis { Oee = 0.5 },
            Sums = new OeeSums { RunUs = 1_234_567, StopUs = 1, Good = 7, IdealTotalS = 2988.49m, CounterJumps = 2 },
        };
        await Store.CommitAsync([new ResultUnit { Windows = [window with { Kpis = new OeeKpis() }] }], CancellationToken.None);
        await Store.CommitAsync([new ResultUnit { Windows = [window] }], CancellationToken.None);
        await Store.CommitAsync(
            [new ResultUnit { Windows = [window with { Revision = 2, Sums = window.Sums with { Good = 8 } }] }], CancellationToken.None);
        var read = Assert.Single(await Store.ReadWindowsAsync(["m1"], "hour", T0 - 1, T0 + 1, CancellationToken.None));
        Assert.Equal(window.Sums with { Good = 8 }, read.Sums);
        Assert.Equal((2, 0.5), (read.Revision, read.Kpis.Oee));
    }

    [Fact]
    public async Task Faults_are_listed_newest_first_with_a_cursor()
    {
        var faults = Enumerable.Range(0, 5)
            .Select(i => new FaultEvent { Machine = "m1", Code = $"E{i}", StartUs = T0 + (i / 2), EndUs = i == 4 ? null : T0 + 100 })
            .ToList();
        await Store.CommitAsync([new ResultUnit { Faults = faults }], CancellationToken.None);
        var seen = new List<string>();
        (long, string)? cursor = null;
        while (await Store.ReadFaultsAsync(["m1"], T0, T0 + 1000, 2, cursor, CancellationToken.None) is { Count: > 0 } page)
        {
            seen.AddRange(page.Select(f => f.Code));
            cursor = (page[^1].StartUs, page[^1].Id);
        }

        // Two start at the same instant each: their order is that of their ids, the pages' order is that of time.
        Assert.Equal([2, 1, 1, 0, 0], seen.Select(c => (c[1] - '0') / 2));
        Assert.Equal(["E0", "E1", "E2", "E3", "E4"], seen.Order());
        Assert.Equal("E4", Assert.Single(await Store.ReadActiveFaultsAsync(["m1", "m2"], CancellationToken.None)).Code);
        await Store.CommitAsync([new ResultUnit { RemovedEvents = [faults[4].Id] }], CancellationToken.None);
        Assert.Empty(await Store.ReadActiveFaultsAsync(["m1"], CancellationToken.None));
    }

    [Fact]
    public async Task Dead_letters_and_snapshots_are_stored()
    {
        await Store.CommitAsync(
            [
                new TelemetryUnit { DeadLetters = [DeadLetter.Of(T0, "spBv1.0/x", new byte[20_000], "why")] },
                new ResultUnit { Snapshot = new SnapshotRecord("m1", T0 + 1, T0 + 2, "{}") },
            ],
            CancellationToken.None);
        // Clipped, and its whole size beside it.
        Assert.Equal(
            ["spBv1.0/x", "why", 20_000L, (long)DeadLetter.MaxPayload],
            (await QueryAsync("select topic, reason, cast(size as bigint), cast(length(payload) as bigint) from dead_letter"))[0]);
        Assert.Equal(new SnapshotRecord("m1", T0 + 1, T0 + 2, "{}"), await Store.LoadSnapshotAsync("m1", CancellationToken.None));
    }

    [Fact]
    public async Task Many_writers_share_transactions_and_each_hears_of_its_own()
    {
        var id = await SignalAsync("counter.good");
        await using var sink = new GroupCommitSink(
            Store, new SinkOptions { FlushMs = 20 }, TimeProvider.System, NullLogger<GroupCommitSink>.Instance);
        await Task.WhenAll(
            Enumerable.Range(0, 300).Select(
                i => sink.CommitAsync(new TelemetryUnit { Rows = new[] { Row(id, i, i) } }, CancellationToken.None)));
        Assert.Equal(300, (await ReadAsync()).Count);
    }

    /// <summary>Opens a store over a database of its own.</summary>
    protected abstract Task<IStore> OpenAsync(StoreOptions? options = null);

    /// <summary>Makes the database refuse rows with this value.</summary>
    protected abstract string RefuseValue666 { get; }

    /// <summary>Another program's look at the database.</summary>
    protected abstract Task<List<object?[]>> QueryAsync(string sql);

    protected static async Task<List<object?[]>> RowsAsync(System.Data.Common.DbCommand command)
    {
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<object?[]>();
        do
        {
            while (await reader.ReadAsync())
            {
                var row = new object?[reader.FieldCount];
                for (var i = 0; i < row.Length; i++) row[i] = reader.IsDBNull(i) ? null : reader.GetValue(i);
                rows.Add(row);
            }
        }
        while (await reader.NextResultAsync());

        return rows;
    }

    private static SampleRow Row(int id, int offset, double value) => new(id, T0 + offset, value, null, Quality.Good, T0 + 1_000_000);

    private async Task<int> SignalAsync(string name) =>
        (await Store.ResolveSignalsAsync("m1", [new(name, "Double", null)], inPlant: true, CancellationToken.None))[0];

    private Task CommitAsync(SampleRow[] rows) => Store.CommitAsync([new TelemetryUnit { Rows = rows }], CancellationToken.None);

    private Task<List<MachineSample>> ReadAsync() => Store.ReadMachineAsync("m1", 0, long.MaxValue / 4, CancellationToken.None);
}
