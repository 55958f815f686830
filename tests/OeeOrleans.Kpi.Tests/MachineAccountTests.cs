using CsCheck;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Kpi.Tests;

public sealed class MachineAccountTests
{
    private static readonly long Start = UnixMicros.From(new DateTimeOffset(2026, 1, 5, 5, 0, 0, TimeSpan.Zero));

    private static readonly ShiftPlan TwoShifts = new()
    {
        Id = "two",
        Shifts =
        [
            new Shift(
                "early", new TimeOnly(6, 0), new TimeOnly(14, 0), Enum.GetValues<DayOfWeek>(),
                [new Break(new TimeOnly(7, 0), new TimeOnly(7, 15))]),
            new Shift("late", new TimeOnly(14, 0), new TimeOnly(20, 30), Enum.GetValues<DayOfWeek>(), []),
        ],
    };

    private static readonly PlantWindows Windows = new(new ShiftCalendar(TwoShifts, "UTC"));

    private static readonly OeeParameters Parameters = new()
    {
        IdealCycleS = 1.5m,
        MicroStopS = 60,
        CounterModulus = 65536,
        Products = new Dictionary<string, decimal?> { ["A"] = 0.7m, ["B"] = 2m },
        PlannedStopModes = new HashSet<string> { "maintenance" },
    };

    private static readonly Gen<MachineSample> GenSample =
        from second in Gen.Int[1, 6 * 3600]
        from kind in Gen.Int[0, 9]
        from value in Gen.Int[0, 60000]
        from bad in Gen.Int[0, 19]
        select Sample(kind, Start + (second * UnixMicros.PerSecond), value, bad == 0 ? Quality.Bad : Quality.Good);

    private static MachineSample Sample(int kind, long time, int value, short quality) => kind switch
    {
        0 or 1 or 2 => new(SignalKind.StateRun, time, value % 2, null, quality),
        3 => new(SignalKind.FaultCode, time, value % 3, null, quality),
        4 => new(SignalKind.ProductCode, time, double.NaN, (value % 3) switch { 0 => "A", 1 => "B", _ => "C" }, quality),
        5 => new(SignalKind.StateMode, time, double.NaN, value % 4 == 0 ? "maintenance" : "production", quality),
        6 => new(SignalKind.CounterReject, time, value / 100, null, quality),
        _ => new(SignalKind.CounterGood, time, value, null, quality),
    };

    [Fact]
    public void Incremental_equals_batch_for_every_window_whatever_the_order_of_arrival_within_the_tail() =>
        (from samples in GenSample.Array[0, 200]
         from shuffle in Gen.Int[0, 40]
         select (samples, shuffle)).Sample(
            input =>
            {
                // Distinct per (signal, time): which of two contradicting samples arrived last is tested elsewhere.
                var ordered = input.samples.DistinctBy(s => (s.Kind, s.TimeUs)).OrderBy(s => s.TimeUs).ThenBy(s => s.Kind).ToList();
                var account = new MachineAccount("m", Parameters, Windows, Start);
                var late = new List<MachineSample>();
                foreach (var sample in NearlyOrdered(ordered, input.shuffle))
                {
                    if (account.Apply(sample) == ApplyOutcome.Late) late.Add(sample);
                }

                var counted = ordered.Except(late).ToList();
                var asOf = counted.Count > 0 ? counted.Max(s => s.TimeUs) + (90 * UnixMicros.PerSecond) : Start + UnixMicros.PerMinute;
                AssertSame(account, counted, asOf);
            },
            iter: 300);

    [Fact]
    public void Incremental_equals_batch_across_checkpoints_of_a_long_run()
    {
        var samples = LongRun(hours: 9).ToList();
        var account = new MachineAccount("m", Parameters, Windows, Start);
        foreach (var sample in samples) Assert.Equal(ApplyOutcome.Applied, account.Apply(sample));

        Assert.True(account.TailCount < 5000, $"the tail holds {account.TailCount} samples");
        AssertSame(account, samples, samples[^1].TimeUs + UnixMicros.PerSecond);
    }

