using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.Grains.EdgeNodes;
using OeeOrleans.Ingress;
using OeeOrleans.Ingress.Commands;
using OeeOrleans.Model;
using OeeOrleans.Mqtt;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Edge;
using OeeOrleans.Sparkplug.Host;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.Sparkplug.Session;
using OeeOrleans.Sparkplug.Topics;
using OeeOrleans.TestServers;

namespace OeeOrleans.Conformance.Tests;

/// <summary>What a host application says of itself, asks of edge nodes, and makes of their births and deaths.</summary>
public sealed class HostStatements
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private static readonly EdgeDevice Device = new("d", [new EdgeMetric("state.run", SparkplugDataType.Boolean, 1)]);

    [Theory]
    [Tck("host-topic-phid-birth-message", "host-topic-phid-birth-qos", "host-topic-phid-birth-retain", "host-topic-phid-birth-topic", "host-topic-phid-birth-sub-required", "host-topic-phid-birth-required", "host-topic-phid-birth-payload", "host-topic-phid-birth-payload-timestamp",
        "host-topic-phid-death-qos", "host-topic-phid-death-retain", "host-topic-phid-death-topic", "host-topic-phid-death-required", "host-topic-phid-death-payload", "host-topic-phid-death-payload-timestamp-disconnect-clean", "host-topic-phid-death-payload-disconnect-clean",
        "message-flow-phid-sparkplug-clean-session-311", "message-flow-phid-sparkplug-clean-session-50", "message-flow-phid-sparkplug-subscription", "message-flow-phid-sparkplug-state-publish", "message-flow-phid-sparkplug-state-publish-payload", "message-flow-phid-sparkplug-state-publish-payload-timestamp",
        "operational-behavior-host-application-host-id", "operational-behavior-host-application-connect-birth", "operational-behavior-host-application-connect-birth-topic", "operational-behavior-host-application-connect-birth-payload", "operational-behavior-host-application-connect-birth-qos",
        "operational-behavior-host-application-connect-birth-retained", "operational-behavior-host-application-termination", "operational-behavior-host-application-death-topic", "operational-behavior-host-application-death-payload", "operational-behavior-host-application-death-qos",
        "operational-behavior-host-application-death-retained", "operational-behavior-host-application-disconnect-intentional", "payloads-state-birth", "payloads-state-birth-payload", "conformance-primary-host")]
    public Task A_host_is_online_retained_at_QoS_1_and_says_offline_with_the_same_time_before_it_leaves(string id)
    {
        Assert.NotEmpty(id);
        return Once.RunAsync(async () =>
        {
            await using var broker = await MosquittoServer.StartAsync();
            await using var observer = await Observer.StartAsync(broker.Port);
            var host = Publisher(broker.Url);
            await host.ConnectAsync(CancellationToken.None);
            var states = await Eventually.HoldsAsync("the birth", Soon, () => Task.FromResult(observer.States.ToList()), s => s.Count == 1);
            Assert.True(HostState.TryParse(System.Text.Encoding.UTF8.GetBytes(states[0].Text), out var birth));
            Assert.True(birth.Online);
            Assert.Equal(1, states[0].Qos);

            // Whoever comes later finds it: it is retained.
            await using (var later = await Observer.StartAsync(broker.Port)) await Eventually.HoldsAsync("the retained birth", Soon, () => Task.FromResult(later.States.ToList()), s => s is [{ Retain: true }]);
            await host.DisposeAsync();
            states = await Eventually.HoldsAsync("the death", Soon, () => Task.FromResult(observer.States.ToList()), s => s.Count == 2);
            Assert.True(HostState.TryParse(System.Text.Encoding.UTF8.GetBytes(states[1].Text), out var death));
            Assert.Equal((false, birth.TimestampMs), (death.Online, death.TimestampMs));
        });
    }

    [Theory]
    [Tck("host-topic-phid-death-payload-timestamp-connect", "host-topic-phid-death-payload-connect", "host-topic-phid-death-payload-timestamp-disconnect-with-no-disconnect-packet", "host-topic-phid-death-payload-disconnect-with-no-disconnect-packet", "operational-behavior-host-application-connect-will",
        "operational-behavior-host-application-connect-will-topic", "operational-behavior-host-application-connect-will-payload", "operational-behavior-host-application-connect-will-qos", "operational-behavior-host-application-connect-will-retained", "operational-behavior-host-application-multi-server-timestamp",
        "payloads-state-will-message", "payloads-state-will-message-qos", "payloads-state-will-message-retain", "payloads-state-will-message-payload", "message-flow-hid-sparkplug-state-message-delivered")]
    public Task A_host_that_is_cut_off_dies_by_its_will_and_one_that_is_called_dead_says_that_it_lives(string id)
    {
        Assert.NotEmpty(id);
        return Once.RunAsync(async () =>
        {
            await using var broker = await MosquittoServer.StartAsync();
            await using var observer = await Observer.StartAsync(broker.Port);
            await using var proxy = new ChaosProxy(broker.Port);
            await using var host = Publisher($"mqtt://127.0.0.1:{proxy.Port}");
            await host.ConnectAsync(CancellationToken.None);
            await Eventually.HoldsAsync("the birth", Soon, () => Task.FromResult(observer.States.Count), n => n == 1);

            await observer.SayAsync("spBv1.0/STATE/scada", new HostState(false, 1).ToPayload(), retain: true);
            var states = await Eventually.HoldsAsync("the contradiction", Soon, () => Task.FromResult(observer.States.ToList()), s => s.Count == 3);
            Assert.Contains("\"online\":true", states[2].Text, StringComparison.Ordinal);

            proxy.Cut();
            states = await Eventually.HoldsAsync("the will", TimeSpan.FromSeconds(40), () => Task.FromResult(observer.States.ToList()), s => s.Count == 4);
            Assert.True(HostState.TryParse(System.Text.Encoding.UTF8.GetBytes(states[0].Text), out var birth));
            Assert.True(HostState.TryParse(System.Text.Encoding.UTF8.GetBytes(states[3].Text), out var will));
            Assert.Equal((false, birth.TimestampMs, 1), (will.Online, will.TimestampMs, states[3].Qos));
        });
    }

    [Theory]
    [Tck("topics-ncmd-topic", "topics-ncmd-mqtt", "topics-ncmd-timestamp", "topics-ncmd-payload", "payloads-ncmd-timestamp", "payloads-ncmd-seq", "payloads-ncmd-qos", "payloads-ncmd-retain")]
    public Task A_command_goes_to_NCMD_at_QoS_0_not_retained_with_a_time_and_without_a_sequence_number(string id)
    {
        Assert.NotEmpty(id);
        return Once.RunAsync(async () =>
        {
            await using var broker = await MosquittoServer.StartAsync();
            await using var observer = await Observer.StartAsync(broker.Port);
            await using var host = Publisher(broker.Url);
            var (topic, payload) = NodeCommands.Rebirth("g", "n", 1_767_600_000_000);
            await host.PublishAsync(topic, payload, CancellationToken.None);
            var command = Assert.Single(await observer.UntilAsync("the command", s => s.Count == 1));
            Assert.Equal(("spBv1.0/g/NCMD/n", 0, false, false), (command.Topic.ToString(), command.Qos, command.Retain, command.Has("seq")));
            Assert.Equal(1_767_600_000_000, command.Number("timestamp"));
            Assert.True(command.Metric("Node Control/Rebirth")!.Value.GetProperty("value").GetBoolean());
        });
    }

    [Theory]
    [Tck("operational-behavior-edge-node-termination-host-action-ndeath-node-offline", "operational-behavior-edge-node-termination-host-action-ndeath-node-tags-stale", "operational-behavior-edge-node-termination-host-action-ndeath-devices-offline", "operational-behavior-edge-node-termination-host-action-ndeath-devices-tags-stale")]
    public void The_death_of_a_node_is_that_of_all_its_devices_and_their_values_are_bad_from_then_on(string id)
    {
        Assert.NotEmpty(id);
        var (decoder, edge) = Born();
        Feed(decoder, edge.Death());
        Assert.False(decoder.Session.Online);
        Assert.All(decoder.Session.Current!.Devices, d => Assert.False(d.Online));
        Assert.Equal(Quality.Bad, decoder.Rows.Span[^1].Quality);
    }

    [Theory]
    [Tck("operational-behavior-edge-node-termination-host-action-ddeath-devices-offline", "operational-behavior-edge-node-termination-host-action-ddeath-devices-tags-stale")]
    public void The_death_of_a_device_makes_its_values_bad_and_leaves_the_node_alive(string id)
    {
        Assert.NotEmpty(id);
        var (decoder, edge) = Born();
        Feed(decoder, edge.DeviceDeath(Device, 2000));
        Assert.True(decoder.Session.Online);
        Assert.False(decoder.Session.Current!.Find("d")!.Online);
        Assert.Equal(Quality.Bad, decoder.Rows.Span[^1].Quality);
    }

    [Theory]
    [Tck("operational-behavior-host-reordering-param", "operational-behavior-host-reordering-start", "operational-behavior-host-reordering-rebirth", "operational-behavior-host-reordering-success")]
    public void A_gap_waits_for_the_reorder_timeout_and_is_forgotten_when_what_was_missing_comes(string id)
    {
        Assert.NotEmpty(id);
        Assert.Equal(TimeSpan.FromSeconds(2), RebirthRequests.ReorderTimeout);
        var (decoder, edge) = Born();
        var early = edge.Data(Device, 2000, []);
        var late = edge.Data(Device, 2001, []);
        var gap = Feed(decoder, late);
        Assert.Equal(1, gap.MissedMessages);
        Assert.NotNull(gap.RebirthReason);
        Assert.True(Feed(decoder, early).Filled);
    }

    private static (EdgeNodeDecoder Decoder, EdgeNodeSession Edge) Born()
    {
        var decoder = new EdgeNodeDecoder("g/n");
        decoder.Machines["d"] = new MachineTarget("m", inPlant: true);
        var edge = new EdgeNodeSession(new EdgeNodeDefinition("g", "n", [], [Device]));
        edge.Will(5);
        Feed(decoder, edge.NodeBirth(1000, []));
        Feed(decoder, edge.DeviceBirth(Device, 1000, [new EdgeValue(Device.Metrics[0], 1000, true)]));
        return (decoder, edge);
    }

    private static SessionOutcome Feed(EdgeNodeDecoder decoder, EdgeMessage sent)
    {
        var message = new BrokerMessage(sent.Topic.ToString(), sent.Payload.ToArray(), 10_000_000);
        var outcome = decoder.Accept(sent.Topic, message, again: false);
        foreach (var death in outcome.Deaths) decoder.EmitDeath(death, message.IngestUs);
        if (outcome.Table is null || outcome.Ignored is not null || decoder.TryEmit(outcome, message, sent.Topic.Type is SparkplugMessageType.NBirth or SparkplugMessageType.DBirth)) return outcome;
        foreach (var metric in decoder.Unbound)
        {
            metric.Binding = new SignalBinding(1, decoder.Machines["d"], CanonicalSignals.KindOf(metric.Name), 1, 0);
            decoder.Machines["d"].Signals[1] = SignalKind.StateRun;
        }

        Assert.True(decoder.TryEmit(outcome, message, birth: true));
        return outcome;
    }

    private static MqttCommandPublisher Publisher(string url) => new(new MqttOptions { Broker = new BrokerAddress(new Uri(url)), HostId = "scada" }, new IngressStatus(), TimeProvider.System, NullLogger<MqttCommandPublisher>.Instance);
}
