using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.Grains.Machines;
using OeeOrleans.Kpi;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Access;
using OeeOrleans.Storage.Sink;

namespace OeeOrleans.Grains.Tests;

/// <summary>
/// A machine's account and its store: restarts, late samples, corrections. Whatever happened, the windows are those of a recomputation from
/// stored samples.
/// </summary>
public sealed partial class MachineLedgerTests : IAsyncLifetime
{
    private static readonly long Start = UnixMicros.From(new DateTimeOffset(2026, 1, 5, 6, 0, 0, TimeSpan.Zero));

    private static readonly Machine Machine = new() { Id = "m1", Oee = new OeeParameters { IdealCycleS = 1, MicroStopS = 60 } };

    private static readonly ShiftPlan TwoShifts = new()
    {
        Id = "c", Shifts =
        [
            new Shift("early", new TimeOnly(6, 0), new TimeOnly(14, 0), Enum.GetValues<DayOfWeek>(), []),
            new Shift("late", new TimeOnly(14, 0), new TimeOnly(22, 0), Enum.GetValues<DayOfWeek>(), []),
        ],
    };

    private static readonly string[] Signals = ["state.run", "counter.good", "fault.code", "product.code"];

    private readonly string _file = Path.Combine(Path.GetTempPath(), "oee-ledger-" + Guid.NewGuid().ToString("N"), "oee.db");
    private readonly List<MachineSample> _all = [];
    private IStore _store = null!;
    private GroupCommitSink _sink = null!;
    private int[] _ids = [];
    private List<ModelVersion> _versions = [];
    private MachineModel _model = null!;

    private PlantWindows Windows => _model.Windows;