    [Fact]
    public void A_sample_that_is_retracted_never_was()
    {
        var account = new MachineAccount("m", Parameters, Windows, Start);
        var samples = LongRun(hours: 1).TakeLast(300).ToList();
        foreach (var sample in samples) account.Apply(sample);
        var wrong = new MachineSample(SignalKind.StateRun, samples[150].TimeUs + 7, double.NaN, null, Quality.Bad);
        account.Apply(wrong);
        Assert.Equal(ApplyOutcome.Applied, account.Apply(wrong with { Quality = Quality.Retracted }));
        Assert.Equal(ApplyOutcome.NoEffect, account.Apply(wrong with { Quality = Quality.Retracted }));
        AssertSame(account, samples, samples[^1].TimeUs + 1);
    }

    [Fact]
    public void Doubled_samples_have_no_effect()
    {
        var account = new MachineAccount("m", Parameters, Windows, Start);
        var samples = LongRun(hours: 1).TakeLast(300).ToList();
        foreach (var sample in samples) account.Apply(sample);
        foreach (var sample in samples) Assert.Equal(ApplyOutcome.NoEffect, account.Apply(sample));
    }

    [Fact]
    public void A_snapshot_goes_on_where_it_was_taken()
    {
        var samples = LongRun(hours: 4).ToList();
        var account = new MachineAccount("m", Parameters, Windows, Start);
        foreach (var sample in samples) account.Apply(sample);
        var json = System.Text.Json.JsonSerializer.Serialize(account.Checkpoint);

        var restored = new MachineAccount(
            "m", Parameters, Windows, System.Text.Json.JsonSerializer.Deserialize<Accounting.FoldState>(json)!, account.CheckpointFaults,
            account.Changes);
        foreach (var sample in samples.Where(s => s.TimeUs > restored.CheckpointUs)) restored.Apply(sample);

        AssertSame(restored, samples, samples[^1].TimeUs + 1);
    }

    [Fact]
    public void The_rolling_window_equals_batch()
    {
        var samples = LongRun(hours: 2).ToList();
        var account = new MachineAccount("m", Parameters, Windows, Start);
        foreach (var sample in samples) account.Apply(sample);
        var asOf = samples[^1].TimeUs + 1234;

        var rolling = account.Span(asOf - PlantWindows.RollingUs, asOf);

        var expected = KpiBatch.Evaluate(
            "m", Parameters, Windows.Calendar, samples, [new WindowSpan(asOf - PlantWindows.RollingUs, asOf)], asOf).Windows[0];
        Assert.Equal(expected.Sums, rolling!.Value.Sums);
    }

    [Fact]
    public void Incremental_equals_batch_at_every_prefix() =>
        GenSample.Array[1, 60].Sample(
            input =>
            {
                // As they arrive: every prefix is a state in which somebody may ask.
                var account = new MachineAccount("m", Parameters, Windows, Start);
                var arrived = new List<MachineSample>();
                foreach (var sample in input.DistinctBy(s => (s.Kind, s.TimeUs)))
                {
                    if (account.Apply(sample) == ApplyOutcome.Late) continue;
                    arrived.Add(sample);
                    AssertSame(account, arrived, arrived.Max(s => s.TimeUs) + (7 * UnixMicros.PerSecond));
                }
            },
            iter: 60);

    [Fact]
    public void Released_windows_are_forgotten_and_the_open_ones_stay_exact()
    {
        var samples = LongRun(hours: 15).ToList();
        var account = new MachineAccount("m", Parameters, Windows, Start);
        foreach (var sample in samples)
        {
            account.Apply(sample);
            if (sample.TimeUs % (10 * UnixMicros.PerSecond) == 0) account.Release(sample.TimeUs - (5 * UnixMicros.PerSecond));
        }

        var asOf = samples[^1].TimeUs + UnixMicros.PerSecond;
        var open = Windows.Overlapping(account.SettledUs, asOf).Where(w => w.ToUs > account.SettledUs && w.FromUs >= Start).ToList();
        Assert.Contains(open, w => w.Kind == PlantWindows.ShiftKind);
        AssertSame(account, samples, asOf, open, faults: false);
        Assert.InRange(account.Checkpoint.Cells.Count, 1, 8);
        Assert.InRange(account.Latest.Cells.Count, 1, 8);
    }

    [Fact]
    public void A_timeline_is_bounded_and_keeps_what_an_eye_would_see()
    {
        var account = new MachineAccount("m", Parameters, Windows, Start);
        for (var second = 1; second < 20_000; second++)
        {
            // A state that flickers every second, and one long stop.
            var run = second is < 5000 or > 6000 && second % 2 == 0;
            account.Apply(new MachineSample(SignalKind.StateRun, Start + (second * UnixMicros.PerSecond), run ? 1 : 0, null, Quality.Good));
        }

        var changes = account.Changes;
        Assert.True(changes.Count <= 2048, $"{changes.Count} changes");
        var (longest, stop) = (changes.Zip(changes.Skip(1)).MaxBy(p => p.Second.TimeUs - p.First.TimeUs), HeldState.Stop);
        Assert.Equal(stop, longest.First.State);
        Assert.True(longest.Second.TimeUs - longest.First.TimeUs >= 990 * UnixMicros.PerSecond);
    }

