using CsCheck;
using OeeOrleans.Kpi.Thresholds;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Kpi.Tests.Thresholds;

/// <summary>A limit, followed through values in order of time.</summary>
public sealed class ThresholdWatchTests
{
    private const long S = UnixMicros.PerSecond;

    private static readonly Threshold Hot = new()
    {
        Id = "hot", Machine = "m", Signal = "t", Above = 75, Hysteresis = 5, DelayS = 10, Severity = 600,
    };

    [Fact]
    public void An_event_begins_when_the_delay_is_over_and_is_dated_from_when_the_value_went_beyond()
    {
        var watch = new ThresholdWatch(Hot);
        Assert.Null(Take(watch, 1 * S, 80));
        Assert.True(watch.IsPending);
        Assert.Null(Take(watch, 5 * S, 90));
        var raised = Take(watch, 11 * S, 76);
        Assert.Equal((1 * S, null, "hot", (short)600), (raised!.StartUs, raised.EndUs, raised.Code, raised.Severity));
        Assert.Equal(FaultEvent.ThresholdType, raised.Type);
        Assert.NotEqual(FaultEvent.IdOf("m", "hot", 1 * S), raised.Id);
    }

    [Fact]
    public void Time_alone_ends_the_delay_because_the_last_value_holds()
    {
        var watch = new ThresholdWatch(Hot);
        Take(watch, 1 * S, 80);
        Assert.Null(watch.At((11 * S) - 1));
        Assert.Equal(1 * S, watch.At(11 * S)!.StartUs);
        Assert.Null(watch.At(12 * S));
    }

    [Fact]
    public void A_value_that_comes_back_before_the_delay_is_over_raises_nothing()
    {
        var watch = new ThresholdWatch(Hot);
        Take(watch, 1 * S, 80);
        Take(watch, 2 * S, 75);
        Assert.Null(watch.At(20 * S));
        Take(watch, 21 * S, 80);
        Assert.Equal(21 * S, watch.At(31 * S)!.StartUs);
    }

    [Fact]
    public void It_ends_behind_the_hysteresis_and_not_at_the_limit()
    {
        var watch = new ThresholdWatch(Hot with { DelayS = 0 });
        Assert.NotNull(Take(watch, 1 * S, 76));
        Assert.Null(Take(watch, 2 * S, 71));
        Assert.Equal(3 * S, Take(watch, 3 * S, 70)!.EndUs);
    }

    [Fact]
    public void Below_is_the_other_way_round()
    {
        var watch = new ThresholdWatch(new Threshold { Id = "low", Machine = "m", Kpi = "oee", Below = 0.6, Hysteresis = 0.05 });
        Assert.Null(Take(watch, 1 * S, 0.6));
        Assert.NotNull(Take(watch, 2 * S, 0.59));
        Assert.Null(Take(watch, 3 * S, 0.64));
        Assert.NotNull(Take(watch, 4 * S, 0.65));
    }

    [Fact]
    public void What_is_not_known_begins_nothing_and_ends_nothing()
    {
        var watch = new ThresholdWatch(Hot with { DelayS = 0 });
        Assert.Null(Take(watch, 1 * S, double.NaN));
        Assert.NotNull(Take(watch, 2 * S, 80));
        Assert.Null(Take(watch, 3 * S, double.NaN));
        Assert.NotNull(watch.Active);
    }

    [Fact]
    public void An_event_of_an_earlier_life_goes_on_and_ends_once()
    {
        var active = new FaultEvent { Machine = "m", Code = "hot", Type = FaultEvent.ThresholdType, StartUs = 5 * S };
        var watch = new ThresholdWatch(Hot, active);
        Assert.Null(Take(watch, 6 * S, 90));
        var ended = Take(watch, 7 * S, 60)!;
        Assert.Equal((active.Id, 7 * S), (ended.Id, ended.EndUs));
        Assert.Null(Take(watch, 8 * S, 60));
    }

    [Fact]
    public void A_value_that_was_overtaken_says_nothing_any_more()
    {
        var watch = new ThresholdWatch(Hot with { DelayS = 0 });
        Take(watch, 5 * S, 20);
        Assert.Null(Take(watch, 4 * S, 99));
        Assert.Null(watch.Active);
    }

    [Fact]
    public void Of_what_comes_late_only_values_end_a_delay()
    {
        var watch = new ThresholdWatch(Hot);
        const long Later = 7_200 * S;
        Assert.Null(watch.Take(1 * S, 80, Later));
        Assert.Null(watch.At(Later + (60 * S)));
        Assert.Null(watch.Take(4 * S, 60, Later + (61 * S)));
        Assert.Null(watch.Take(5 * S, 80, Later + (62 * S)));
        Assert.Equal(5 * S, watch.Take(15 * S, 80, Later + (62 * S))!.StartUs);
    }

    [Fact]
    public void A_clock_that_is_behind_does_not_make_the_delay_shorter()
    {
        var watch = new ThresholdWatch(Hot);
        Assert.Null(watch.Take(1 * S, 80, 21 * S));
        Assert.Null(watch.At(22 * S));
        Assert.NotNull(watch.At(31 * S));
    }

    [Fact]
    public void Of_a_limit_that_is_no_more_the_event_ends()
    {
        var watch = new ThresholdWatch(Hot with { DelayS = 0 });
        Assert.Null(watch.End(1 * S));
        Take(watch, 2 * S, 80);
        Assert.Equal(9 * S, watch.End(9 * S)!.EndUs);
        Assert.Null(watch.End(10 * S));
    }

    private static FaultEvent? Take(ThresholdWatch watch, long timeUs, double value) => watch.Take(timeUs, value, timeUs);

    /// <summary>Whatever comes: events begin and end in turn, do not overlap, and last as long as the delay asks for.</summary>
    [Fact]
    public void Events_do_not_overlap_and_each_one_was_beyond() =>
        Gen.Select(Gen.Double[60, 90], Gen.Int[1, 20]).Array[1, 60].Sample(steps =>
        {
            var watch = new ThresholdWatch(Hot);
            var (now, lastEnd, open) = (0L, 0L, (FaultEvent?)null);
            foreach (var (value, wait) in steps)
            {
                now += wait * S;
                if (Take(watch, now, value) is not { } change) continue;
                if (change.EndUs is { } end)
                {
                    Assert.Equal(open!.Id, change.Id);
                    Assert.True(value <= 70);
                    (open, lastEnd) = (null, end);
                }
                else
                {
                    Assert.Null(open);
                    Assert.True(change.StartUs >= lastEnd && now - change.StartUs >= 10 * S && value > 75);
                    open = change;
                }
            }

            Assert.Equal(open?.Id, watch.Active?.Id);
        });
}
