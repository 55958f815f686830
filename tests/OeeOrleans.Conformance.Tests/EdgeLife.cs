using MQTTnet;
using OeeOrleans.Edge.Sessions;
using OeeOrleans.Mqtt;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Edge;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Conformance.Tests;

/// <summary>
/// One life of an edge node with two devices, every message of it: will, NBIRTH, DBIRTHs, NDATA, DDATA, DDEATH; and how each goes over MQTT
/// with `edge.qos: 0`.
/// </summary>
internal sealed class EdgeLife
{
    public const ulong Now = 1_767_600_000_000;
    public const byte BdSeqNumber = 7;

    public static readonly EdgeMetric Uptime = new("uptime", SparkplugDataType.Int64, 9);
    public static readonly EdgeMetric Count = new("counter.good", SparkplugDataType.UInt32, 1, "pcs");
    public static readonly EdgeMetric Run = new("state.run", SparkplugDataType.Boolean, 2);
    public static readonly EdgeMetric Level = new("level", SparkplugDataType.Double, 3);
    public static readonly EdgeDevice Press = new("press1", [Count, Run]);
    public static readonly EdgeDevice Tank = new("Tank", [Level]);
    public static readonly EdgeNodeDefinition Definition = new("berlin", "edge1", [Uptime], [Press, Tank]);

    private readonly Dictionary<string, MqttApplicationMessage> _mqtt = [];

    public EdgeLife()
    {
        var session = new EdgeNodeSession(Definition);
        Will = Take(session.Will(BdSeqNumber), out var will);
        Connect = EdgeTransport.Settings(new BrokerAddress(new Uri("mqtt://127.0.0.1:1")), "c", will);
        NBirth = Take(session.NodeBirth(Now, [new EdgeValue(Uptime, Now - 9, 5L)]), out _);
        // The run state is known, the level of the tank is not.
        DBirth = Take(session.DeviceBirth(Press, Now, [new EdgeValue(Count, Now - 5, 42L), new EdgeValue(Run, Now - 5, true)]), out _);
        TankBirth = Take(session.DeviceBirth(Tank, Now, []), out _);
        NData = Take(session.Data(null, Now, [new EdgeValue(Uptime, Now, 6L)]), out _);
        DData = Take(session.Data(Press, Now, [new EdgeValue(Count, Now + 1, 43L), new EdgeValue(Count, Now + 2, 44L)]), out _);
        DDeath = Take(session.DeviceDeath(Press, Now), out _);
        Death = Take(session.Death(), out _);
        var wrapping = new EdgeNodeSession(Definition);
        wrapping.Will(0);
        wrapping.NodeBirth(Now, []);
        Sequence =
        [
            .. Enumerable.Range(0, 600).Select(i => Decoded.Of(wrapping.Data(i % 2 == 0 ? null : Press, Now + (ulong)i, [])).Number("seq")),
        ];
    }

    public Decoded Will { get; }

    public MqttClientOptions Connect { get; }

    public Decoded NBirth { get; }

    public Decoded DBirth { get; }

    public Decoded TankBirth { get; }

    public Decoded NData { get; }

    public Decoded DData { get; }

    public Decoded DDeath { get; }

    /// <summary>What is published before an intentional end.</summary>
    public Decoded Death { get; }

    /// <summary>`seq` of 600 messages after a birth, node and device in turn.</summary>
    public IReadOnlyList<long> Sequence { get; }

    /// <summary>Everything with a sequence number, in order.</summary>
    public IReadOnlyList<Decoded> Numbered => [NBirth, DBirth, TankBirth, NData, DData, DDeath];

    public IReadOnlyList<Decoded> All => [Will, .. Numbered];

    public IReadOnlyList<Decoded> Births => [NBirth, DBirth, TankBirth];

    /// <summary>A message as it is handed to MQTT.</summary>
    public MqttApplicationMessage Mqtt(Decoded message) => _mqtt[message.Topic.ToString()];

    private Decoded Take(EdgeMessage message, out EdgeMessage taken)
    {
        taken = message;
        _mqtt[message.Topic.ToString()] = EdgeTransport.Message(message, qos: 0);
        return Decoded.Of(message);
    }
}
