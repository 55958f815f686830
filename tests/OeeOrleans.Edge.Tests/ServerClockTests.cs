using Microsoft.Extensions.Time.Testing;
using OeeOrleans.Edge.Sources.OpcUa;

namespace OeeOrleans.Edge.Tests;

public sealed class ServerClockTests
{
    private readonly SettableClock _clock = new();
    private readonly ServerClock _server;

    public ServerClockTests() => _server = new ServerClock(_clock);

    [Fact]
    public void Before_it_is_measured_the_clocks_are_the_same() => Assert.Equal(0, _server.AheadMs);

    [Fact]
    public void The_answer_is_of_half_way_between_the_question_and_its_coming()
    {
        var asked = _clock.GetTimestamp();
        _clock.Advance(TimeSpan.FromMilliseconds(100));
        _server.Take(_clock.GetUtcNow().UtcDateTime.AddMilliseconds(5_000), asked);
        Assert.Equal(5_050, _server.AheadMs);
    }

    [Fact]
    public void When_our_clock_is_set_the_difference_changes_by_as_much()
    {
        Take(1_000);
        _clock.SetBy = TimeSpan.FromMilliseconds(-400);
        Assert.Equal(1_400, _server.AheadMs);
    }

    [Fact]
    public void A_server_that_refreshes_its_time_each_second_is_as_far_ahead_as_the_freshest_says()
    {
        foreach (var oldMs in new[] { 400, 990, 20, 700, 300 }) Take(5_000 - oldMs);
        Assert.Equal(4_980, _server.AheadMs);
    }

    [Fact]
    public void A_clock_that_is_set_forward_is_followed_at_once()
    {
        Take(0);
        Take(300);
        Assert.Equal(300, _server.AheadMs);
    }

    [Fact]
    public void A_clock_that_is_set_back_far_is_followed_at_once()
    {
        Take(10_000);
        Take(8_000);
        Assert.Equal(8_000, _server.AheadMs);
    }

    [Fact]
    public void A_clock_that_is_set_back_a_little_is_followed_after_ten_seconds()
    {
        Take(1_000);
        for (var i = 0; i < 9; i++) Take(800);
        Assert.Equal(1_000, _server.AheadMs);
        Take(800);
        Assert.Equal(800, _server.AheadMs);
    }

    [Fact]
    public void A_slow_answer_says_nothing_where_a_fast_one_did()
    {
        Take(1_000);
        var asked = _clock.GetTimestamp();
        _clock.Advance(TimeSpan.FromMilliseconds(300));
        _server.Take(_clock.GetUtcNow().UtcDateTime.AddMilliseconds(9_000), asked);
        Assert.Equal(1_000, _server.AheadMs);
    }

    [Fact]
    public void A_first_answer_that_was_slow_is_replaced_by_the_first_fast_one()
    {
        var asked = _clock.GetTimestamp();
        _clock.Advance(TimeSpan.FromMilliseconds(2_800));
        _server.Take(_clock.GetUtcNow().UtcDateTime, asked);
        Assert.Equal(1_400, _server.AheadMs);
        Take(0);
        Assert.Equal(0, _server.AheadMs);
    }

    private void Take(double aheadMs)
    {
        _clock.Advance(TimeSpan.FromSeconds(1));
        _server.Take(_clock.GetUtcNow().UtcDateTime.AddMilliseconds(aheadMs), _clock.GetTimestamp());
    }

    /// <summary>Setting it does not touch the stopwatch.</summary>
    private sealed class SettableClock() : FakeTimeProvider(DateTimeOffset.UnixEpoch.AddDays(20_000))
    {
        public TimeSpan SetBy { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + SetBy;

        public override long GetTimestamp() => base.GetUtcNow().Ticks;
    }
}
