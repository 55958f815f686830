using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.Grains.Machines;
using OeeOrleans.Kpi;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Sink;

namespace OeeOrleans.Grains.Tests;

/// <summary>A machine's account and its store: restarts, late samples, corrections. Whatever happened, the windows are those of a recomputation from stored samples.</summary>
public sealed class MachineLedgerTests : IAsyncLifetime
{
    private static readonly long Start = UnixMicros.From(new DateTimeOffset(2026, 1, 5, 6, 0, 0, TimeSpan.Zero));

    private static readonly Machine Machine = new() { Id = "m1", Oee = new OeeParameters { IdealCycleS = 1, MicroStopS = 60 } };

    private static readonly PlantWindows Windows = new(new ShiftCalendar(
        new ShiftPlan { Id = "c", Shifts = [new Shift("early", new TimeOnly(6, 0), new TimeOnly(14, 0), Enum.GetValues<DayOfWeek>(), []), new Shift("late", new TimeOnly(14, 0), new TimeOnly(22, 0), Enum.GetValues<DayOfWeek>(), [])] }, "UTC"));

    private readonly string _file = Path.Combine(Path.GetTempPath(), "oee-ledger-" + Guid.NewGuid().ToString("N"), "oee.db");
    private readonly List<MachineSample> _all = [];
    private IStore _store = null!;
    private GroupCommitSink _sink = null!;
    private int[] _ids = [];

