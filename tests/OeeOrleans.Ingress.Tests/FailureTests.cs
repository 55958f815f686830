using CsCheck;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OeeOrleans.Ingress.Connection;
using OeeOrleans.Ingress.Streams;
using OeeOrleans.Model;
using OeeOrleans.Model.Delivery;

namespace OeeOrleans.Ingress.Tests;

/// <summary>What a queue does about each class of failure.</summary>
public sealed class FailureTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly MqttOptions _options = new();
    private readonly Partition _partition;
    private readonly StreamFifo _fifo;

    public FailureTests()
    {
        _partition = new Partition("f", _options, _clock, NullLogger.Instance);
        _fifo = _partition.FifoOf(Partition.StreamOf("g/a"));
    }

    private StreamFifo Unreadable => _partition.FifoOf(Partition.StreamOf(MessageBatch.UnreadableKey));

    [Fact]
    public void The_store_is_waited_for_as_long_as_it_takes_and_nothing_is_put_aside()
    {
        Add(5);
        for (var i = 0; i < 200; i++)
        {
            var batch = TakeAfterPause(_fifo)!;
            Assert.Equal(5, batch.Count);
            _fifo.Failed(batch, new DeliveryFailedException(FailureClass.StoreAway, "away"));
        }

        Assert.True(Unreadable.IsEmpty);
    }

    [Fact]
    public void While_the_store_is_away_each_attempt_takes_what_came_meanwhile()
    {
        Add(2);
        _fifo.Failed(_fifo.Take()!, new DeliveryFailedException(FailureClass.StoreAway, "away"));
        Add(3);
        Assert.Equal(5, TakeAfterPause(_fifo)!.Count);
    }

    [Theory]
    [InlineData(FailureClass.Bug)]
    [InlineData(FailureClass.Refused)]
    public void The_message_that_provokes_it_is_found_and_put_aside_and_all_others_are_delivered_once_and_in_order(FailureClass failure) =>
        Gen.Select(Gen.Int[1, 400], Gen.Int[0, 399].Array[1, 4]).Sample(
            (count, offenders) =>
            {
                var bad = offenders.Where(o => o < count).ToHashSet();
                var partition = new Partition("f", _options, _clock, NullLogger.Instance);
                var fifo = partition.FifoOf(Partition.StreamOf("g/a"));
                for (var i = 0; i < count; i++) fifo.Add(Arrived(partition, i));
                var (delivered, offers) = (new List<int>(), 0);
                while (!fifo.IsEmpty && offers++ < 5_000)
                {
                    var batch = TakeAfterPause(fifo)!;
                    var numbers = batch.Select(NumberOf).ToList();
                    if (numbers.Any(bad.Contains))
                    {
                        fifo.Failed(batch, new DeliveryFailedException(failure, "no"));
                        continue;
                    }

                    delivered.AddRange(numbers);
                    fifo.Delivered(batch);
                }

                Assert.Equal(Enumerable.Range(0, count).Where(i => !bad.Contains(i)), delivered);
                var aside = partition.FifoOf(Partition.StreamOf(MessageBatch.UnreadableKey)).Take() ?? [];
                Assert.Equal(bad.Order(), aside.Select(NumberOf));
                Assert.All(aside, m => Assert.Equal($"{failure}: no", m.Message.Refusal));
                // Halving, then the tries alone, and growing again: a few dozen offers an offender.
                Assert.True(offers <= (bad.Count + 1) * 40, $"{offers} offers for {bad.Count} offenders among {count}");
                Assert.Equal(bad.Count, partition.Account.Messages);
            },
            iter: 100);

    [Fact]
    public void An_error_without_a_class_is_a_bug_of_ours()
    {
        Add(1);
        for (var i = 0; i < _options.MaxTries; i++) _fifo.Failed(TakeAfterPause(_fifo)!, new FormatException("oops"));
        Assert.True(_fifo.IsEmpty);
        Assert.Equal("Bug: oops", Assert.Single(Unreadable.Take()!).Message.Refusal);
    }

    [Fact]
    public void A_consumer_that_was_not_reached_is_no_fault_of_the_message()
    {
        Add(1);
        for (var i = 0; i < 100; i++) _fifo.Failed(TakeAfterPause(_fifo)!, null);
        Assert.False(_fifo.IsEmpty);
    }

    [Fact]
    public void A_message_that_nobody_ever_gets_done_with_is_put_aside_in_the_end()
    {
        Add(1);
        var offers = 0;
        while (!_fifo.IsEmpty && offers++ < 50) _fifo.Failed(TakeAfterPause(_fifo)!, new TimeoutException("no answer"));
        Assert.InRange(offers, 6, 20);
        Assert.Single(Unreadable.Take()!);
    }

    [Fact]
    public void What_not_even_dead_letter_takes_is_given_up_and_its_place_given_back()
    {
        var message = Arrived(_partition, 1);
        message.Refuse("Bug: before");
        _partition.PutAside(message);
        for (var i = 0; i < _options.MaxTries; i++)
        {
            Unreadable.Failed(TakeAfterPause(Unreadable)!, new DeliveryFailedException(FailureClass.Bug, "again"));
        }

        Assert.True(Unreadable.IsEmpty);
        Assert.Equal(0, _partition.Account.Messages);
    }

    private void Add(int count)
    {
        for (var i = 0; i < count; i++) _fifo.Add(Arrived(_partition, i));
    }

    private static InFlightMessage Arrived(Partition partition, int number)
    {
        var message = new InFlightMessage(new BrokerMessage("t", BitConverter.GetBytes(number), 0), "g/a");
        partition.Receive(message);
        partition.Arrived.TryDequeue(out _);
        return message;
    }

    private static int NumberOf(InFlightMessage message) => BitConverter.ToInt32(message.Message.Payload.Span);

    private List<InFlightMessage>? TakeAfterPause(StreamFifo fifo)
    {
        _clock.Advance(TimeSpan.FromSeconds(10));
        return fifo.Take();
    }
}
