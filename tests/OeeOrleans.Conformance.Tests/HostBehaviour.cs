using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using MQTTnet.Formatter;
using OeeOrleans.Ingress;
using OeeOrleans.Ingress.Commands;
using OeeOrleans.Mqtt;
using OeeOrleans.Sparkplug.Session;
using OeeOrleans.TestServers;

namespace OeeOrleans.Conformance.Tests;

/// <summary>
/// What a broker hears of our host application `scada`: online, called dead, commanding, cut off, back again, ended in good order.
/// </summary>
internal sealed record HostOnTheWire(IReadOnlyList<WireEvent> Events, long StartedMs, long EndedMs)
{
    public static async Task<HostOnTheWire> RecordAsync()
    {
        var started = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        await using var broker = await RecordingBroker.StartAsync();
        await using var proxy = new ChaosProxy(broker.Port);
        var options = new MqttOptions { Broker = new BrokerAddress(new Uri($"mqtt://127.0.0.1:{proxy.Port}")), HostId = "scada" };
        var host = new MqttCommandPublisher(options, new IngressStatus(), TimeProvider.System, NullLogger<MqttCommandPublisher>.Instance);
        await host.ConnectAsync(CancellationToken.None);
        await broker.UntilAsync(s => s.Any(Wire.IsState));
        await broker.SayAsync("spBv1.0/STATE/scada", Wire.HostIs(false, 1), retain: true);
        await broker.UntilAsync(s => s.Count(Wire.IsState) == 3);
        var (topic, payload) = NodeCommands.Rebirth("g", "n", 1_767_600_000_000);
        await host.PublishAsync(topic, payload, CancellationToken.None);
        await broker.UntilAsync(s => s.Count("NCMD") == 1);
        proxy.Cut();
        await broker.UntilAsync(s => s.Any(e => e.Kind == WireKind.Disconnect));
        proxy.Mend();
        await Eventually.TrueAsync("the host to notice and connect again", TimeSpan.FromSeconds(20), async () =>
        {
            await host.ConnectAsync(CancellationToken.None);
            return broker.Events.Count(e => e.Kind == WireKind.Connect) == 2;
        });
        await broker.UntilAsync(s => s.Skip(s.Index(e => e.Kind == WireKind.Connect, 1)).Any(Wire.IsState));
        await host.DisposeAsync();
        var events = await broker.UntilAsync(s => s.Any(e => e is { Kind: WireKind.Disconnect, Clean: true }));
        return new HostOnTheWire(events, started, DateTimeOffset.UtcNow.ToUnixTimeMilliseconds());
    }

    public IReadOnlyList<WireEvent> First => [.. Events.Take(Events.Index(e => e.Kind == WireKind.Disconnect) + 1)];

    public IReadOnlyList<WireEvent> Last => [.. Events.Skip(First.Count)];

    public WireEvent Birth => First.First(Wire.IsState);

    /// <summary>What the broker said when the first connection was cut.</summary>
    public WireEvent Will => First.Last(Wire.IsState);

    /// <summary>What the host said before it left.</summary>
    public WireEvent Death => Last.Last(Wire.IsState);

    public WireEvent Command => Events.Single(e => e.Is("NCMD"));

    /// <summary>What followed when somebody said that the host is offline.</summary>
    public WireEvent? Contradiction
    {
        get
        {
            var said = First.Index(e => e.Client == "test");
            return First.Skip(said + 1).FirstOrDefault(e => e.IsState() && e.State().Online);
        }
    }
}

/// <summary>What our host application says of itself and of edge nodes.</summary>
public sealed class HostBehaviour
{
    private const string Topic = "spBv1.0/STATE/scada";

