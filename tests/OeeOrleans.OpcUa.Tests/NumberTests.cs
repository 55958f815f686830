using CsCheck;
using OeeOrleans.OpcUa.Subscriptions;
using OeeOrleans.OpcUa.Transport;

namespace OeeOrleans.OpcUa.Tests;

/// <summary>The two kinds of numbers that wrap, each in its own way.</summary>
public sealed class NumberTests
{
    [Fact]
    public void After_the_last_notification_number_comes_1_and_never_0() => Assert.Equal(1u, NotificationNumbers.Next(uint.MaxValue));

    [Fact]
    public void As_many_steps_as_were_made_are_counted_over_the_wrap_as_well() =>
        Gen.Select(Gen.UInt[1, uint.MaxValue], Gen.Int[0, 2_000]).Sample((start, steps) =>
        {
            var at = start;
            for (var i = 0; i < steps; i++) at = NotificationNumbers.Next(at);
            return NotificationNumbers.Steps(start, at) == steps && at != 0;
        });

    [Fact]
    public void A_number_that_was_passed_lies_before_and_one_to_come_does_not() =>
        Gen.Select(Gen.UInt[1, uint.MaxValue], Gen.Int[1, 2_000]).Sample((start, steps) =>
        {
            var at = start;
            for (var i = 0; i < steps; i++) at = NotificationNumbers.Next(at);
            return NotificationNumbers.IsBefore(start, at) && !NotificationNumbers.IsBefore(at, start);
        });

    [Fact]
    public void A_chunk_must_have_the_next_number()
    {
        var numbers = default(SequenceNumbers);
        Assert.True(numbers.Accept(51));
        Assert.True(numbers.Accept(52));
        Assert.False(numbers.Accept(52));
        Assert.False(numbers.Accept(54));
    }

    [Theory]
    [InlineData(4_294_966_271, 0)]
    [InlineData(4_294_966_271, 1)]
    [InlineData(4_294_966_300, 1_023)]
    public void Near_the_end_chunk_numbers_start_anew_below_1024(uint last, uint next)
    {
        var numbers = default(SequenceNumbers);
        numbers.Set(last);
        Assert.True(numbers.Accept(next));
    }

    [Fact]
    public void Chunk_numbers_do_not_start_anew_earlier_nor_higher()
    {
        var numbers = default(SequenceNumbers);
        numbers.Set(4_294_966_270);
        Assert.False(numbers.Accept(1));
        numbers.Set(4_294_966_271);
        Assert.False(numbers.Accept(1_024));
    }

    [Fact]
    public void Our_chunk_numbers_start_anew_where_they_must()
    {
        var numbers = default(SequenceNumbers);
        numbers.Set(4_294_966_270);
        Assert.Equal(4_294_966_271u, numbers.Next());
        Assert.Equal(1u, numbers.Next());
    }
}
