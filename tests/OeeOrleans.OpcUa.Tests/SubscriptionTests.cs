using System.Collections.Concurrent;
using OeeOrleans.TestServers;

namespace OeeOrleans.OpcUa.Tests;

/// <summary>What a server tells of changes.</summary>
[Collection(nameof(PeerCollection))]
public sealed class SubscriptionTests(PeerFixture peer)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);
    private static readonly MonitoredItemOptions EveryChange = MonitoredItemOptions.Default with
    {
        SamplingInterval = TimeSpan.Zero,
        QueueSize = 1_000,
    };

    private readonly ConcurrentQueue<(string Id, DataValue Value)> _came = new();

    [Fact]
    public async Task Every_change_comes_in_its_order_with_its_time()
    {
        await using var client = await peer.ConnectAsync();
        await using var subscription = await WatchAsync(client, EveryChange, "Analog");
        var start = DateTime.UtcNow;
        await peer.Server.SayAsync(new { op = "series", id = "Analog", values = Enumerable.Range(1, 30), start = start.ToString("O") });
        await CameAsync("Analog", v => v.Value.AsDouble() == 30);
        var values = Values("Analog").SkipWhile(v => v.Value.AsDouble() != 1).ToList();
        Assert.Equal(Enumerable.Range(1, 30).Select(i => (double?)i), values.Select(v => v.Value.AsDouble()));
        Assert.Equal(start.AddMilliseconds(29), values[^1].SourceTime, TimeSpan.FromMilliseconds(1));
    }

    [Fact]
    public async Task Bad_quality_arrives_as_bad()
    {
        await using var client = await peer.ConnectAsync();
        await using var subscription = await WatchAsync(client, EveryChange, "Counter1");
        await peer.Server.SayAsync(new { op = "set", id = "Counter1", value = 5, status = "BadSensorFailure" });
        await CameAsync("Counter1", v => v.Status.Code == StatusCodes.BadSensorFailure);
        await peer.Server.SayAsync(new { op = "set", id = "Counter1", value = 6, status = "UncertainLastUsableValue" });
        await CameAsync("Counter1", v => v.Status.IsUncertain && v.Value.AsDouble() == 6);
    }

    [Theory]
    [InlineData(DeadbandKind.Absolute, 5, new double[] { 10, 14, 20, 15, 15.5, 8 }, new double[] { 10, 20, 8 })]
    // The range is 0 to 200: five percent are ten.
    [InlineData(DeadbandKind.Percent, 5, new double[] { 50, 59, 61, 45 }, new double[] { 50, 61, 45 })]
    public async Task A_deadband_filters_as_the_standard_says(DeadbandKind kind, double value, double[] set, double[] expected)
    {
        await using var server = await OpcUaPeer.StartAsync("\"counters\": 0");
        await using var client =
            await OpcUaClient.ConnectAsync(peer.Options with { Url = server.Url, SecurityPolicy = SecurityPolicy.None });
        var options = EveryChange with { Deadband = new Deadband(kind, value) };
        await using var subscription = await WatchAsync(client, options, "Analog", server.NamespaceIndex);
        Assert.True(subscription.Items[0].Status.IsGood);
        await CameAsync("Analog", v => v.Value.AsDouble() == 0);
        await server.SayAsync(new { op = "series", id = "Analog", values = set });
        await CameAsync("Analog", v => v.Value.AsDouble() == expected[^1]);
        Assert.Equal(expected, Values("Analog").Select(v => v.Value.AsDouble()!.Value).SkipWhile(v => v == 0));
    }

    [Fact]
    public async Task A_deadband_the_server_does_not_take_is_left_out_and_the_node_watched_all_the_same()
    {
        await using var client = await peer.ConnectAsync();
        await using var subscription = await WatchAsync(client, EveryChange with { Deadband = Deadband.Percent(1) }, "Scalar.String");
        Assert.True(subscription.Items[0].Status.IsGood);
        await CameAsync("Scalar.String", v => (string?)v.Value.Value == "Füller ☃ 1");
    }

    [Fact]
    public async Task A_queue_that_overflows_keeps_the_newest_and_says_so()
    {
        await using var client = await peer.ConnectAsync();
        var options = EveryChange with { QueueSize = 3 };
        await using var subscription = await WatchAsync(client, options, "Counter2", interval: TimeSpan.FromSeconds(2));
        await CameAsync("Counter2", _ => true);
        await peer.Server.SayAsync(new { op = "series", id = "Counter2", values = Enumerable.Range(1, 10) });
        await CameAsync("Counter2", v => v.Value.AsDouble() == 10);
        var values = Values("Counter2").Where(v => v.Value.AsDouble() > 0).ToList();
        Assert.Equal([8.0, 9.0, 10.0], values.TakeLast(3).Select(v => v.Value.AsDouble()));
        Assert.True(values[^3].Status.HasOverflow, values[^3].Status.Code.ToString("X8"));
    }

    [Fact]
    public async Task Ten_thousand_nodes_are_watched()
    {
        await using var client = await peer.ConnectAsync();
        var ids = Enumerable.Range(0, 10_000).Select(i => $"Item{i}").ToArray();
        await using var subscription = await WatchAsync(client, MonitoredItemOptions.Default, ids);
        Assert.All(subscription.Items, i => Assert.True(i.Status.IsGood, $"{i}: {i.Status}"));
        await Eventually.HoldsAsync("all first values", Soon, () => Task.FromResult(_came.Select(c => c.Id).Distinct().Count()), n =>
            n == 10_000);
        Assert.All(_came, c => Assert.Equal(c.Id, $"Item{c.Value.Value.AsDouble()}"));
    }

    [Fact]
    public async Task A_node_that_is_not_there_spoils_no_other_and_is_found_when_it_comes()
    {
        await using var server = await OpcUaPeer.StartAsync("\"counters\": 2");
        await using var client =
            await OpcUaClient.ConnectAsync(peer.Options with { Url = server.Url, SecurityPolicy = SecurityPolicy.None });
        await using var subscription = await client.SubscribeAsync(
            SubscriptionOptions.Default with { RetryItems = TimeSpan.FromSeconds(1) }, Take,
            [
                (new NodeId("Late", server.NamespaceIndex), EveryChange, "Late"),
                    (new NodeId("Counter0", server.NamespaceIndex), EveryChange, "Counter0"),
            ]);
        Assert.Equal(StatusCodes.BadNodeIdUnknown, subscription.Items[0].Status.Code);
        await CameAsync("Counter0", _ => true);
        await server.SayAsync(new { op = "add", id = "Late", value = 4.5 });
        await CameAsync("Late", v => v.Value.AsDouble() == 4.5);
        Assert.True(subscription.Items[0].Status.IsGood);
    }

    [Fact]
    public async Task An_item_is_changed_and_taken_away()
    {
        await using var client = await peer.ConnectAsync();
        await using var subscription = await WatchAsync(client, MonitoredItemOptions.Default, "Counter3", "Counter4");
        await CameAsync("Counter3", _ => true);
        var items = subscription.Items;
        await subscription.ModifyAsync([items[0]], MonitoredItemOptions.Default with { SamplingInterval = TimeSpan.FromSeconds(2) });
        Assert.Equal(TimeSpan.FromSeconds(2), items[0].SamplingInterval);
        await subscription.RemoveAsync([items[1]]);
        _came.Clear();
        await peer.Server.SayAsync(new { op = "set", id = "Counter4", value = 7 });
        await peer.Server.SayAsync(new { op = "set", id = "Counter3", value = 8 });
        await CameAsync("Counter3", v => v.Value.AsDouble() == 8);
        Assert.Empty(Values("Counter4"));
    }

    [Fact]
    public async Task A_notification_whose_handler_fails_is_handed_over_again()
    {
        await using var client = await peer.ConnectAsync();
        var calls = 0;
        await using var subscription = await client.SubscribeAsync(
            SubscriptionOptions.Default,
            (notification, token) => Interlocked.Increment(ref calls) == 1 ? throw new InvalidOperationException("full")
                : Take(notification, token),
            [(peer.Node("Counter5"), EveryChange, "Counter5")]);
        await CameAsync("Counter5", _ => true);
        Assert.Equal(2, calls);
    }

    [Fact]
    public async Task A_pause_keeps_values_at_the_server()
    {
        await using var client = await peer.ConnectAsync();
        await using var subscription = await WatchAsync(client, EveryChange, "Counter6");
        await CameAsync("Counter6", _ => true);
        await subscription.SetPublishingAsync(false);
        _came.Clear();
        await peer.Server.SayAsync(new { op = "series", id = "Counter6", values = Enumerable.Range(1, 5) });
        Assert.Empty(_came);
        await subscription.SetPublishingAsync(true);
        await CameAsync("Counter6", v => v.Value.AsDouble() == 5);
        Assert.Equal([1.0, 2.0, 3.0, 4.0, 5.0], Values("Counter6").Select(v => v.Value.AsDouble()));
    }

    private ValueTask Take(Notification notification, CancellationToken cancellationToken)
    {
        foreach (var change in notification.Changes.Span) _came.Enqueue(((string)change.Item.Context!, change.Value));
        return ValueTask.CompletedTask;
    }

    private Task<Subscription> WatchAsync(OpcUaClient client, MonitoredItemOptions options, params string[] ids) =>
        WatchAsync(client, options, ids, peer.Server.NamespaceIndex, TimeSpan.FromMilliseconds(100));

    private Task<Subscription> WatchAsync(OpcUaClient client, MonitoredItemOptions options, string id, ushort index) =>
        WatchAsync(client, options, [id], index, TimeSpan.FromMilliseconds(100));

    private Task<Subscription> WatchAsync(OpcUaClient client, MonitoredItemOptions options, string id, TimeSpan interval) =>
        WatchAsync(client, options, [id], peer.Server.NamespaceIndex, interval);

    private Task<Subscription> WatchAsync(OpcUaClient client, MonitoredItemOptions options, string[] ids, ushort index,
        TimeSpan interval) =>
        client.SubscribeAsync(
            SubscriptionOptions.Default with { PublishingInterval = interval }, Take,
            [.. ids.Select(id => ((ExpandedNodeId)new NodeId(id, index), options, (object?)id))]);

    private List<DataValue> Values(string id) => [.. _came.Where(c => c.Id == id).Select(c => c.Value)];

    private Task CameAsync(string id, Func<DataValue, bool> which) =>
        Eventually.TrueAsync($"a value of {id}", Soon, () => Task.FromResult(_came.Any(c => c.Id == id && which(c.Value))));
}