    internal static readonly Statements<HostOnTheWire> Statements = new()
    {
        // Birth.
        { "principles-birth-certificates-order", "the first message of every connection is the birth", FirstIsBirth },
        { "host-topic-phid-birth-message", "the first message is the birth", FirstIsBirth },
        { "components-ph-state", "STATE says whether the host is online: true while it is connected, false after",
            w => Assert.Equal((true, false, false), (w.Birth.State().Online, w.Will.State().Online, w.Death.State().Online)) },
        { "conformance-primary-host", "births and deaths are published as STATE",
            w => Assert.Equal((Topic, Topic), (w.Birth.Topic, w.Death.Topic)) },
        { "host-topic-phid-birth-topic", "the birth goes to spBv1.0/STATE/host", w => Assert.Equal(Topic, w.Birth.Topic) },
        { "host-topic-phid-birth-qos", "with QoS 1", w => Assert.Equal(1, w.Birth.Qos) },
        { "host-topic-phid-birth-retain", "retained", w => Assert.True(w.Birth.Retain) },
        { "host-topic-phid-birth-payload", "as JSON of online = true and a time", w => IsState(w.Birth, online: true) },

        {
            "host-topic-phid-birth-payload-timestamp",
            "whose time is that of the will",
            w => Assert.Equal(w.Will.State().TimestampMs, w.Birth.State().TimestampMs)
        },
        { "host-topic-phid-birth-sub-required", "it subscribes to its own STATE after connecting", w => Assert.True(Subscribed(w) > 0) },
        { "host-topic-phid-birth-required", "the birth comes after that subscription", w => Assert.True(Subscribed(w) < BirthAt(w)) },
        { "message-flow-phid-sparkplug-subscription", "and the subscription before the birth, in the same session",
            w => Assert.Equal([WireKind.Subscribe], w.First.Take(BirthAt(w)).Skip(1).Select(e => e.Kind).Distinct()) },

        {
            "message-flow-phid-sparkplug-state-publish",
            "with the session and the subscription, STATE is published",
            w => Assert.True(BirthAt(w) > 0)
        },
        { "message-flow-phid-sparkplug-state-publish-payload", "as JSON of online = true and a time", w => IsState(w.Birth, online: true) },
        { "message-flow-phid-sparkplug-state-publish-payload-timestamp", "whose time is that of the will",
            w => Assert.Equal(w.Will.State().TimestampMs, w.Birth.State().TimestampMs) },
        { "operational-behavior-host-application-connect-birth", "the birth follows the connection at once: nothing else is published "
            + "before",
            w => Assert.True(w.Last.First(e => e.Kind == WireKind.Publish).State().Online) },
        { "operational-behavior-host-application-connect-birth-topic", "on spBv1.0/STATE/host", w => Assert.Equal(Topic, w.Birth.Topic) },
        { "operational-behavior-host-application-connect-birth-qos", "with QoS 1", w => Assert.Equal(1, w.Birth.Qos) },
        { "operational-behavior-host-application-connect-birth-retained", "retained", w => Assert.True(w.Birth.Retain) },
        { "operational-behavior-host-application-connect-birth-payload", "as JSON of online = true and the will's time",
            w =>
            {
                IsState(w.Birth, online: true);
                Assert.Equal(w.Will.State().TimestampMs, w.Birth.State().TimestampMs);
            } },
        { "operational-behavior-primary-application-state-with-multiple-servers-state", "every new session publishes the birth",
            w => Assert.Equal([true, true], new[] { w.First, w.Last }.Select(c => c.First(Wire.IsState).State().Online)) },
        { "payloads-state-subscribe", "it subscribes to its own STATE", w => Assert.True(Subscribed(w) > 0) },
        { "payloads-state-birth", "after that, STATE with QoS 1, retained",
            w => Assert.Equal((true, 1, true, Topic), (Subscribed(w) < BirthAt(w), w.Birth.Qos, w.Birth.Retain, w.Birth.Topic)) },
        { "payloads-state-birth-payload", "as JSON of online = true and a time", w => IsState(w.Birth, online: true) },
        { "message-flow-phid-sparkplug-clean-session-311", "its session is clean, with MQTT 3.1.1",
            w => Assert.Equal((MqttProtocolVersion.V311, true), (w.First[0].Version, w.First[0].Clean)) },

        {
            "message-flow-hid-sparkplug-state-message-delivered",
            "who says that it is offline is contradicted at once",
            w => Assert.NotNull(w.Contradiction)
        },

        // Will.
        { "host-topic-phid-death-required", "a CONNECT has a will", HasWill },
        { "operational-behavior-host-application-connect-will", "a CONNECT has a will", HasWill },

        {
            "payloads-state-will-message",
            "a will on spBv1.0/STATE/host",
            w => Assert.Equal((Topic, false), (w.Will.Topic, w.First[^1].Clean))
        },
        { "host-topic-phid-death-topic", "the will goes to spBv1.0/STATE/host", w => Assert.Equal(Topic, w.Will.Topic) },
        { "host-topic-phid-death-qos", "with QoS 1", w => Assert.Equal(1, w.Will.Qos) },
        { "host-topic-phid-death-retain", "retained", w => Assert.True(w.Will.Retain) },
        { "host-topic-phid-death-payload", "as JSON of online = false and a time", w => IsState(w.Will, online: false) },
        { "host-topic-phid-death-payload-timestamp-connect", "whose time is that of the CONNECT",
            w => Assert.InRange((long)w.Will.State().TimestampMs, w.StartedMs, w.EndedMs) },
        { "host-topic-phid-death-payload-connect", "the will's time is that of the CONNECT: not before it was made, not after the birth's",
            w => Assert.InRange((long)w.Will.State().TimestampMs, w.StartedMs, (long)w.Birth.State().TimestampMs) },

        {
            "operational-behavior-host-application-connect-will-topic",
            "the will goes to spBv1.0/STATE/host",
            w => Assert.Equal(Topic, w.Will.Topic)
        },
        { "operational-behavior-host-application-connect-will-qos", "with QoS 1", w => Assert.Equal(1, w.Will.Qos) },
        { "operational-behavior-host-application-connect-will-retained", "retained", w => Assert.True(w.Will.Retain) },

        {
            "operational-behavior-host-application-connect-will-payload",
            "as JSON of online = false and a time",
            w => IsState(w.Will, online: false)
        },

        {
            "operational-behavior-host-application-death-topic",
            "the death goes to spBv1.0/STATE/host",
            w => Assert.Equal(Topic, w.Will.Topic)
        },
        { "operational-behavior-host-application-death-qos", "with QoS 1", w => Assert.Equal(1, w.Will.Qos) },
        { "operational-behavior-host-application-death-retained", "retained", w => Assert.True(w.Will.Retain) },

        {
            "operational-behavior-host-application-death-payload",
            "as JSON of online = false and a time",
            w => IsState(w.Will, online: false)
        },
        { "payloads-state-will-message-qos", "the will has QoS 1", w => Assert.Equal(1, w.Will.Qos) },
        { "payloads-state-will-message-retain", "it is retained", w => Assert.True(w.Will.Retain) },
        { "payloads-state-will-message-payload", "it is JSON of online = false and a time", w => IsState(w.Will, online: false) },

        // The end.
        { "operational-behavior-host-application-termination", "before an intentional end the death is published, retained and with QoS 1",
            w => Assert.Equal((Topic, false, 1, true), (w.Death.Topic, w.Death.State().Online, w.Death.Qos, w.Death.Retain)) },
        { "operational-behavior-host-application-disconnect-intentional", "DISCONNECT may follow the death at once",
            w => Assert.Equal([WireKind.Publish, WireKind.Disconnect], w.Last.TakeLast(2).Select(e => e.Kind)) },

        // Commands.
        { "topics-ncmd-topic", "NCMD goes to namespace/group/NCMD/node", w => Assert.Equal("spBv1.0/g/NCMD/n", w.Command.Topic) },
        { "topics-ncmd-mqtt", "NCMD has QoS 0 and is not retained", w => Assert.Equal((0, false), (w.Command.Qos, w.Command.Retain)) },

        {
            "topics-ncmd-timestamp",
            "NCMD says when it was sent",
            w => Assert.Equal(1_767_600_000_000, w.Command.Decode().Number("timestamp"))
        },

        {
            "topics-ncmd-payload",
            "NCMD has what is to be written",
            w => Assert.Equal("Node Control/Rebirth", Only(w).GetProperty("name").GetString())
        },

        {
            "payloads-ncmd-timestamp",
            "NCMD says when it was sent",
            w => Assert.Equal(1_767_600_000_000, w.Command.Decode().Number("timestamp"))
        },
        { "payloads-ncmd-seq", "NCMD has no seq", w => Assert.False(w.Command.Decode().Has("seq")) },
        { "payloads-ncmd-qos", "NCMD has QoS 0", w => Assert.Equal(0, w.Command.Qos) },
        { "payloads-ncmd-retain", "NCMD is not retained", w => Assert.False(w.Command.Retain) },

        {
            "operational-behavior-data-commands-ncmd-rebirth-verb",
            "a request for a rebirth is an NCMD",
            w => Assert.True(w.Command.Is("NCMD"))
        },

        {
            "operational-behavior-data-commands-ncmd-rebirth-name",
            "with Node Control/Rebirth",
            w => Assert.Equal("Node Control/Rebirth", Only(w).GetProperty("name").GetString())
        },

        {
            "operational-behavior-data-commands-ncmd-rebirth-value",
            "set to true",
            w => Assert.True(Only(w).GetProperty("value").GetBoolean())
        },
    };

