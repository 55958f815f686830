using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.CommitProtocol;
using OeeOrleans.Edge;
using OeeOrleans.Edge.Sessions;
using OeeOrleans.Mqtt;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Host;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.Sparkplug.Session;
using OeeOrleans.Sparkplug.Topics;
using OeeOrleans.TestServers;

namespace OeeOrleans.Conformance.Tests;

/// <summary>Our edge node on a real broker, watched from outside.</summary>
public sealed class EdgeNodeBehaviour
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private readonly string _directory = Path.Combine(Path.GetTempPath(), "oee-edge-" + Guid.NewGuid().ToString("N"));
    private MosquittoServer _broker = null!;
    private Observer _observer = null!;

    private async Task WithBrokerAsync(Func<Task> scenario)
    {
        _broker = await MosquittoServer.StartAsync();
        _observer = await Observer.StartAsync(_broker.Port);
        try
        {
            await scenario();
        }
        finally
        {
            await _observer.DisposeAsync();
            await _broker.DisposeAsync();
            if (Directory.Exists(_directory)) Directory.Delete(_directory, recursive: true);
        }
    }

    [Theory]
    [Tck("message-flow-edge-node-ncmd-subscribe", "operational-behavior-data-commands-rebirth-action-1", "operational-behavior-data-commands-rebirth-action-2", "operational-behavior-data-commands-rebirth-action-3", "operational-behavior-data-commands-ncmd-rebirth-verb",
        "operational-behavior-data-commands-ncmd-rebirth-name", "operational-behavior-data-commands-ncmd-rebirth-value", "message-flow-device-dcmd-subscribe")]
    public Task A_rebirth_repeats_all_births_in_order_with_the_same_bdSeq_and_then_data_goes_on(string id)
    {
        Assert.NotEmpty(id);
        return Once.RunAsync(() => WithBrokerAsync(async () =>
        {
            await using var edge = await RunningEdge.StartAsync(Options());
            await _observer.UntilAsync("data", s => s.Count(m => m.Topic.Type == SparkplugMessageType.DData) > 3);
            var first = _observer.Seen.First(m => m.Topic.Type == SparkplugMessageType.NBirth);
            _observer.Forget();

            var (topic, payload) = NodeCommands.Rebirth("g", "n", 1);
            await _observer.SayAsync(topic.ToString(), payload.ToArray());

            var seen = await _observer.UntilAsync("the births and data after them", s => s.SkipWhile(m => m.Topic.Type != SparkplugMessageType.NBirth).Count(m => m.Topic.Type == SparkplugMessageType.DData) > 2);
            var after = seen.SkipWhile(m => m.Topic.Type != SparkplugMessageType.NBirth).ToList();
            Assert.Equal([SparkplugMessageType.NBirth, SparkplugMessageType.DBirth, SparkplugMessageType.DBirth], after.Take(3).Select(m => m.Topic.Type));
            Assert.All(after.Skip(3), m => Assert.Equal(SparkplugMessageType.DData, m.Topic.Type));
            Assert.Equal(Enumerable.Range(0, after.Count).Select(i => (long)i), after.Select(m => m.Number("seq")));
            Assert.Equal(BdSeq(first), BdSeq(after[0]));
        }));
    }

    [Theory]
    [Tck("topics-nbirth-bdseq-increment", "payloads-nbirth-bdseq-repeat", "payloads-ndeath-will-message-publisher")]
    public Task A_killed_connection_makes_the_broker_publish_the_will_and_the_next_birth_has_the_next_bdSeq(string id)
    {
        Assert.NotEmpty(id);
        return Once.RunAsync(() => WithBrokerAsync(async () =>
        {
            await using var proxy = new ChaosProxy(_broker.Port);
            await using var edge = await RunningEdge.StartAsync(Options(o => o.Brokers = [new BrokerAddress(new Uri($"mqtt://127.0.0.1:{proxy.Port}"))]));
            await _observer.UntilAsync("a birth", s => s.Any(m => m.Topic.Type == SparkplugMessageType.DBirth));
            proxy.Cut();
            proxy.Mend();
            var seen = await _observer.UntilAsync("a death and the next birth", s => s.Count(m => m.Topic.Type == SparkplugMessageType.NBirth) == 2 && s.Any(m => m.Topic.Type == SparkplugMessageType.NDeath));
            var births = seen.Where(m => m.Topic.Type == SparkplugMessageType.NBirth).Select(BdSeq).ToList();
            Assert.Equal(births[0], BdSeq(seen.First(m => m.Topic.Type == SparkplugMessageType.NDeath)));
            Assert.Equal((births[0] + 1) % 256, births[1]);
        }));
    }

    [Theory]
    [Tck("operational-behavior-edge-node-intentional-disconnect-ndeath", "operational-behavior-edge-node-intentional-disconnect-packet", "payloads-ndeath-will-message-publisher-disconnect-mqtt311", "payloads-ndeath-will-message-publisher-disconnect-mqtt50")]
    public Task An_intentional_end_publishes_the_death_before_it_disconnects(string id)
    {
        Assert.NotEmpty(id);
        return Once.RunAsync(() => WithBrokerAsync(async () =>
        {
            await using (await RunningEdge.StartAsync(Options())) await _observer.UntilAsync("a birth", s => s.Any(m => m.Topic.Type == SparkplugMessageType.DBirth));
            var seen = await _observer.UntilAsync("the death", s => s.Any(m => m.Topic.Type == SparkplugMessageType.NDeath));
            Assert.Equal(BdSeq(seen.First(m => m.Topic.Type == SparkplugMessageType.NBirth)), BdSeq(Assert.Single(seen, m => m.Topic.Type == SparkplugMessageType.NDeath)));
        }));
    }

    [Theory]
    [Tck("components-ph-state", "message-flow-edge-node-birth-publish-phid-wait", "message-flow-edge-node-birth-publish-phid-wait-id", "message-flow-edge-node-birth-publish-phid-wait-online", "message-flow-edge-node-birth-publish-phid-wait-timestamp", "message-flow-edge-node-birth-publish-phid-offline",
        "operational-behavior-edge-node-termination-host-offline", "operational-behavior-edge-node-termination-host-offline-reconnect", "operational-behavior-edge-node-termination-host-offline-timestamp", "operational-behavior-primary-application-state-with-multiple-servers-state-subs",
        "operational-behavior-primary-application-state-with-multiple-servers-state", "payloads-state-subscribe")]
    public Task With_a_primary_host_nothing_is_published_until_it_is_online_and_the_node_dies_when_it_goes(string id)
    {
        Assert.NotEmpty(id);
        return Once.RunAsync(() => WithBrokerAsync(async () =>
        {
            await using var edge = await RunningEdge.StartAsync(Options(o => o.PrimaryHost = "scada"));
            await Eventually.HoldsAsync("the edge to wait for its host", Soon, () => Task.FromResult(edge.Connector.State), s => s == EdgeState.WaitingForHost);
            // Another host, and an old word of the right one's death, change nothing.
            await SayStateAsync("other", true, 100);
            await Eventually.HoldsAsync("values to wait", Soon, () => Task.FromResult(edge.Connector.Buffered), n => n > 5);
            Assert.Empty(_observer.Seen);

            await SayStateAsync("scada", true, 200);
            await _observer.UntilAsync("births and what had waited", s => s.Any(m => m.Topic.Type == SparkplugMessageType.DData && m.Metrics.Any(x => x.GetProperty("is_historical").GetBoolean())));
            Assert.Equal(SparkplugMessageType.NBirth, _observer.Seen[0].Topic.Type);
            await SayStateAsync("scada", false, 150);
            var count = _observer.Seen.Count;
            await _observer.UntilAsync("data to go on after an old death", s => s.Count > count + 5);
            Assert.DoesNotContain(_observer.Seen, m => m.Topic.Type == SparkplugMessageType.NDeath);

            await SayStateAsync("scada", false, 200);
            await _observer.UntilAsync("the node's death", s => s.Any(m => m.Topic.Type == SparkplugMessageType.NDeath));
            await Eventually.HoldsAsync("the edge to wait again", Soon, () => Task.FromResult(edge.Connector.State), s => s == EdgeState.WaitingForHost);
            await SayStateAsync("scada", true, 300);
            await _observer.UntilAsync("the next birth", s => s.Count(m => m.Topic.Type == SparkplugMessageType.NBirth) == 2);
        }));
    }

    [Theory]
    [Tck("operational-behavior-primary-application-state-with-multiple-servers-single-server", "operational-behavior-primary-application-state-with-multiple-servers-walk")]
    public Task Of_several_brokers_the_next_one_is_tried_and_one_at_a_time_is_used(string id)
    {
        Assert.NotEmpty(id);
        return Once.RunAsync(() => WithBrokerAsync(async () =>
        {
            await using var second = await MosquittoServer.StartAsync();
            await using var other = await Observer.StartAsync(second.Port);
            await using var edge = await RunningEdge.StartAsync(Options(o => o.Brokers = [new BrokerAddress(new Uri($"mqtt://127.0.0.1:{ServerProcess.FreePort()}")), new BrokerAddress(new Uri(second.Url)), new BrokerAddress(new Uri(_broker.Url))]));
            await other.UntilAsync("a birth at the second broker", s => s.Any(m => m.Topic.Type == SparkplugMessageType.NBirth));
            Assert.Empty(_observer.Seen);
            await second.StopAsync();
            await _observer.UntilAsync("a birth at the third", s => s.Any(m => m.Topic.Type == SparkplugMessageType.NBirth));
        }));
    }

    [Theory]
    [Tck("conformance-mqtt-qos0", "conformance-mqtt-qos1", "conformance-mqtt-will-messages", "conformance-mqtt-retained")]
    public Task The_qos_that_was_chosen_is_the_one_on_the_wire(string id)
    {
        Assert.NotEmpty(id);
        return Once.RunAsync(() => WithBrokerAsync(async () =>
        {
            await using (await RunningEdge.StartAsync(Options(o => o.Qos = 0))) await _observer.UntilAsync("data", s => s.Any(m => m.Topic.Type == SparkplugMessageType.DData));
            var seen = await _observer.UntilAsync("the death", s => s.Any(m => m.Topic.Type == SparkplugMessageType.NDeath));
            Assert.All(seen, m => Assert.Equal((m.Topic.Type == SparkplugMessageType.NDeath ? 1 : 0, false), (m.Qos, m.Retain)));
        }));
    }

    [Fact]
    public Task Without_a_word_of_the_host_the_brokers_acknowledgement_frees_the_queue_and_with_one_only_the_mark_does() => WithBrokerAsync(async () =>
    {
        await using var edge = await RunningEdge.StartAsync(Options());
        await _observer.UntilAsync("data", s => s.Count(m => m.Topic.Type == SparkplugMessageType.DData) > 4);
        await Eventually.HoldsAsync("an empty queue", Soon, () => Task.FromResult(edge.Connector.Buffered), n => n <= 1);
        var queue = _observer.Seen.First(m => m.Topic.Type == SparkplugMessageType.NBirth).Metric(CommitMetrics.Queue)!.Value.GetProperty("value").GetString()!;
        var (topic, payload) = CommitMetrics.TellMark("g", "n", queue, 1, 1);
        await _observer.SayAsync(topic.ToString(), payload.ToArray());
        await Eventually.HoldsAsync("records that wait for the mark", Soon, () => Task.FromResult(edge.Connector.Buffered), n => n > 8);

        // Another queue's mark is none of ours; the right one frees.
        await _observer.SayAsync(topic.ToString(), CommitMetrics.TellMark("g", "n", "other", 1_000_000, 1).Payload.ToArray());
        (_, payload) = CommitMetrics.TellMark("g", "n", queue, Record(_observer.Seen[^1]), 1);
        Assert.True(edge.Connector.Buffered > 8);
        await _observer.SayAsync(topic.ToString(), payload.ToArray());
        await Eventually.HoldsAsync("a queue that was freed", Soon, () => Task.FromResult(edge.Connector.Buffered), n => n < 8);
    });

    /// <summary>Records are numbered under the highest alias of a message.</summary>
    private static ulong Record(Decoded message) => message.Metrics.MaxBy(m => m.GetProperty("alias").GetUInt64()).GetProperty("value").GetUInt64();

    private static long BdSeq(Decoded message) => message.Metric("bdSeq")!.Value.GetProperty("value").GetInt64();

    private Task SayStateAsync(string host, bool online, ulong ms) => _observer.SayAsync($"spBv1.0/STATE/{host}", new HostState(online, ms).ToPayload(), retain: true);

    private EdgeOptions Options(Action<EdgeOptions>? change = null)
    {
        var options = new EdgeOptions
        {
            Group = "g", Node = "n", DataDir = Path.Combine(_directory, Guid.NewGuid().ToString("N")), Brokers = [new BrokerAddress(new Uri(_broker.Url))],
            Sources = [new EdgeSource("s", new Uri("sim://x?tags=6&devices=2"), "d", 100, [])],
        };
        change?.Invoke(options);
        return options;
    }

    private sealed class RunningEdge : IAsyncDisposable
    {
        private RunningEdge(EdgeConnector connector) => Connector = connector;

        public EdgeConnector Connector { get; }

        public static async Task<RunningEdge> StartAsync(EdgeOptions options)
        {
            var edge = new RunningEdge(new EdgeConnector(options, TimeProvider.System, NullLogger<EdgeConnector>.Instance));
            await edge.Connector.StartAsync(CancellationToken.None);
            return edge;
        }

        public async ValueTask DisposeAsync()
        {
            await Connector.StopAsync(CancellationToken.None);
            Connector.Dispose();
        }
    }
}