    public async Task InitializeAsync()
    {
        _store = StoreFactory.Sqlite(_file, NullLoggerFactory.Instance);
        await _store.MigrateAsync(CancellationToken.None);
        _sink = new GroupCommitSink(_store, new SinkOptions { FlushMs = 0 }, TimeProvider.System, NullLogger<GroupCommitSink>.Instance);
        _ids = await _store.ResolveSignalsAsync(
            "m1", [.. Signals.Select(n => new SignalSpec(n, "Double", null))], inPlant: true, CancellationToken.None);
        Plan(Machine, TwoShifts, 0);
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
    public async Task Another_ideal_cycle_from_a_time_on_recomputes_from_there_and_keeps_the_old_values()
    {
        var ledger = await OpenAsync(0);
        await FeedAsync(ledger, Run(0, 9000));
        await FeedAsync(ledger, Run(9000, 3 * 3600));
        await ledger.FlushAsync(At(3 * 3600), CancellationToken.None);
        var before = await HourAsync(1);

        // In the middle of the second hour.
        Plan(Machine with { Oee = Machine.Oee with { IdealCycleS = 2 }, ValidFromUs = At(5400) }, TwoShifts, 3 * 3600);
        var restarted = await OpenAsync((3 * 3600) + 10);
        Assert.Equal(At(5400), restarted.DirtyFromUs);
        await restarted.RecomputeAsync(At((3 * 3600) + 10), CancellationToken.None);

        Assert.Equal(1, (await HourAsync(0)).Revision);
        var after = await HourAsync(1);
        Assert.Equal((2, before.Sums.Good), (after.Revision, after.Sums.Good));
        // Half of the hour by the old cycle, half by the new.
        Assert.Equal((double)before.Sums.IdealGoodS * 1.5, (double)after.Sums.IdealGoodS, 3d);
        Assert.Equal((double)before.Sums.IdealGoodS * 2, (double)(await HourAsync(2)).Sums.IdealGoodS, 3d);
        AssertExact(restarted, (3 * 3600) + 10);
        Assert.Empty((await AuditAsync((3 * 3600) + 10)).Differences);
    }

    [Fact]
    public async Task Another_calendar_from_a_time_on_withdraws_the_shifts_that_are_none_any_more()
    {
        var ledger = await OpenAsync(0);
        await FeedAsync(ledger, Run(0, 10 * 3600));
        await ledger.FlushAsync(At(10 * 3600), CancellationToken.None);
        Assert.Equal(["early", "late"], (await ShiftsAsync()).Select(s => s.Name));

        // The early shift ends at noon, six hours after the start; a long one follows.
        var plan = new ShiftPlan
        {
            Id = "c",
            ValidFromUs = At(6 * 3600),
            Shifts = [new Shift("long", new TimeOnly(12, 0), new TimeOnly(22, 0), Enum.GetValues<DayOfWeek>(), [])],
        };
        Plan(Machine, plan, 10 * 3600);
        var restarted = await OpenAsync((10 * 3600) + 10);
        await restarted.RecomputeAsync(At((10 * 3600) + 10), CancellationToken.None);
        await restarted.FlushAsync(At((10 * 3600) + 10), CancellationToken.None);

        Assert.Equal(
            [("early", At(0), At(6 * 3600), 2), ("long", At(6 * 3600), At(16 * 3600), 1)],
            (await ShiftsAsync()).Select(s => (s.Name, s.FromUs, s.ToUs, s.Revision)));
        AssertExact(restarted, (10 * 3600) + 10);
    }

    [Fact]
    public async Task A_job_lasts_from_one_product_to_the_next_and_its_pieces_are_its_own()
    {
        var ledger = await OpenAsync(0);
        await FeedAsync(ledger, [Product(1, "A"), .. Run(2, 1000), Product(1000, "B"), .. Run(1002, 3000)]);
        await ledger.FlushAsync(At(3000), CancellationToken.None);

        var jobs = await JobsAsync();
        Assert.Equal([("A", At(1), At(1000)), ("B", At(1000), PlantWindows.OpenEndUs)], jobs.Select(j => (j.Name, j.FromUs, j.ToUs)));
        Assert.Equal(998 - 2, jobs[0].Sums.Good);
        Assert.Equal(2998 - 998, jobs[1].Sums.Good);
    }

    [Fact]
    public async Task A_product_that_is_heard_of_late_cuts_the_jobs_anew()
    {
        var ledger = await OpenAsync(0);
        await FeedAsync(ledger, [Product(1, "A"), .. Run(2, 5000), Product(5000, "B"), .. Run(5002, 9000), Product(9000, "C")]);
        await ledger.FlushAsync(At(9000), CancellationToken.None);
        await ledger.FlushAsync(At(9010), CancellationToken.None);

        // B began earlier, and so the job that began at 5000 never was.
        await FeedAsync(ledger, [Product(4000, "B")]);
        await ledger.RecomputeAsync(At(9010), CancellationToken.None);
        await ledger.FlushAsync(At(9011), CancellationToken.None);

        var jobs = await JobsAsync();
        Assert.Equal([("A", At(1), 2), ("B", At(4000), 1), ("C", At(9000), 1)], jobs.Select(j => (j.Name, j.FromUs, j.Revision)));
        Assert.Equal(jobs[1].FromUs, jobs[0].ToUs);
        Assert.True(
            Assert.Single(
                await _store.ReadWindowsAsync(["m1"], "job", At(5000), At(5001), CancellationToken.None, withdrawn: true)).Withdrawn);
        Assert.Empty((await AuditAsync(9011)).Differences);
    }

    [Fact]
    public async Task A_job_goes_on_through_a_restart_without_a_snapshot()
    {
        var ledger = await OpenAsync(0);
        await FeedAsync(ledger, [Product(1, "A"), .. Run(2, 30 * 3600)]);
        var rebuilt = await OpenAsync((30 * 3600) + 5);
        await rebuilt.FlushAsync(At((30 * 3600) + 5), CancellationToken.None);
        var job = Assert.Single(await JobsAsync());
        Assert.Equal((At(1), (30 * 3600) - 4L), (job.FromUs, job.Sums.Good));
    }

    [Fact]
    public async Task A_stop_is_listed_with_its_fault_and_a_person_may_say_more()
    {
        var ledger = await OpenAsync(0);
        await FeedAsync(
            ledger,
            [
                State(1, true),
                State(1000, false),
                Fault(1010, "E1"),
                State(1500, true),
                Fault(1500, ""),
                State(2000, false),
                State(2300, true),
                State(4000, true),
            ]);
        await ledger.FlushAsync(At(4000), CancellationToken.None);
        Assert.Equal(
            [(At(1000), (long?)At(1500), "E1"), (At(2000), At(2300), "")],
            (await StopsAsync()).Select(s => (s.StartUs, s.EndUs, s.Reason)));

        await ledger.GiveReasonAsync(At(2000), null, "change", "new roll", "mia", At(4001), CancellationToken.None);
        var split = await ledger.GiveReasonAsync(At(1000), At(1200), "jam", null, "tom", At(4002), CancellationToken.None);
        Assert.Equal([("E1", ReasonSource.Fault), ("jam", ReasonSource.Person)], split!.Segments.Select(s => (s.Reason!, s.Source)));
        await Assert.ThrowsAsync<ArgumentException>(
            () => ledger.GiveReasonAsync(At(1000), At(1600), "jam", null, "tom", At(4002), CancellationToken.None));
        Assert.Null(await ledger.GiveReasonAsync(At(1700), null, "jam", null, "tom", At(4002), CancellationToken.None));

        Assert.Equal(["jam", "change"], (await StopsAsync()).Select(s => s.Reason));
        var losses = (await ledger.ExplainAsync(At(0), At(3600), At(4003), CancellationToken.None)).Losses;
        Assert.Equal(
            [("Changeover", 300L, 1L), ("Jammed", 300, 1), ("E1", 200, 1)],
            losses.Items.Where(i => i.Kind == LossItemKind.Stop).Select(i => (i.Name, i.LostUs / UnixMicros.PerSecond, i.Count)));
        Assert.Equal(
            (500L, 300L, 0L),
            (losses.Tree.BreakdownsUs / UnixMicros.PerSecond, losses.Tree.SetupUs / UnixMicros.PerSecond, losses.Tree.OtherStopsUs));
        Assert.Equal(
            ["stop.reason", "stop.reason"],
            (await _store.Access.SearchAuditAsync(new AuditQuery(10), CancellationToken.None)).Select(a => a.Entry.Action));

        // After a restart, and after late data moved the start of the stop, the reason is still there.
        var restarted = await OpenAsync(4010);
        await FeedAsync(restarted, [State(1990, false)]);
        await restarted.FlushAsync(At(4011), CancellationToken.None);
        Assert.Equal([(At(1000), "jam"), (At(1990), "change")], (await StopsAsync()).Select(s => (s.StartUs, s.Reason)));
    }

    [Fact]
    public async Task A_fault_that_began_long_before_a_rebuild_is_not_told_of_twice()
    {
        var ledger = await OpenAsync(0);
        await FeedAsync(ledger, [State(1, true), Fault(100, "E1"), .. Run(200, 60 * 3600)]);
        await ledger.FlushAsync(At(300), CancellationToken.None);

        var rebuilt = await OpenAsync(60 * 3600);
        await FeedAsync(rebuilt, [Fault(60 * 3600, "")]);
        await rebuilt.FlushAsync(At((60 * 3600) + 1), CancellationToken.None);
        var fault = Assert.Single(await _store.ReadFaultsAsync(["m1"], Start, At(1_000_000), 100, null, CancellationToken.None));
        Assert.Equal((At(100), (long?)At(60 * 3600)), (fault.StartUs, fault.EndUs));
    }

    [Fact]
    public async Task A_sample_of_1970_is_stored_but_rewrites_nothing()
    {
        var ledger = await OpenAsync(0);
        await FeedAsync(ledger, Run(0, 100));
        ledger.Apply(
            new MachineBatch
            {
                Samples = [new MachineSample(SignalKind.StateRun, 1_000_000, 1, null, Quality.Good)],
                IngestUs = At(101),
                LastSeenUs = At(100),
                Connected = true,
            });
        Assert.Null(ledger.DirtyFromUs);
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

    private PlantWindow Shift => Windows.Shift(Start + 1)!.Value;

    /// <summary>The plant model says this from now on, or from when it says itself.</summary>
    private void Plan(Machine machine, ShiftPlan shifts, double second)
    {
        machine = machine with { Calendar = shifts.Id, LineId = "l1" };
        var plant = new PlantModel
        {
            Site = new Site("s", "s", "UTC"), Calendars =
            [
                shifts,
            ], Areas = [new Area { Id = "a", Lines = [new Line { Id = "l1", Machines = [machine] }] }],
            Reasons = [new StopReason("jam", "Jammed", LossKind.Breakdown), new StopReason("change", "Changeover", LossKind.Setup)],
        };
        _versions = [.. ModelHistory.Update(_versions, plant, At(second))];
        _model = new PlantDirectory(plant, _versions).ModelOf(machine);
    }

    private static long At(double second) => Start + (long)(second * UnixMicros.PerSecond);

    private static MachineSample State(double second, bool run) => new(SignalKind.StateRun, At(second), run ? 1 : 0, null, Quality.Good);

    private static MachineSample Good(double second, long count) => new(SignalKind.CounterGood, At(second), count, null, Quality.Good);

    private static MachineSample Product(double second, string code) =>
        new(SignalKind.ProductCode, At(second), double.NaN, code, Quality.Good);

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

    private Task<MachineLedger> OpenAsync(double second) =>
        MachineLedger.OpenAsync(_model, _store, _sink, At(second), CancellationToken.None);

    private async Task FeedAsync(MachineLedger ledger, List<MachineSample> samples)
    {
        await StoreAsync(samples, samples.Max(s => s.TimeUs));
        ledger.Apply(
            new MachineBatch
            {
                Samples = [.. samples], IngestUs = samples.Max(s => s.TimeUs), LastSeenUs = samples.Max(s => s.TimeUs), Connected = true,
            });
    }

    private async Task StoreAsync(List<MachineSample> samples, long ingestUs)
    {
        _all.AddRange(samples);
        await WriteAsync(samples, ingestUs);
    }

    private async Task WriteAsync(IEnumerable<MachineSample> samples, long ingestUs)
    {
        var rows = samples
            .Select(
                s => new SampleRow(
                    _ids[s.Kind switch { SignalKind.StateRun => 0, SignalKind.CounterGood => 1, SignalKind.FaultCode => 2, _ => 3 }],
                    s.TimeUs, s.Value, s.Text, s.Quality, ingestUs))
            .ToArray();
        await _sink.CommitAsync(new TelemetryUnit { Rows = rows }, CancellationToken.None);
    }

    private void AssertExact(MachineLedger ledger, double second)
    {
        var view = ledger.Account.At(At(second));
        var windows = new[] { Windows.Shift(view.AsOfUs)!.Value, PlantWindows.Hour(view.AsOfUs), Windows.Day(view.AsOfUs) };
        var expected = KpiBatch.Evaluate(
            "m1", _model.Parameters, Windows.Calendar, _all, [.. windows.Select(w => new WindowSpan(w.FromUs, w.ToUs))], view.AsOfUs);
        for (var i = 0; i < windows.Length; i++) Assert.Equal(expected.Windows[i].Sums, view.Sums(windows[i]));
    }

    private Task<AuditReport> AuditAsync(double second) =>
        StoreAudit.RunAsync(_store, _model, Start, At(second), At(second), CancellationToken.None);

    private Task<List<OeeWindow>> ShiftsAsync() => _store.ReadWindowsAsync(["m1"], "shift", Start, At(100_000), CancellationToken.None);

    private Task<List<OeeWindow>> JobsAsync() => _store.ReadWindowsAsync(["m1"], "job", Start, At(1_000_000), CancellationToken.None);

    private Task<List<StopEvent>> StopsAsync() => _store.ReadStopsAsync("m1", Start, At(100_000), CancellationToken.None);

    private async Task<OeeWindow> HourAsync(int hour) =>
        Assert.Single(await _store.ReadWindowsAsync(["m1"], "hour", At(hour * 3600), At((hour * 3600) + 1), CancellationToken.None));

    private Task<List<FaultEvent>> FaultsAsync() => _store.ReadFaultsAsync(["m1"], Start, At(100_000), 100, null, CancellationToken.None);
}
