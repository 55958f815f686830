using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OeeOrleans.CommitProtocol;
using OeeOrleans.Grains.EdgeNodes;
using OeeOrleans.Sparkplug.Session;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Grains.Tests;

public sealed class CommitMarksTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly Broker _broker = new();
    private readonly CommittedRecords _records = new();
    private readonly CommitMarks _marks;

    public CommitMarksTests()
    {
        _marks = new CommitMarks(_broker, _clock, NullLogger.Instance);
        _records.Announce("q", 1);
        _records.Add(1);
    }

    [Fact]
    public async Task A_mark_that_moved_is_told_once()
    {
        await _marks.TellDueAsync("g/n", _records);
        _clock.Advance(TimeSpan.FromMinutes(1));
        await _marks.TellDueAsync("g/n", _records);
        Assert.Equal(1, _broker.Asked);
    }

    [Fact]
    public async Task A_broker_that_is_away_is_not_asked_with_every_commit()
    {
        _broker.Away = true;
        for (var i = 0; i < 10; i++)
        {
            await _marks.TellDueAsync("g/n", _records);
            _clock.Advance(TimeSpan.FromMilliseconds(250));
        }

        Assert.Equal(1, _broker.Asked);
        _clock.Advance(TimeSpan.FromSeconds(1));
        _broker.Away = false;
        await _marks.TellDueAsync("g/n", _records);
        Assert.Equal(2, _broker.Asked);
        Assert.False(_marks.IsOwed(_records));
    }

    private sealed class Broker : ICommandPublisher
    {
        public bool Away { get; set; }

        public int Asked { get; private set; }

        public Task PublishAsync(SparkplugTopic topic, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
        {
            Asked++;
            return Away ? throw new IOException("no broker") : Task.CompletedTask;
        }
    }
}
