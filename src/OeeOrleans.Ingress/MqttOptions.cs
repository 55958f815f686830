namespace OeeOrleans.Ingress;

/// <summary>Where the broker is and how ingress uses it.</summary>
public sealed class MqttOptions
{
    /// <summary>`mqtt://host:port` or `mqtts://host:port`.</summary>
    public Uri Url { get; set; } = new("mqtt://127.0.0.1:1883");

    internal int PortOrDefault => Url.Port > 0 ? Url.Port : Url.Scheme == "mqtts" ? 8883 : 1883;

    public string? Username { get; set; }

    public string? Password { get; set; }

    /// <summary>PEM files; with mqtts only.</summary>
    public string? CaFile { get; set; }

    public string? CertificateFile { get; set; }

    public string? KeyFile { get; set; }

    /// <summary>Client ids are `{prefix}-{partition}`: fixed, because the broker keeps the session under them.</summary>
    public string ClientIdPrefix { get; set; } = "oee";

    /// <summary>Id of this host application, told on `spBv1.0/STATE/{id}` (Sparkplug 3.0 section 6.4.26); null: nothing is told.</summary>
    public string? HostId { get; set; }

    /// <summary>Our own edge node (`group/node`), which we publish and do not listen to.</summary>
    public string? OwnEdgeNode { get; set; }

    /// <summary>Topic filters; each is one Orleans queue and one MQTT session.</summary>
    public IReadOnlyList<string> Partitions { get; set; } = ["spBv1.0/#"];

    /// <summary>QoS 1 messages the broker may send before it must wait for acknowledgements (MQTT 5 Receive Maximum, and its largest value): half a minute of a busy plant, so that
    /// machines stay live while a database restarts.</summary>
    public ushort ReceiveMaximum { get; set; } = 65_535;

    /// <summary>Messages held in memory at most; QoS 0 messages beyond it are dropped and counted, QoS 1 stay with the broker.</summary>
    public int MaxBuffered { get; set; } = 100_000;

    /// <summary>Messages of one stream in one delivery at most.</summary>
    public int MaxBatch { get; set; } = 1_000;

    /// <summary>How long the broker keeps the session while we are away.</summary>
    public TimeSpan SessionExpiry { get; set; } = TimeSpan.FromDays(7);

    /// <summary>First pause before a failed delivery is offered again; doubles up to <see cref="MaxRetryPause"/>.</summary>
    public TimeSpan RetryPause { get; set; } = TimeSpan.FromMilliseconds(100);

    public TimeSpan MaxRetryPause { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>One sentence per mistake.</summary>
    public IEnumerable<string> Validate()
    {
        if (Url.Scheme is not ("mqtt" or "mqtts")) yield return $"broker.url is '{Url}'; mqtt://host:port or mqtts://host:port is needed";
        if (Partitions.Count == 0) yield return "ingress.partitions is empty; one topic filter at least is needed, such as spBv1.0/#";
        if (Partitions.Distinct().Count() != Partitions.Count) yield return "ingress.partitions names a filter twice; every message would come twice";
    }
}
