using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OeeOrleans.CommitProtocol;
using OeeOrleans.Grains.EdgeNodes;
using OeeOrleans.Sparkplug.Session;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Grains.Tests;

public sealed class RebirthRequestsTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly Commands _commands = new();
    private readonly RebirthRequests _rebirths;

    public RebirthRequestsTests() => _rebirths = new RebirthRequests(_commands, new RebirthLimiter(_clock, 2), _clock, NullLogger.Instance);

    [Fact]
    public async Task At_most_one_in_ten_seconds_and_again_until_the_birth_came()
    {
        _rebirths.Want("alias");
        _clock.Advance(TimeSpan.FromSeconds(0.3));
        await _rebirths.SendDueAsync("g/n");
        await _rebirths.SendDueAsync("g/n");
        Assert.Equal(["spBv1.0/g/NCMD/n"], _commands.Topics);
        _clock.Advance(TimeSpan.FromSeconds(9.9));
        await _rebirths.SendDueAsync("g/n");
        Assert.Single(_commands.Topics);
        _clock.Advance(TimeSpan.FromSeconds(0.2));
        await _rebirths.SendDueAsync("g/n");
        Assert.Equal(2, _commands.Topics.Count);
        _rebirths.Born();
        _clock.Advance(TimeSpan.FromSeconds(11));
        await _rebirths.SendDueAsync("g/n");
        Assert.Equal(2, _commands.Topics.Count);
    }

    [Fact]
    public async Task Not_being_able_to_ask_fails_nothing()
    {
        _commands.Fails = true;
        _rebirths.Want("alias");
        _clock.Advance(TimeSpan.FromSeconds(0.3));
        await _rebirths.SendDueAsync("g/n");
        Assert.Equal(0, _rebirths.Count);
    }

    [Fact]
    public async Task Missing_messages_have_the_reorder_timeout_to_come()
    {
        _rebirths.WantUnlessFilled("gap");
        _clock.Advance(TimeSpan.FromSeconds(1.9));
        await _rebirths.SendDueAsync("g/n");
        Assert.Empty(_commands.Topics);
        _rebirths.Filled();
        _clock.Advance(TimeSpan.FromSeconds(5));
        await _rebirths.SendDueAsync("g/n");
        Assert.Empty(_commands.Topics);
        _rebirths.WantUnlessFilled("gap");
        _clock.Advance(RebirthRequests.ReorderTimeout + TimeSpan.FromSeconds(0.3));
        await _rebirths.SendDueAsync("g/n");
        Assert.Single(_commands.Topics);
    }

    [Fact]
    public async Task Over_all_nodes_no_more_are_asked_for_than_the_limiter_allows()
    {
        var limiter = new RebirthLimiter(_clock, 2);
        var nodes = Enumerable.Range(0, 5).Select(_ => new RebirthRequests(_commands, limiter, _clock, NullLogger.Instance)).ToList();
        foreach (var node in nodes) node.Want("restart");
        _clock.Advance(TimeSpan.FromSeconds(0.3));
        foreach (var node in nodes) await node.SendDueAsync("g/n");
        Assert.Equal(2, _commands.Topics.Count);
        _clock.Advance(TimeSpan.FromSeconds(1));
        foreach (var node in nodes) await node.SendDueAsync("g/n");
        Assert.Equal(4, _commands.Topics.Count);
    }

    [Fact]
    public async Task A_mark_is_told_when_it_moved_and_again_while_records_are_missing()
    {
        var marks = new CommitMarks(_commands, _clock, NullLogger.Instance);
        var committed = new CommittedRecords();
        await marks.TellDueAsync("g/n", committed);
        Assert.Empty(_commands.Topics);
        committed.Announce("q", 1);
        await marks.TellDueAsync("g/n", committed);
        committed.Add(1);
        await marks.TellDueAsync("g/n", committed);
        Assert.Single(_commands.Topics);
        _clock.Advance(TimeSpan.FromSeconds(0.25));
        await marks.TellDueAsync("g/n", committed);
        Assert.Equal(2, _commands.Topics.Count);
        Assert.False(marks.IsOwed(committed));
        committed.Add(9);
        _clock.Advance(TimeSpan.FromSeconds(4));
        await marks.TellDueAsync("g/n", committed);
        Assert.Equal(2, _commands.Topics.Count);
        _clock.Advance(TimeSpan.FromSeconds(2));
        await marks.TellDueAsync("g/n", committed);
        Assert.Equal(3, _commands.Topics.Count);
    }

    private sealed class Commands : ICommandPublisher
    {
        public List<string> Topics { get; } = [];

        public bool Fails { get; set; }

        public Task PublishAsync(SparkplugTopic topic, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
        {
            if (Fails) throw new InvalidOperationException("no broker");
            Topics.Add(topic.ToString());
            return Task.CompletedTask;
        }
    }
}
