using Microsoft.Extensions.Time.Testing;
using OeeOrleans.Grains.Machines;

namespace OeeOrleans.Grains.Tests;

/// <summary>What a machine was shown ahead of the store, and from where on it is dirty when that comes to nothing.</summary>
public sealed class AheadBookTests
{
    private readonly FakeTimeProvider _clock = new();

    [Fact]
    public void What_is_committed_leaves_nothing_behind()
    {
        var book = new AheadBook(_clock);
        Assert.Null(book.Shown("g/n|life|1", 500));
        book.Committed("g/n|life|1");
        Assert.True(book.IsEmpty);
        Assert.Null(book.TakenBack("g/n|life|1"));
    }

    [Fact]
    public void What_is_taken_back_is_dirty_from_its_oldest_sample_on()
    {
        var book = new AheadBook(_clock);
        book.Shown("g/n|life|1", 500);
        book.Shown("g/n|life|1", 300);
        book.Shown("g/n|life|2", 100);
        Assert.Equal(300, book.TakenBack("g/n|life|1"));
        Assert.False(book.IsEmpty);
    }

    [Fact]
    public void A_new_life_of_the_node_ends_what_its_last_one_showed_and_nothing_of_others()
    {
        var book = new AheadBook(_clock);
        book.Shown("g/n|old|1", 500);
        book.Shown("g/n|old|2", 400);
        book.Shown("g/other|x|1", 100);
        Assert.Equal(400, book.Shown("g/n|new|1", 900));
        Assert.Equal(100, book.TakenBack("g/other|x|1"));
    }

    [Fact]
    public void What_nobody_speaks_of_any_more_ends_and_what_is_spoken_of_stays()
    {
        var book = new AheadBook(_clock);
        book.Shown("g/n|life|1", 500);
        book.Shown("g/m|life|1", 200);
        _clock.Advance(TimeSpan.FromSeconds(45));
        book.Shown("g/n|life|1", 500);
        _clock.Advance(TimeSpan.FromSeconds(45));
        Assert.Equal(200, book.EndForgotten());
        Assert.Null(book.EndForgotten());
        Assert.False(book.IsEmpty);
    }
}
