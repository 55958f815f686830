using Microsoft.Extensions.Time.Testing;
using static OeeOrleans.Broker.SessionOwners;

namespace OeeOrleans.Broker.Tests;

public sealed class SessionOwnersTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly SessionOwners _owners;

    public SessionOwnersTests() => _owners = new SessionOwners(_clock);

    [Fact]
    public void A_session_is_taken_up_by_its_owner_and_by_nobody_else()
    {
        Assert.Equal(Answer.Yes, _owners.Take("c", "edge 1", publishes: true));
        Assert.Equal(Answer.Yes, _owners.Take("c", "edge 1", publishes: true));
        Assert.Equal(Answer.Taken, _owners.Take("c", "edge 2", publishes: true));
        Assert.Equal(Answer.Taken, _owners.Take("c", "anna", publishes: false));
        _owners.End("c", "edge 1");
        Assert.Equal(Answer.Yes, _owners.Take("c", "edge 2", publishes: true));
    }

    [Fact]
    public void The_end_of_a_session_from_before_leaves_the_one_of_now()
    {
        _owners.Take("c", "anna", publishes: false);
        Assert.Equal(Answer.YesInPlaceOfListener, _owners.Take("c", "edge 1", publishes: true));
        _owners.End("c", "anna");
        Assert.Equal(Answer.Taken, _owners.Take("c", "edge 2", publishes: true));
    }

    [Fact]
    public void Who_only_listens_has_so_many_sessions_and_no_more()
    {
        for (var i = 0; i < MaxOfListener; i++) Assert.Equal(Answer.Yes, _owners.Take($"c{i}", "anna", publishes: false));
        Assert.Equal(Answer.TooMany, _owners.Take("more", "anna", publishes: false));
        // One that is there counts once.
        Assert.Equal(Answer.Yes, _owners.Take("c1", "anna", publishes: false));
        Assert.Equal(Answer.Yes, _owners.Take("more", "bea", publishes: false));
        _owners.End("c7", "anna");
        Assert.Equal(Answer.Yes, _owners.Take("another", "anna", publishes: false));
    }

    [Fact]
    public void Whoever_was_let_in_and_made_no_session_is_forgotten()
    {
        _owners.Take("there", "anna", publishes: false);
        _owners.Take("gone", "anna", publishes: false);
        var sessions = new HashSet<string> { "there" };
        Assert.Empty(_owners.Keep(sessions));
        _clock.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal(["gone"], _owners.Keep(sessions));
        Assert.Equal(Answer.Yes, _owners.Take("gone", "bea", publishes: false));
        Assert.Equal(Answer.Taken, _owners.Take("there", "bea", publishes: false));
    }
}
