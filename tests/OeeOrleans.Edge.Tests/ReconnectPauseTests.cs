using OeeOrleans.Edge.Sources.Polling;

namespace OeeOrleans.Edge.Tests;

/// <summary>How long a PLC is left alone.</summary>
public sealed class ReconnectPauseTests
{
    private readonly ReconnectPause _pause = new(new Random(1));

    [Fact]
    public void One_that_is_not_there_is_asked_every_five_seconds_at_least()
    {
        var pauses = Enumerable.Range(0, 10).Select(_ => _pause.AfterFailure(isAway: true).TotalSeconds).ToList();
        Assert.InRange(pauses[0], 1.5, 2.5);
        Assert.All(pauses, p => Assert.InRange(p, 1.5, 5));
    }

    [Fact]
    public void One_that_refuses_is_asked_ever_more_seldom_up_to_a_minute()
    {
        var pauses = Enumerable.Range(0, 10).Select(_ => _pause.AfterFailure(isAway: false).TotalSeconds).ToList();
        Assert.InRange(pauses[3], 12, 20);
        Assert.InRange(pauses[9], 45, 60);
    }

    [Fact]
    public void One_that_was_lost_after_it_held_is_asked_at_once()
    {
        _pause.AfterFailure(isAway: false);
        Assert.Equal(TimeSpan.Zero, _pause.AfterLoss(TimeSpan.FromMinutes(1)));
        Assert.InRange(_pause.AfterFailure(isAway: true).TotalSeconds, 1.5, 2.5);
    }

    [Fact]
    public void One_that_is_lost_again_and_again_is_not()
    {
        Assert.InRange(_pause.AfterLoss(TimeSpan.FromSeconds(1)).TotalSeconds, 1.5, 2.5);
        Assert.InRange(_pause.AfterLoss(TimeSpan.FromSeconds(1)).TotalSeconds, 3, 5);
    }

    [Fact]
    public void Two_edges_do_not_come_back_in_the_same_instant() => Assert.NotEqual(
        new ReconnectPause(new Random(1)).AfterFailure(isAway: true), new ReconnectPause(new Random(2)).AfterFailure(isAway: true));
}
