using CsCheck;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Kpi.Tests;

/// <summary>What holds for any samples: categories partition time, sums add up, the order of arrival does not matter.</summary>
public sealed class AlgebraTests
{
    private static readonly long Start = UnixMicros.From(new DateTimeOffset(2026, 3, 28, 20, 0, 0, TimeSpan.Zero));

    private const int Hours = 12;

    /// <summary>The night of a change of clocks, with breaks that stops may span.</summary>
    private static readonly ShiftCalendar Calendar = new(
        new ShiftPlan
        {
            Id = "n",
            Shifts =
            [
                new Shift(
                    "night", new TimeOnly(22, 0), new TimeOnly(6, 0), Enum.GetValues<DayOfWeek>(),
                    [new Break(new TimeOnly(1, 30), new TimeOnly(3, 15))]),
            ],
        },
        "Europe/Berlin");

    private static readonly Gen<OeeParameters> GenParameters =
        from micro in Gen.Int[0, 400]
        from failure in Gen.Int[0, 600]
        from modulus in Gen.Bool
        from maxDelta in Gen.Bool
        from unknownIsStop in Gen.Bool
        from ideal in Gen.Int[0, 3]
        select new OeeParameters
        {
            MicroStopS = micro, FailureMinS = failure, CounterModulus = modulus
                ? 1000
                : null, CounterMaxDelta = maxDelta ? 300 : null, UnknownIsStop = unknownIsStop,
            IdealCycleS = ideal == 0
                ? null
                : ideal * 0.37m, Products = new Dictionary<string, decimal?>
                {
                    ["A"] = 1.1m, ["B"] = null,
                }, PlannedStopModes = new HashSet<string> { "2" },
        };

    private static readonly Gen<MachineSample> GenSample =
        from second in Gen.Int[0, Hours * 3600]
        from fraction in Gen.Int[0, 3]
        from kind in Gen.Int[0, 11]
        from value in Gen.Int[0, 999]
        from quality in Gen.Int[0, 9]
        select Sample(
            kind, Start + (second * UnixMicros.PerSecond) + (fraction * 333_333L), value, quality == 0 ? Quality.Bad : Quality.Good);

    private static readonly Gen<List<MachineSample>> GenSamples = GenSample.Array[0, 120].Select(
        s => s.DistinctBy(x => (x.Kind, x.TimeUs)).ToList());

    [Fact]
    public void Categories_partition_every_window() => Gen.Select(GenParameters, GenSamples, GenWindow()).Sample(
        (parameters, samples, window) =>
        {
            var result = KpiBatch.Evaluate(
                "m", parameters, Calendar, samples, [window], Start + (Hours * UnixMicros.PerHour), intervals: true);
            var sums = result.Windows[0].Sums;
            Assert.Equal(result.Windows[0].ToUs - window.FromUs, sums.LengthUs);
            Assert.True(
                sums is { NotScheduledUs: >= 0, PlannedStopUs: >= 0, UnknownUs: >= 0, RunUs: >= 0, StopUs: >= 0 }
                    && sums.SmallStopUs <= sums.RunUs
                    && sums.FaultStopUs <= sums.StopUs);
            var at = window.FromUs;
            foreach (var interval in result.Intervals)
            {
                Assert.Equal(at, interval.FromUs);
                at = interval.ToUs;
            }

            if (result.Intervals.Count > 0) Assert.Equal(result.Windows[0].ToUs, at);
        },
        iter: 500);

    [Fact]
    public void The_sums_of_any_split_are_the_sums_of_the_whole() =>
        Gen.Select(GenParameters, GenSamples, Gen.Int[1, Hours * 3600].Array[0, 6]).Sample(
        (parameters, samples, cuts) =>
        {
            var (from, to) = (Start, Start + (Hours * UnixMicros.PerHour));
            long[] edges =
            [
                from, .. cuts.Select(c => from + (c * UnixMicros.PerSecond) - 1).Where(c => c > from && c < to).Distinct().Order(), to,
            ];
            var windows = edges.Zip(edges.Skip(1), (a, b) => new WindowSpan(a, b)).Append(new WindowSpan(from, to)).ToList();
            var result = KpiBatch.Evaluate("m", parameters, Calendar, samples, windows, to).Windows;
            Assert.Equal(result[^1].Sums, result.SkipLast(1).Aggregate(default(OeeSums), (sum, w) => sum + w.Sums));
        },
        iter: 500);