    [Fact]
    public void A_timeline_is_the_same_when_samples_come_out_of_order()
    {
        var samples = Enumerable.Range(1, 3600).Where(second => second % 20 == 0)
            .Select(
                second =>
                    new MachineSample(SignalKind.StateRun, Start + (second * UnixMicros.PerSecond), second / 20 % 2, null, Quality.Good))
                .ToArray();
        var (inOrder, swapped) = (new MachineAccount("m", Parameters, Windows, Start), new MachineAccount("m", Parameters, Windows, Start));
        foreach (var sample in samples) inOrder.Apply(sample);
        foreach (var pair in samples.Chunk(2))
        {
            foreach (var sample in pair.Reverse()) swapped.Apply(sample);
        }

        // Nobody asked meanwhile, and yet most of it is behind the checkpoint by now.
        Assert.True(swapped.CheckpointUs > samples[60].TimeUs);
        Assert.Equal(inOrder.Changes, swapped.Changes);
    }

    [Fact]
    public void In_the_steady_state_a_sample_allocates_nothing()
    {
        var account = new MachineAccount("m", Parameters, Windows, Start);
        var samples = LongRun(hours: 3).Where(s => s.Kind == SignalKind.CounterGood || s.Kind == SignalKind.StateRun).ToArray();
        var half = samples.Length / 2;
        for (var i = 0; i < half; i++) account.Apply(samples[i]);
        // Less than a checkpoint and an hour apart: nothing but samples.
        var from = Array.FindIndex(samples, half, s => s.TimeUs % UnixMicros.PerHour > 5 * UnixMicros.PerMinute);
        for (var i = half; i < from; i++) account.Apply(samples[i]);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = from; i < from + 200; i++) account.Apply(samples[i]);
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static void AssertSame(MachineAccount account, IReadOnlyList<MachineSample> samples, long asOf) =>
        AssertSame(account, samples, asOf, [.. Windows.Overlapping(Start, asOf).Where(w => w.FromUs >= Start)], faults: true);

    private static void AssertSame(
        MachineAccount account, IReadOnlyList<MachineSample> samples, long asOf, List<PlantWindow> windows, bool faults)
    {
        var batch = KpiBatch.Evaluate(
            "m", Parameters, Windows.Calendar, samples, [.. windows.Select(w => new WindowSpan(w.FromUs, w.ToUs))], asOf);
        var view = account.At(asOf);
        for (var i = 0; i < windows.Count; i++) Assert.Equal(batch.Windows[i].Sums, view.Sums(windows[i]));
        if (!faults) return;
        Assert.Equal(batch.Events, account.Faults);
        Assert.Equal(batch.Stops, view.Stops);
        Assert.Equal(batch.Jobs.Select(j => PlantWindow.Of(j)), view.Jobs);
    }

    /// <summary>Every sample comes at most a few places from where it belongs.</summary>
    private static IEnumerable<MachineSample> NearlyOrdered(List<MachineSample> ordered, int distance)
    {
        if (distance == 0) return ordered;
        return ordered.Select((sample, i) => (sample, key: i + (i * 7919 % distance))).OrderBy(p => p.key).Select(p => p.sample);
    }

    private static IEnumerable<MachineSample> LongRun(int hours)
    {
        long good = 65000;
        for (var second = 1; second < hours * 3600; second++)
        {
            var time = Start + (second * UnixMicros.PerSecond);
            if (second % 40 == 0) yield return new(SignalKind.StateRun, time, second % 400 == 0 ? 0 : 1, null, Quality.Good);
            if (second % 2000 == 0) yield return new(SignalKind.FaultCode, time, second / 2000 % 3, null, Quality.Good);
            if (second % 7000 == 0) yield return new(SignalKind.StateRun, time + 1, double.NaN, null, Quality.Bad);
            if (second % 2 == 0) yield return new(SignalKind.CounterGood, time + 2, good = (good + 3) % 65536, null, Quality.Good);
        }
    }
}
