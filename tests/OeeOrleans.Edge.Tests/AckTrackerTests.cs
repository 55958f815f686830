using OeeOrleans.Edge.Queue;

namespace OeeOrleans.Edge.Tests;

public sealed class AckTrackerTests
{
    [Fact]
    public void Acknowledgements_out_of_order_release_up_to_the_first_that_is_open()
    {
        var tracker = new AckTracker();
        Assert.Equal(0UL, tracker.Acknowledged(2, 1));
        Assert.Equal(2UL, tracker.Acknowledged(1, 1));
    }

    [Fact]
    public void One_that_comes_while_the_one_before_is_being_released_is_released_as_well()
    {
        var tracker = new AckTracker();
        Assert.Equal(1UL, tracker.Acknowledged(1, 1));
        // The queue still begins with 1.
        Assert.Equal(2UL, tracker.Acknowledged(2, 1));
    }

    [Fact]
    public void After_a_lost_connection_only_the_queue_says_what_is_open()
    {
        var tracker = new AckTracker();
        Assert.Equal(0UL, tracker.Acknowledged(3, 1));
        tracker.Clear();
        Assert.Equal(2UL, tracker.Acknowledged(2, 2));
    }
}
