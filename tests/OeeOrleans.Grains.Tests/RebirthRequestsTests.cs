using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OeeOrleans.Grains.EdgeNodes;
using OeeOrleans.Sparkplug.Session;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Grains.Tests;

public sealed class RebirthRequestsTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly Commands _commands = new();
    private readonly RebirthRequests _rebirths;

    public RebirthRequestsTests() => _rebirths = new RebirthRequests(_commands, _clock, NullLogger.Instance);

    [Fact]
    public async Task At_most_one_in_ten_seconds_and_again_until_the_birth_came()
    {
        _rebirths.Want("gap");
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
        _rebirths.Want("gap");
        await _rebirths.SendDueAsync("g/n");
        Assert.Equal(0, _rebirths.Count);
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
