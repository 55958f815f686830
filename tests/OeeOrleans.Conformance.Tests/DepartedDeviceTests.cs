using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.Edge;
using OeeOrleans.Mqtt;
using OeeOrleans.TestServers;

namespace OeeOrleans.Conformance.Tests;

/// <summary>A device that an edge node reads no more, and of which something waits in its buffer.</summary>
public sealed class DepartedDeviceTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private readonly string _directory = Directory.CreateTempSubdirectory("oee-departed-").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task What_waited_of_it_is_told_by_the_next_life_and_it_is_dead_again_then()
    {
        int waiting;
        // Nobody listens: everything waits.
        using (var before = Connector("gone", "mqtt://127.0.0.1:1"))
        {
            await before.StartAsync(CancellationToken.None);
            await Eventually.HoldsAsync("records that wait", Soon, () => Task.FromResult(before.Buffered), n => n > 5);
            await before.StopAsync(CancellationToken.None);
            waiting = before.Buffered;
        }

        await using var broker = await RecordingBroker.StartAsync();
        using var after = Connector("new", broker.Url);
        await after.StartAsync(CancellationToken.None);
        await broker.UntilAsync(events => events.Any(e => e.Is("DDEATH") && e.Topic.EndsWith("/gone", StringComparison.Ordinal)));
        await after.StopAsync(CancellationToken.None);
        var told = broker.Events.Where(e => e.Topic.EndsWith("/gone", StringComparison.Ordinal)).ToList();
        Assert.Equal(["DBIRTH", .. Enumerable.Repeat("DDATA", waiting), "DDEATH"], told.Select(e => e.Topic.Split('/')[2]));
        // Its birth announces what its data has, and all of that is of the past.
        var names = told[0].Decode().Metrics.Select(m => m.GetProperty("name").GetString()).ToList();
        Assert.Contains("tag0000", names);
        var values = told.Skip(1).SkipLast(1).SelectMany(e => e.Decode().Metrics).ToList();
        Assert.All(values, m => Assert.True(m.GetProperty("is_historical").GetBoolean()));
    }

    private EdgeConnector Connector(string device, string broker) => new(
        new EdgeOptions
        {
            Group = "g", Node = "n", DataDir = _directory, Brokers = [new BrokerAddress(new Uri(broker))],
            Sources = [new EdgeSource("s", new Uri("sim://x?tags=2"), device, 100, [])], TellOfDeadAfter = TimeSpan.FromMilliseconds(200),
        },
        TimeProvider.System, NullLogger<EdgeConnector>.Instance);
}
