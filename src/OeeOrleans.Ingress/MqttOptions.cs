using OeeOrleans.Mqtt;

namespace OeeOrleans.Ingress;

/// <summary>Where the broker is and how ingress uses it.</summary>
public sealed class MqttOptions
{
    public BrokerAddress Broker { get; set; } = BrokerAddress.Loopback;

    /// <summary>Client ids are `{prefix}-{partition}`: fixed, because the broker keeps the session under them.</summary>
    public string ClientIdPrefix { get; set; } = "oee";

    /// <summary>Id of this host application, told on `spBv1.0/STATE/{id}` (Sparkplug 3.0 section 6.4.26); null: nothing is told.</summary>
    public string? HostId { get; set; }

    /// <summary>Our own edge node (`group/node`), which we publish and do not listen to.</summary>
    public string? OwnEdgeNode { get; set; }

    /// <summary>Edge nodes (`group/node`) of the plant model: always listened to, whatever else talks; another set
    /// when they are others.</summary>
    public Func<IReadOnlySet<string>> KnownEdgeNodes { get; set; } = () => NoEdgeNodes;

    private static readonly IReadOnlySet<string> NoEdgeNodes = new HashSet<string>();

    /// <summary>Topic filters; each is one Orleans queue and one MQTT session.</summary>
    public IReadOnlyList<string> Partitions { get; set; } = ["spBv1.0/#"];

    /// <summary>QoS 1 messages the broker may send before it must wait for acknowledgements (MQTT 5 Receive Maximum, and its largest
    /// value): half a minute of a busy plant, so that machines stay live while a database restarts.</summary>
    public ushort ReceiveMaximum { get; set; } = 65_535;

    /// <summary>Messages held in memory at most; QoS 0 messages beyond it are dropped and counted, QoS 1 stay with the broker.</summary>
    public int MaxBuffered { get; set; } = 100_000;

    /// <summary>Bytes of payloads held in memory at most, per partition. Beyond it QoS 0 messages are dropped and counted; with QoS 1 the
    /// connection is made anew with a smaller Receive Maximum, and the broker keeps what there is no room for.</summary>
    public long MaxBufferedBytes { get; set; } = 256L << 20;

    /// <summary>
    /// A packet larger than this is not sent to us by a broker that speaks MQTT 5 (Maximum Packet Size); the largest births seen have a
    /// megabyte.
    /// </summary>
    public uint MaxPacketBytes { get; set; } = 16 << 20;

    /// <summary>
    /// Edge nodes that are not in the plant model and are listened to; those beyond it are refused, and what they say is kept as dead
    /// letters.
    /// </summary>
    public int MaxForeignEdgeNodes { get; set; } = 10_000;

    /// <summary>
    /// What comes within this time is read together, unless there is much of it; what comes after a silence is read at once. A value is
    /// so much older when it is seen, half of it on average; the CPU a message costs falls by a third.
    /// </summary>
    public TimeSpan Gather { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>Messages of one stream in one delivery at most.</summary>
    public int MaxBatch { get; set; } = 1_000;

    /// <summary>How often a message is offered alone before it is put aside, while the store is there.</summary>
    public int MaxTries { get; set; } = 3;

    /// <summary>How long the broker keeps the session while we are away.</summary>
    public TimeSpan SessionExpiry { get; set; } = TimeSpan.FromDays(7);

    /// <summary>First pause before a failed delivery is offered again; doubles up to <see cref="MaxRetryPause"/>.</summary>
    public TimeSpan RetryPause { get; set; } = TimeSpan.FromMilliseconds(100);

    public TimeSpan MaxRetryPause { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>While the store is away: then a delivery costs nothing but showing machines what came meanwhile.</summary>
    public TimeSpan MaxStoreAwayPause { get; set; } = TimeSpan.FromMilliseconds(500);

    /// <summary>One sentence per mistake.</summary>
    public IEnumerable<string> Validate()
    {
        if (Partitions.Count == 0) yield return "ingress.partitions is empty; one topic filter at least is needed, such as spBv1.0/#";
        if (Partitions.Distinct().Count() != Partitions.Count)
        {
            yield return "ingress.partitions names a filter twice; every message would come twice";
        }
    }
}
