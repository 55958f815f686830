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
            new Shift("early", new TimeOnly(6, 0), new TimeOnly(14, 0), Enum.GetValues<DayOfWeek>(), [new Break(new TimeOnly(7, 0), new TimeOnly(7, 15))]),
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

        var restored = new MachineAccount("m", Parameters, Windows, System.Text.Json.JsonSerializer.Deserialize<Accounting.FoldState>(json)!, account.CheckpointFaults);
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

        var expected = KpiBatch.Evaluate("m", Parameters, Windows.Calendar, samples, [new WindowSpan(asOf - PlantWindows.RollingUs, asOf)], asOf).Windows[0];
        Assert.Equal(expected.Sums, rolling!.Value.Sums);
    }

    private static void AssertSame(MachineAccount account, IReadOnlyList<MachineSample> samples, long asOf)
    {
        var windows = Windows.Overlapping(Start, asOf).Where(w => w.FromUs >= Start).ToList();
        var baseline = samples.ToList();
        var batch = KpiBatch.Evaluate("m", Parameters, Windows.Calendar, baseline, [.. windows.Select(w => new WindowSpan(w.FromUs, w.ToUs))], asOf);
        var view = account.At(asOf);
        for (var i = 0; i < windows.Count; i++) Assert.Equal(batch.Windows[i].Sums, view.Sums(windows[i]));
        Assert.Equal(batch.Events, account.Faults);
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
