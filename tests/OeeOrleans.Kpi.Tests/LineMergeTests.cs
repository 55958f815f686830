using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Kpi.Tests;

public sealed class LineMergeTests
{
    private static readonly Machine First = new() { Id = "a", Oee = new OeeParameters { IdealCycleS = 1 } };
    private static readonly Machine Last = new() { Id = "b", Oee = new OeeParameters { IdealCycleS = 2 } };

    [Fact]
    public void Weighted_adds_sums_and_never_averages_ratios()
    {
        var merged = LineMerge.Merge(Line(LinePolicy.Weighted), [Window("a", 100, 0, 90, 100, 1), Window("b", 100, 300, 40, 50, 2)])!;
        Assert.Equal(200 / 500d, merged.Kpis.Availability);
        Assert.Equal(200 / 200d, merged.Kpis.Performance);
        Assert.Equal(130 / 150d, merged.Kpis.Quality);
    }

    [Fact]
    public void Bottleneck_is_the_named_machine() =>
        Assert.Equal(
            Window("b", 100, 300, 40, 50, 2).Sums,
            LineMerge.Merge(Line(LinePolicy.Bottleneck), [Window("a", 100, 0, 90, 100, 1), Window("b", 100, 300, 40, 50, 2)])!.Sums);

    [Fact]
    public void In_out_counts_at_both_ends_and_takes_time_from_the_bottleneck()
    {
        var merged = LineMerge.Merge(Line(LinePolicy.InOut), [Window("a", 100, 0, 90, 100, 1), Window("b", 200, 50, 70, 75, 2)])!;
        Assert.Equal((100L, 70L, 30L), (merged.Sums.Total, merged.Sums.Good, merged.Sums.Reject));
        Assert.Equal(200 / 250d, merged.Kpis.Availability);
        Assert.Equal(100 / 200d, merged.Kpis.Performance);
    }

    [Fact]
    public void Without_its_bottleneck_a_line_has_no_figures() =>
        Assert.Null(LineMerge.Merge(Line(LinePolicy.Bottleneck), [Window("a", 1, 0, 1, 1, 1)]));

    private static Line Line(LinePolicy policy) => new() { Id = "l", Policy = policy, BottleneckMachine = "b", Machines = [First, Last] };

    private static OeeWindow Window(string id, long runS, long stopS, long good, long total, decimal idealS)
    {
        var sums = new OeeSums
        {
            RunUs = runS * UnixMicros.PerSecond,
            StopUs = stopS * UnixMicros.PerSecond,
            Good = good,
            Total = total,
            Reject = total - good,
            IdealTotalS = total * idealS,
            IdealGoodS = good * idealS,
        };
        return new OeeWindow
        {
            Id = id, Kind = "shift", FromUs = 0, ToUs = 1, AsOfUs = 1, Sums = sums, Kpis = Ratios.Of(sums, First.Oee, true),
        };
    }
}
