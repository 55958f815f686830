using System.Text.Json;
using OeeOrleans.Kpi.Accounting;
using OeeOrleans.Kpi.Replay;
using OeeOrleans.Model;

namespace OeeOrleans.Kpi.Tests;

public sealed class ExplainTests
{
    private static readonly JsonElement Vectors = JsonDocument.Parse(
        File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "vectors", "scenarios.json"))).RootElement;

    public static TheoryData<string> Names()
    {
        var data = new TheoryData<string>();
        foreach (var scenario in Vectors.EnumerateArray()) data.Add(scenario.GetProperty("name").GetString()!);
        return data;
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void The_parts_of_every_scenarios_windows_add_up_exactly(string name)
    {
        var scenario = Scenario.Parse(Vectors.EnumerateArray().First(s => s.GetProperty("name").GetString() == name));
        foreach (var window in scenario.Windows)
        {
            var e = KpiExplainer.Explain(
                scenario.Machine, scenario.Parameters, scenario.Calendar, scenario.Samples, window, scenario.AsOfUs);
            var sums = e.Window.Sums;

            var l = e.Losses.Tree;
            Assert.Equal(
                l.PlannedUs,
                l.BreakdownsUs + l.SetupUs + l.OtherStopsUs + l.UnknownUs + l.SmallStopsUs + l.ReducedSpeedUs + l.RejectsUs + l.GoodUs);

            long Length(params StateCategory[] categories) =>
                e.Intervals.Where(i => categories.Contains(i.Category)).Sum(i => i.ToUs - i.FromUs);
            Assert.Equal(sums.RunUs, Length(StateCategory.Run, StateCategory.SmallStop));
            Assert.Equal(sums.SmallStopUs, Length(StateCategory.SmallStop));
            Assert.Equal(sums.StopUs, Length(StateCategory.Stop));
            Assert.Equal(sums.UnknownUs, Length(StateCategory.Unknown));
            Assert.Equal(sums.PlannedStopUs, Length(StateCategory.PlannedStop));
            Assert.Equal(sums.NotScheduledUs, Length(StateCategory.NotScheduled));
            foreach (var (first, second) in e.Intervals.Zip(e.Intervals.Skip(1))) Assert.Equal(first.ToUs, second.FromUs);

            Assert.Equal(sums.Total - sums.GapTotal, e.Ideals.Sum(i => i.Total));
            Assert.Equal(sums.Good - sums.GapGood, e.Ideals.Sum(i => i.Good));
            Assert.Equal(sums.IdealTotalS, e.Ideals.Sum(i => (i.IdealS ?? 0) * i.Total));
            Assert.Equal(sums.IdealGoodS, e.Ideals.Sum(i => (i.IdealS ?? 0) * i.Good));
            Assert.Equal(sums.CounterJumps, e.Deltas.Count(d => d.Step == CounterStep.Jump));
        }
    }

    [Fact]
    public void A_stop_names_the_fault_that_was_active_in_it()
    {
        var e = Explain("open failure has started but not ended");
        Assert.Equal("9", e.Intervals.Single(i => i.Category == StateCategory.Stop).Reason);
    }

    [Fact]
    public void The_arithmetic_can_be_followed_by_hand()
    {
        var e = Explain("fractional ideal cycle");
        Assert.Equal(
            [
                "A   = run 1:00:00 / planned 1:00:00 = 1.0000",
                "P   = ideal 0:49:48.49 / run 1:00:00 = 0.8301",
                "      8077 × 0.37 s",
                "Q   = good 8000 / made 8077 = 0.9905",
                "OEE = A × P × Q = 0.8222",
                "100.0 % of the time known",
            ],
            e.Arithmetic);
    }

    private static Explanation Explain(string name)
    {
        var scenario = Scenario.Parse(Vectors.EnumerateArray().First(s => s.GetProperty("name").GetString() == name));
        return KpiExplainer.Explain(
            scenario.Machine, scenario.Parameters, scenario.Calendar, scenario.Samples, scenario.Windows[0], scenario.AsOfUs);
    }
}
