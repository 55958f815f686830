using OeeOrleans.Edge.Sources.OpcUa;
using OeeOrleans.OpcUa;

namespace OeeOrleans.Edge.Tests;

/// <summary>Values between the subscription and the disk: none is lost, none handed over twice once it is durable.</summary>
public sealed class PendingValuesTests
{
    private readonly PendingValues _pending = new(capacity: 3);
    private readonly List<long> _durable = [];

    [Fact]
    public void What_was_offered_and_did_not_become_durable_is_offered_again_before_what_came_since()
    {
        Add(1, 2);
        Assert.Equal([1, 2], Offer());
        Add(3);
        Assert.Equal([1, 2, 3], Offer());
    }

    [Fact]
    public void What_is_durable_is_offered_no_more()
    {
        Add(1, 2);
        Offer();
        Store();
        Add(3);
        Assert.Equal([3], Offer());
        Assert.Equal([1, 2], _durable);
    }

    [Fact]
    public void A_reading_that_offered_nothing_makes_nothing_durable()
    {
        Add(1);
        Offer();
        // That one failed; the next begins, and ends before it offers anything.
        _pending.BeginReading();
        Store();
        Assert.Empty(_durable);
        Assert.Equal([1], Offer());
    }

    [Fact]
    public void What_comes_between_an_offer_and_its_end_is_not_taken_for_durable()
    {
        Add(1);
        Offer();
        Add(2);
        Store();
        Assert.Equal([1], _durable);
        Assert.Equal([2], Offer());
    }

    [Fact]
    public async Task Whoever_brings_more_than_fits_waits_until_there_is_room_and_none_of_it_is_lost()
    {
        Add(1, 2, 3);
        var more = _pending.AddAsync(new[] { Value(4), Value(5) }, CancellationToken.None).AsTask();
        Assert.False(more.IsCompleted);
        Assert.Equal([1, 2, 3], Offer());
        Store();
        await more.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.Equal([4, 5], Offer());
    }

    [Fact]
    public async Task Whoever_waits_for_room_and_is_cancelled_has_added_nothing()
    {
        Add(1, 2, 3);
        using var cancelled = new CancellationTokenSource();
        var more = _pending.AddAsync(new[] { Value(4) }, cancelled.Token).AsTask();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => more);
        Assert.Equal([1, 2, 3], Offer());
    }

    [Fact]
    public void Whoever_waits_for_news_is_woken_by_the_next_value()
    {
        var news = _pending.Arrived;
        Assert.False(news.IsCompleted);
        Add(1);
        Assert.True(news.IsCompleted);
        Assert.False(_pending.Arrived.IsCompleted);
    }

    private static PendingValue Value(int number) => new(0, number, new DataValue(number));

    private void Add(params int[] values)
    {
        foreach (var value in values) _pending.Add(Value(value));
    }

    private List<long> Offer()
    {
        _pending.BeginReading();
        var offered = new List<PendingValue>();
        _pending.Offer(offered);
        return offered.ConvertAll(v => v.TimeMs);
    }

    private void Store() => _pending.Stored(v => _durable.Add(v.TimeMs));
}
