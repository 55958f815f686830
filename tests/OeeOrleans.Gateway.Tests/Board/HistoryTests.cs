using CsCheck;
using OeeOrleans.Gateway.Board.History;
using OeeOrleans.Kpi;
using OeeOrleans.Storage;

namespace OeeOrleans.Gateway.Tests.Board;

/// <summary>The arithmetic of the board's pages of the past.</summary>
public sealed class HistoryTests
{
    private static readonly Gen<LossTree> Trees = Gen.Long[0, 1_000_000].Array[7].Select(l => new LossTree(
        l.Sum() + 1_000_000, l[0], l[1], l[2], l[3], l[4], l[5], l[6], 1_000_000));

    [Fact]
    public void What_changed_adds_up_to_what_good_time_lost_or_won_whatever_the_spans_are() =>
        Gen.Select(Trees, Trees, Gen.Int[1, 50]).Sample((before, now, length) =>
        {
            // The span before is longer: its losses count as shares.
            var longer = Enumerable.Repeat(before, length).Aggregate((a, b) => a + b);
            var changes = LossChange.Between(longer, now);
            var good = now.GoodUs - (longer.GoodUs * ((double)now.PlannedUs / longer.PlannedUs));
            // Each is rounded to a microsecond.
            Assert.InRange(changes.Sum(c => c.Us) + good, -8, 8);
        });

    [Fact]
    public void Spans_that_are_the_same_have_no_changes_and_one_without_planned_time_none_either()
    {
        var tree = new LossTree(100, 10, 0, 0, 0, 0, 0, 0, 90);
        Assert.Empty(LossChange.Between(tree, tree));
        Assert.Empty(LossChange.Between(tree, new LossTree(0, 0, 0, 0, 0, 0, 0, 0, 0)));
        var change = Assert.Single(LossChange.Between(tree, tree with { BreakdownsUs = 30, GoodUs = 70 }));
        Assert.Equal(("Breakdowns", 20L), (change.Name, change.Us));
    }

    [Fact]
    public void Cycle_times_fall_into_bins_that_outliers_do_not_stretch()
    {
        var cycles = CycleTimes.Of(Of([.. Enumerable.Range(0, 1_000).Select(i => 0.4 + (i % 100 * 0.001)), 500, double.NaN, -1]))!;
        Assert.Equal((1_001, true), (cycles.Total, cycles.IsExact));
        Assert.InRange(cycles.Median, 0.44, 0.46);
        Assert.InRange(cycles.From + (cycles.Width * cycles.Counts.Count), 0.45, 0.51);
        Assert.InRange(cycles.Counts.Sum(), 950, 1_001);
        Assert.Equal(0, cycles.Place(cycles.From), 6);
        Assert.Equal(100, cycles.Place(cycles.From + (cycles.Width * cycles.Counts.Count)), 6);
    }

    [Fact]
    public void A_machine_that_always_takes_as_long_has_one_bin_and_one_that_tells_nothing_none()
    {
        Assert.Equal(50, CycleTimes.Of(Of([.. Enumerable.Repeat(0.5, 50)]))!.Counts.Max());
        Assert.Null(CycleTimes.Of(Of([0.5, 0.6])));
        Assert.Null(CycleTimes.Of(null));
    }

    private static Trend Of(double[] values) =>
        new([.. values.Select((v, i) => new TrendPoint(i, v, v, v, v, v, null, 1, 192))], Raw: true);
}
