using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.Model;
using OeeOrleans.Storage.Sink;

namespace OeeOrleans.Storage.Tests;

/// <summary>What becomes of units that come twice, that are refused, and of what is too much.</summary>
public abstract partial class StoreConformance
{
    [Fact]
    public async Task A_dead_letter_that_is_written_again_is_there_once()
    {
        var letter = DeadLetter.Of(T0, "spBv1.0/x", new byte[] { 1, 2 }, "why");
        var unit = new TelemetryUnit { DeadLetters = [letter, letter with { Topic = "spBv1.0/y" }] };
        await Store.CommitAsync([unit], CancellationToken.None);
        await Store.CommitAsync([unit], CancellationToken.None);
        Assert.Equal(["spBv1.0/x", "spBv1.0/y"], (await QueryAsync("select topic from dead_letter order by id")).Select(r => r[0]));
    }

    [Fact]
    public async Task A_sample_that_was_too_far_ahead_counts_when_it_comes_again_in_time()
    {
        var id = await SignalAsync("counter.good");
        var ahead = new SampleRow(id, T0 + (27 * UnixMicros.PerHour), 1, null, Quality.Good, T0);
        await CommitAsync([ahead]);
        Assert.Empty(await ReadAsync());
        await CommitAsync([ahead with { IngestUs = T0 + (2 * UnixMicros.PerHour) }]);
        Assert.Equal(1, Assert.Single(await ReadAsync()).Value);
        // And stays, whenever it comes once more.
        await CommitAsync([ahead with { IngestUs = T0 + (100 * UnixMicros.PerDay) }]);
        Assert.Single(await ReadAsync());
    }

    [Fact]
    public async Task A_ticket_says_that_rows_of_it_are_refused()
    {
        var id = await SignalAsync("counter.good");
        await QueryAsync(RefuseValue666);
        await using var sink = new GroupCommitSink(
            Store, new SinkOptions { FlushMs = 20 }, TimeProvider.System, NullLogger<GroupCommitSink>.Instance);
        var whole = await sink.WriteAsync(new TelemetryUnit { Rows = new[] { Row(id, 1, 1) } }, CancellationToken.None);
        var partly = await sink.WriteAsync(new TelemetryUnit { Rows = new[] { Row(id, 2, 2), Row(id, 3, 666) } }, CancellationToken.None);
        Assert.Equal([CommitState.Committed, CommitState.Committed], await Task.WhenAll(whole.Settled, partly.Settled));
        Assert.Equal((false, true), (whole.LacksRows, partly.LacksRows));
    }

    [Fact]
    public async Task A_unit_that_is_refused_as_a_whole_leaves_nothing_and_its_neighbours_are_stored()
    {
        var id = await SignalAsync("counter.good");
        await QueryAsync(RefuseBirthTopicNo);
        var birth = new BirthRecord("g/a", "", 1000, "no", [1]);
        var refused = await Store.CommitAsync(
            [
                new TelemetryUnit { Rows = new[] { Row(id, 1, 1) }, EdgeNode = ("g/a", "a"), Births = [birth] },
                new TelemetryUnit { Rows = new[] { Row(id, 2, 2) }, EdgeNode = ("g/b", "b") },
            ],
            CancellationToken.None);
        var (unit, reason, rowsOnly) = Assert.Single(refused);
        Assert.Equal((("g/a", "a"), false), (((TelemetryUnit)unit).EdgeNode!.Value, rowsOnly));
        Assert.Matches("no_births|no births", reason);
        Assert.Equal(2, Assert.Single(await ReadAsync()).Value);
        Assert.Null(await Store.LoadEdgeNodeAsync("g/a", CancellationToken.None));
        Assert.NotNull(await Store.LoadEdgeNodeAsync("g/b", CancellationToken.None));
    }

    [Fact]
    public async Task Births_that_a_clock_step_left_behind_do_not_shadow_the_one_that_came_after_it()
    {
        await BirthsAsync(("", 5000), ("d", 5001), ("e", 5002));
        // The clock goes back. A device's own late birth, older than its node's, overtakes nothing.
        await BirthsAsync(("d", 4000));
        Assert.Equal([4000L, 5000, 5001, 5002], await BornAsync());
        await BirthsAsync(("", 3000));
        Assert.Equal([3000L], await BornAsync());
    }

    [Fact]
    public async Task Only_machines_of_the_plant_get_signals_beyond_the_budget()
    {
        await using var store = await OpenAsync(new StoreOptions { MaxSignals = 2 });
        await store.MigrateAsync(CancellationToken.None);
        Task<int[]> Ask(string machine, bool inPlant, params string[] names) => store.ResolveSignalsAsync(
            machine, [.. names.Select(n => new SignalSpec(n, "Double", null))], inPlant, CancellationToken.None);
        var known = await Ask("g/n/d", false, "a", "b");
        Assert.DoesNotContain(0, known);
        Assert.Equal([known[0], 0], await Ask("g/n/d", false, "a", "c"));
        Assert.DoesNotContain(0, await Ask("m1", true, "x", "y", "z"));
    }

    /// <summary>Makes the database refuse births whose topic is `no`, with words in which `no births` or `no_births` is.</summary>
    protected abstract string RefuseBirthTopicNo { get; }

    private Task BirthsAsync(params (string Device, long Ms)[] births) => Store.CommitAsync(
        [
            new TelemetryUnit
            {
                Births = [.. births.Select(b => new BirthRecord("g/n", b.Device, b.Ms, "t", [1]))], EdgeNode = ("g/n", "s"),
            },
        ],
        CancellationToken.None);

    private async Task<IEnumerable<long>> BornAsync() =>
        (await Store.LoadEdgeNodeAsync("g/n", CancellationToken.None))!.Births.Select(b => b.BirthMs);
}