    public async Task InitializeAsync()
    {
        _store = StoreFactory.Sqlite(_file, NullLoggerFactory.Instance);
        await _store.MigrateAsync(CancellationToken.None);
        _sink = new GroupCommitSink(_store, new SinkOptions { FlushMs = 0 }, TimeProvider.System, NullLogger<GroupCommitSink>.Instance);
        _ids = await _store.ResolveSignalsAsync("m1", [new("state.run", "Boolean", null), new("counter.good", "UInt32", null), new("fault.code", "String", null)], CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        await _sink.DisposeAsync();
        await _store.DisposeAsync();
    }

    [Fact]
    public async Task A_restart_goes_on_with_the_same_figures()
    {
        var ledger = await OpenAsync(0);
        await FeedAsync(ledger, Run(0, 3000));
        await ledger.FlushAsync(At(3000), CancellationToken.None);

        AssertExact(await OpenAsync(3010), 3010);
    }

    [Fact]
    public async Task Samples_committed_but_never_applied_are_found_after_a_kill()
    {
        var ledger = await OpenAsync(0);
        await FeedAsync(ledger, Run(0, 2000));
        await ledger.FlushAsync(At(2000), CancellationToken.None);
        await StoreAsync(Run(2000, 2400), At(2400));

        AssertExact(await OpenAsync(2401), 2401);
    }

    [Fact]
    public async Task A_late_sample_between_snapshot_and_kill_is_not_forgotten()
    {
        var ledger = await OpenAsync(0);
        await FeedAsync(ledger, Run(0, 3000));
        await ledger.FlushAsync(At(3000), CancellationToken.None);
        // A stop that nobody heard of comes after the snapshot, with source times before its watermark; then the power goes.
        await StoreAsync([State(900, false), State(1200, true)], At(3300));

        var restarted = await OpenAsync(3301);
        Assert.NotNull(restarted.DirtyFromUs);
        await restarted.RecomputeAsync(At(3301), CancellationToken.None);
        AssertExact(restarted, 3301);
        Assert.Equal(300 * UnixMicros.PerSecond, restarted.Account.At(At(3301)).Sums(Shift).StopUs);
    }

    [Fact]
    public async Task Late_samples_rewrite_closed_windows_with_the_next_revision()
    {
        var ledger = await OpenAsync(0);
        await FeedAsync(ledger, Run(0, 3 * 3600));
        await ledger.FlushAsync(At(3 * 3600), CancellationToken.None);
        Assert.Equal(1, (await HourAsync(0)).Revision);

        await FeedAsync(ledger, [State(700, false), State(1100, true)]);
        Assert.Equal(At(700), ledger.DirtyFromUs);
        await ledger.RecomputeAsync(At(3 * 3600), CancellationToken.None);
        await ledger.FlushAsync(At(3 * 3600), CancellationToken.None);

        var first = await HourAsync(0);
        Assert.Equal((2, 400 * UnixMicros.PerSecond), (first.Revision, first.Sums.StopUs));
        Assert.Equal(1, (await HourAsync(1)).Revision);
        AssertExact(ledger, 3 * 3600);
    }

    [Fact]
    public async Task A_stop_that_outgrows_the_threshold_after_the_hour_corrects_the_hour()
    {
        var ledger = await OpenAsync(0);
        await FeedAsync(ledger, Run(0, 3570));
        await FeedAsync(ledger, [State(3571, false)]);
        await ledger.FlushAsync(At(3606), CancellationToken.None);
        // Six short stops of 20 s before, and 29 s of one that may still be short.
        Assert.Equal(149 * UnixMicros.PerSecond, (await HourAsync(0)).Sums.SmallStopUs);

        await ledger.FlushAsync(At(3700), CancellationToken.None);
        var hour = await HourAsync(0);
        Assert.Equal((2, 29 * UnixMicros.PerSecond, 120 * UnixMicros.PerSecond), (hour.Revision, hour.Sums.StopUs, hour.Sums.SmallStopUs));
    }

    [Fact]
    public async Task An_hour_of_history_that_comes_at_once_is_counted_where_it_belongs()
    {
        var ledger = await OpenAsync(7200);
        await FeedAsync(ledger, [State(7201, true), Good(7201, 9000)]);
        await FeedAsync(ledger, Run(3600, 7100));
        await ledger.RecomputeAsync(At(7210), CancellationToken.None);
        AssertExact(ledger, 7210);
        await ledger.FlushAsync(At(7210), CancellationToken.None);
        Assert.NotEqual(0, (await HourAsync(1)).Sums.Good);
    }

    [Fact]
    public async Task Faults_that_a_late_sample_undoes_are_removed()
    {
        var ledger = await OpenAsync(0);
        await FeedAsync(ledger, [State(1, true), Fault(100, "E1"), Fault(400, "")]);
        await ledger.FlushAsync(At(500), CancellationToken.None);
        Assert.Equal(At(100), Assert.Single(await FaultsAsync()).StartUs);

        await FeedAsync(ledger, [Fault(50, "E1")]);
        await ledger.FlushAsync(At(510), CancellationToken.None);
        Assert.Equal(At(50), Assert.Single(await FaultsAsync()).StartUs);
    }

    private static PlantWindow Shift => Windows.Shift(Start + 1)!.Value;

    private static long At(double second) => Start + (long)(second * UnixMicros.PerSecond);

    private static MachineSample State(double second, bool run) => new(SignalKind.StateRun, At(second), run ? 1 : 0, null, Quality.Good);

    private static MachineSample Good(double second, long count) => new(SignalKind.CounterGood, At(second), count, null, Quality.Good);

    private static MachineSample Fault(double second, string code) => new(SignalKind.FaultCode, At(second), double.NaN, code, Quality.Good);

    /// <summary>A machine that runs, with a short stop every ten minutes and a counter every two seconds.</summary>
    private static List<MachineSample> Run(int from, int to)
    {
        var samples = new List<MachineSample>();
        for (var second = from; second < to; second += 2)
        {
            if (second % 600 == 0) samples.Add(State(second, false));
            if (second % 600 == 20) samples.Add(State(second, true));
            samples.Add(Good(second + 0.5, second));
        }

        return samples;
    }

    private Task<MachineLedger> OpenAsync(double second) => MachineLedger.OpenAsync(Machine, Windows, _store, _sink, At(second), CancellationToken.None);

    private async Task FeedAsync(MachineLedger ledger, List<MachineSample> samples)
    {
        await StoreAsync(samples, samples.Max(s => s.TimeUs));
        ledger.Apply(new MachineBatch { Samples = [.. samples], IngestUs = samples.Max(s => s.TimeUs), LastSeenUs = samples.Max(s => s.TimeUs), Connected = true });
    }

    private async Task StoreAsync(List<MachineSample> samples, long ingestUs)
    {
        _all.AddRange(samples);
        var rows = samples.Select(s => new SampleRow(_ids[s.Kind == SignalKind.StateRun ? 0 : s.Kind == SignalKind.CounterGood ? 1 : 2], s.TimeUs, s.Value, s.Text, s.Quality, ingestUs)).ToArray();
        await _sink.WriteAsync(new CommitUnit { Rows = rows }, CancellationToken.None);
    }

    private void AssertExact(MachineLedger ledger, double second)
    {
        var view = ledger.Account.At(At(second));
        var windows = new[] { Shift, PlantWindows.Hour(view.AsOfUs), Windows.Day(view.AsOfUs) };
        var expected = KpiBatch.Evaluate("m1", Machine.Oee, Windows.Calendar, _all, [.. windows.Select(w => new WindowSpan(w.FromUs, w.ToUs))], view.AsOfUs);
        for (var i = 0; i < windows.Length; i++) Assert.Equal(expected.Windows[i].Sums, view.Sums(windows[i]));
    }

    private async Task<OeeWindow> HourAsync(int hour) =>
        Assert.Single(await _store.ReadWindowsAsync(["m1"], "hour", At(hour * 3600), At((hour * 3600) + 1), CancellationToken.None));

    private Task<List<FaultEvent>> FaultsAsync() => _store.ReadFaultsAsync(["m1"], Start, At(100_000), 100, null, CancellationToken.None);
}
