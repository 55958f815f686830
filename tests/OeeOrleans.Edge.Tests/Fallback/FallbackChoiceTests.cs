using OeeOrleans.Edge.Sources.Fallback;

namespace OeeOrleans.Edge.Tests.Fallback;

/// <summary>Who speaks, second by second: five seconds until the second does, thirty until the first does again.</summary>
public sealed class FallbackChoiceTests
{
    private readonly FallbackChoice _choice = new(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(30));
    private Health _first;
    private Health _second;
    private int _now;

    [Fact]
    public void The_first_speaks_while_it_answers()
    {
        Pass(60, firstAnswers: true, secondAnswers: true);
        Assert.False(_choice.IsOnSecond);
    }

    [Fact]
    public void The_second_speaks_when_the_first_was_silent_for_longer_than_it_may()
    {
        Pass(10, firstAnswers: true, secondAnswers: true);
        Pass(5, firstAnswers: false, secondAnswers: true);
        Assert.False(_choice.IsOnSecond);
        Pass(1, firstAnswers: false, secondAnswers: true);
        Assert.True(_choice.IsOnSecond);
    }

    [Fact]
    public void A_second_that_does_not_answer_does_not_speak()
    {
        Pass(10, firstAnswers: true, secondAnswers: false);
        Pass(60, firstAnswers: false, secondAnswers: false);
        Assert.False(_choice.IsOnSecond);
    }

    [Fact]
    public void A_first_that_never_answered_has_the_same_time_for_it()
    {
        Pass(6, firstAnswers: false, secondAnswers: true);
        Assert.False(_choice.IsOnSecond);
        Pass(1, firstAnswers: false, secondAnswers: true);
        Assert.True(_choice.IsOnSecond);
    }

    [Fact]
    public void The_first_speaks_again_when_it_was_well_for_long_enough()
    {
        TurnToSecond();
        Pass(29, firstAnswers: true, secondAnswers: true);
        Assert.True(_choice.IsOnSecond);
        Pass(1, firstAnswers: true, secondAnswers: true);
        Assert.False(_choice.IsOnSecond);
    }

    [Fact]
    public void A_failure_meanwhile_begins_the_wait_anew()
    {
        TurnToSecond();
        Pass(29, firstAnswers: true, secondAnswers: true);
        Pass(1, firstAnswers: false, secondAnswers: true);
        Pass(29, firstAnswers: true, secondAnswers: true);
        Assert.True(_choice.IsOnSecond);
        Pass(2, firstAnswers: true, secondAnswers: true);
        Assert.False(_choice.IsOnSecond);
    }

    [Fact]
    public void A_second_that_fails_hands_back_at_once_to_a_first_that_answers()
    {
        TurnToSecond();
        Pass(2, firstAnswers: true, secondAnswers: true);
        Pass(5, firstAnswers: true, secondAnswers: false);
        Assert.True(_choice.IsOnSecond);
        Pass(1, firstAnswers: true, secondAnswers: false);
        Assert.False(_choice.IsOnSecond);
    }

    [Fact]
    public void When_nobody_looked_for_a_while_nobody_is_blamed()
    {
        Pass(10, firstAnswers: true, secondAnswers: true);
        _now += 60;
        // Both are as they were a minute ago; the second is asked first.
        _second = Answer(_second, true);
        Look();
        Assert.False(_choice.IsOnSecond);
        Pass(5, firstAnswers: false, secondAnswers: true);
        Assert.False(_choice.IsOnSecond);
        Pass(1, firstAnswers: false, secondAnswers: true);
        Assert.True(_choice.IsOnSecond);
    }

    [Fact]
    public void Who_is_asked_each_ten_seconds_is_well_when_it_answered_the_last_time()
    {
        Pass(10, firstAnswers: true, secondAnswers: true);
        // What it answered is known when it is looked at the next time.
        for (var i = 0; i < 6 && !_choice.IsOnSecond; i++)
        {
            _now += 10;
            Look();
            _second = Answer(_second, true);
        }

        Assert.True(_choice.IsOnSecond);
    }

    [Fact]
    public void Who_answers_each_ten_seconds_keeps_the_word()
    {
        Pass(10, firstAnswers: true, secondAnswers: true);
        for (var i = 0; i < 10; i++)
        {
            _now += 10;
            Look();
            Assert.False(_choice.IsOnSecond);
            (_first, _second) = (Answer(_first, true), Answer(_second, true));
        }
    }

    private void TurnToSecond()
    {
        Pass(10, firstAnswers: true, secondAnswers: true);
        Pass(6, firstAnswers: false, secondAnswers: true);
        Assert.True(_choice.IsOnSecond);
    }

    private void Pass(int seconds, bool firstAnswers, bool secondAnswers)
    {
        for (var i = 0; i < seconds; i++)
        {
            _now++;
            _first = Answer(_first, firstAnswers);
            _second = Answer(_second, secondAnswers);
            Look();
        }
    }

    private Health Answer(Health source, bool answers) =>
        answers ? source with { Well = TimeSpan.FromSeconds(_now) } : source with { Unwell = TimeSpan.FromSeconds(_now) };

    private void Look()
    {
        var now = TimeSpan.FromSeconds(_now);
        _choice.Look(now);
        var wants = _choice.WantsSecond(now, _first, _second);
        if (wants != _choice.IsOnSecond) _choice.Turned(wants, now);
    }
}