    [Fact]
    public void Any_permutation_and_duplication_of_arrivals_gives_the_same_result() =>
        Gen.Select(GenParameters, GenSamples, Gen.Int[0, int.MaxValue]).Sample(
        (parameters, samples, seed) =>
        {
            var windows = new[]
            {
                new WindowSpan(Start, Start + (Hours * UnixMicros.PerHour)),
                new WindowSpan(Start + UnixMicros.PerHour, Start + (2 * UnixMicros.PerHour)),
            };
            var random = new Random(seed);
            var shuffled = samples.Concat(samples.Where(_ => random.Next(3) == 0)).OrderBy(_ => random.Next()).ToList();
            var expected = KpiBatch.Evaluate("m", parameters, Calendar, samples, windows, windows[0].ToUs);
            var actual = KpiBatch.Evaluate("m", parameters, Calendar, shuffled, windows, windows[0].ToUs);
            Assert.Equal(expected.Windows.Select(w => w.Sums), actual.Windows.Select(w => w.Sums));
            Assert.Equal(expected.Events, actual.Events);
            Assert.Equal(expected.Stops, actual.Stops);
            Assert.Equal(expected.Jobs, actual.Jobs);
        },
        iter: 500);

    [Fact]
    public void Jobs_and_stops_lie_in_order_and_the_explanation_adds_up() => Gen.Select(GenParameters, GenSamples, GenWindow()).Sample(
        (parameters, samples, window) =>
        {
            var e = KpiExplainer.Explain("m", parameters, Calendar, samples, window, Start + (Hours * UnixMicros.PerHour));
            var t = e.Losses.Tree;
            Assert.Equal(
                t.PlannedUs,
                t.BreakdownsUs + t.SetupUs + t.OtherStopsUs + t.UnknownUs + t.SmallStopsUs + t.ReducedSpeedUs + t.RejectsUs + t.GoodUs);
            Assert.Equal(e.Window.Sums.StopUs, e.Losses.Items.Where(i => i.Kind == LossItemKind.Stop).Sum(i => i.LostUs));
            Assert.Equal(e.Window.Sums.FaultStopUs, t.BreakdownsUs);
            foreach (var (a, b) in e.Losses.Stops.Zip(e.Losses.Stops.Skip(1))) Assert.True(a.EndUs <= b.StartUs);
        },
        iter: 300);

    [Fact]
    public void Parameters_that_change_at_an_instant_are_those_of_each_side() =>
        Gen.Select(GenParameters, GenParameters, GenSamples, Gen.Int[1, Hours - 1]).Sample(
        (before, after, samples, hour) =>
        {
            // Without what reaches across the change (stops, counters), each side is what it would be by itself.
            (before, after) = (before with { MicroStopS = 0, FailureMinS = 0 }, after with { MicroStopS = 0, FailureMinS = 0 });
            var (from, at, to) = (Start, Start + (hour * UnixMicros.PerHour), Start + (Hours * UnixMicros.PerHour));
            WindowSpan[] windows = [new(from, at), new(at, to)];
            var both = KpiBatch.Evaluate(
                "m", new ParameterTimeline([(long.MinValue, before), (at, after)]), Calendar, samples, windows, to).Windows;
            var old = KpiBatch.Evaluate("m", before, Calendar, samples, windows, to).Windows;
            var now = KpiBatch.Evaluate("m", after, Calendar, samples, windows, to).Windows;
            Assert.Equal(old[0].Sums, both[0].Sums with { FailuresEnded = old[0].Sums.FailuresEnded, RepairUs = old[0].Sums.RepairUs });
            Assert.Equal(
                (now[1].Sums.RunUs, now[1].Sums.StopUs, now[1].Sums.PlannedStopUs),
                (both[1].Sums.RunUs, both[1].Sums.StopUs, both[1].Sums.PlannedStopUs));
        },
        iter: 300);

    private static Gen<WindowSpan> GenWindow() =>
        from a in Gen.Int[0, (Hours * 3600) - 1]
        from length in Gen.Int[1, Hours * 3600]
        select new WindowSpan(Start + (a * UnixMicros.PerSecond), Start + ((a + length) * UnixMicros.PerSecond));

    private static MachineSample Sample(int kind, long time, int value, short quality) => kind switch
    {
        0 or 1 or 2 => new(SignalKind.StateRun, time, value % 2, null, quality),
        3 => new(SignalKind.StateCode, time, value % 8, null, quality),
        4 => new(SignalKind.FaultCode, time, value % 3, null, quality),
        5 => new(SignalKind.FaultActive, time, value % 2, null, quality),
        6 => new(SignalKind.ProductCode, time, double.NaN, (value % 3) switch { 0 => "A", 1 => "B", _ => "" }, quality),
        7 => new(SignalKind.OrderId, time, value % 4, null, quality),
        8 => new(SignalKind.StateMode, time, value % 3, null, quality),
        9 => new(SignalKind.CycleIdeal, time, value / 100.0, null, quality),
        10 => new(SignalKind.CounterReject, time, value / 10, null, quality),
        _ => new(SignalKind.CounterGood, time, value, null, quality),
    };
}