    private static readonly Lazy<Task<HostOnTheWire>> Recorded = new(HostOnTheWire.RecordAsync);

    public static TheoryData<string> Ids() => Statements.Data;

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task Holds(string id) => Statements.Check(id, await Recorded.Value);

    private static void FirstIsBirth(HostOnTheWire w) =>
        Facts.Each(
            [w.First, w.Last],
            c => Assert.True(c.First(e => e.Kind == WireKind.Publish) is { Topic: Topic } first && first.State().Online));

    private static void HasWill(HostOnTheWire w)
    {
        Assert.False(w.First[^1].Clean, "the first connection was to be cut off");
        Assert.False(w.Will.State().Online);
    }

    private static int Subscribed(HostOnTheWire w) => w.First.Index(e => e is { Kind: WireKind.Subscribe, Topic: Topic });

    private static int BirthAt(HostOnTheWire w) => w.First.Index(Wire.IsState);

    private static JsonElement Only(HostOnTheWire w) => Assert.Single(w.Command.Decode().Metrics);

    private static void IsState(WireEvent e, bool online)
    {
        var state = JsonDocument.Parse(e.Payload).RootElement;
        Assert.Equal(["online", "timestamp"], state.EnumerateObject().Select(p => p.Name).Order());
        Assert.Equal(online, state.GetProperty("online").GetBoolean());
        Assert.True(state.GetProperty("timestamp").GetInt64() > 0);
    }
}
