using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OeeOrleans.Grains.Machines;
using OeeOrleans.Storage;

namespace OeeOrleans.Grains.Tests;

/// <summary>Machines come to life in their turn.</summary>
public sealed class MachineAdmissionTests
{
    private readonly FakeTimeProvider _clock = new();

    [Fact]
    public void As_many_as_the_store_can_serve_read_at_the_same_time_and_the_next_one_follows_who_leaves()
    {
        var admission = Full(out var turns);
        var next = admission.Queue(Urgency.Heard);
        Assert.All(turns, t => Assert.True(t.Entered.IsCompletedSuccessfully));
        Assert.False(next.Entered.IsCompleted);
        admission.Leave(opened: true);
        Assert.True(next.Entered.IsCompletedSuccessfully);
    }

    [Fact]
    public void The_more_urgent_ones_go_first_and_among_equals_who_came_first()
    {
        var admission = Full(out _);
        var looked = admission.Queue(Urgency.Looked);
        var (heard, heardLater) = (admission.Queue(Urgency.Heard), admission.Queue(Urgency.Heard));
        var asked = admission.Queue(Urgency.Asked);
        foreach (var expected in new[] { asked, heard, heardLater, looked })
        {
            Assert.False(expected.Entered.IsCompleted);
            admission.Leave(opened: true);
            Assert.True(expected.Entered.IsCompletedSuccessfully);
        }
    }

    [Fact]
    public void Who_becomes_urgent_overtakes_and_has_one_turn_only()
    {
        var admission = Full(out _);
        var (first, second) = (admission.Queue(Urgency.Looked), admission.Queue(Urgency.Looked));
        second.Urge(Urgency.Asked);
        // It does not become less urgent again.
        second.Urge(Urgency.Looked);
        admission.Leave(opened: true);
        Assert.True(second.Entered.IsCompletedSuccessfully);
        Assert.False(first.Entered.IsCompleted);
        admission.Leave(opened: true);
        Assert.True(first.Entered.IsCompletedSuccessfully);
        var last = admission.Queue(Urgency.Looked);
        admission.Leave(opened: true);
        Assert.True(last.Entered.IsCompletedSuccessfully);
    }

    [Fact]
    public void A_store_that_is_away_is_said_once_for_all_machines_that_wait_for_it()
    {
        var log = new CountingLog();
        var admission = new MachineAdmission(_clock, log);
        for (var i = 0; i < 1_000; i++) admission.NoteFailure($"m{i}", new TimeoutException("away"), null);
        Assert.Equal(1, log.Lines);
        _clock.Advance(TimeSpan.FromSeconds(11));
        admission.NoteFailure("m1", new TimeoutException("away"), null);
        Assert.Equal(2, log.Lines);
        Assert.Contains("1000 such failures", log.Last, StringComparison.Ordinal);
    }

    [Fact]
    public void While_the_store_is_away_one_machine_a_second_tries_and_all_follow_the_first_that_succeeds()
    {
        var admission = new MachineAdmission(_clock, NullLogger<MachineAdmission>.Instance);
        admission.Queue(Urgency.Heard);
        admission.NoteFailure("m1", new StoreUnavailableException("away"), null);
        var waiting = Enumerable.Range(0, 10).Select(_ => admission.Queue(Urgency.Heard)).ToList();
        admission.Leave(opened: false);
        Assert.Equal(0, waiting.Count(t => t.Entered.IsCompleted));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(1, waiting.Count(t => t.Entered.IsCompleted));
        admission.NoteFailure("m2", new StoreUnavailableException("away"), null);
        admission.Leave(opened: false);
        Assert.Equal(1, waiting.Count(t => t.Entered.IsCompleted));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(2, waiting.Count(t => t.Entered.IsCompleted));
        admission.Leave(opened: true);
        Assert.Equal(10, waiting.Count(t => t.Entered.IsCompleted));
    }

    [Fact]
    public void A_machine_that_fails_by_itself_holds_no_other_back()
    {
        var admission = new MachineAdmission(_clock, NullLogger<MachineAdmission>.Instance);
        admission.Queue(Urgency.Heard);
        admission.NoteFailure("m1", new InvalidOperationException("a bug"), null);
        admission.Leave(opened: false);
        Assert.True(admission.Queue(Urgency.Heard).Entered.IsCompleted);
    }

    private MachineAdmission Full(out List<MachineAdmission.Turn> turns)
    {
        var admission = new MachineAdmission(_clock, NullLogger<MachineAdmission>.Instance);
        turns = [.. Enumerable.Range(0, MachineAdmission.AtOnce).Select(_ => admission.Queue(Urgency.Heard))];
        return admission;
    }

    private sealed class CountingLog : ILogger<MachineAdmission>
    {
        public int Lines { get; private set; }

        public string Last { get; private set; } = "";

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            Lines++;
            Last = formatter(state, exception);
        }
    }
}
