using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using OeeOrleans.Edge.Sources;
using OeeOrleans.Mqtt;
using OeeOrleans.OpcUa;

namespace OeeOrleans.Edge;

/// <summary>Whose word frees the queue.</summary>
public enum AcknowledgeMode
{
    /// <summary>The host's commit mark as soon as one was ever heard, until then the broker's PUBACK.</summary>
    Auto,
    /// <summary>The host's commit mark only: our own host, and not even a broker that loses its memory loses data.</summary>
    Commit,
    /// <summary>The broker's PUBACK only: any host.</summary>
    Puback,
}

/// <summary>One tag of a source: where it is, what it is called, how its raw value becomes ours.</summary>
public sealed record EdgeTag(
    string Address, string Metric, int IntervalMs = 0, double Scale = 1, double Offset = 0, double Deadband = 0, string? Unit = null,
    bool Writable = false)
{
    /// <summary>OPC UA: a change smaller than this part of the node's range is not told, percent.</summary>
    public double DeadbandPercent { get; init; }

    /// <summary>OPC UA: values the server keeps between two notifications.</summary>
    public int QueueSize { get; init; } = 10;
}

/// <summary>A source of values: a PLC, or a simulated one.</summary>
public sealed record EdgeSource(string Id, Uri Url, string Device, int IntervalMs, IReadOnlyList<EdgeTag> Tags)
{
    /// <summary>How an OPC UA server is spoken to; null for other sources, and for the defaults.</summary>
    public OpcUaSettings? OpcUa { get; init; }

    /// <summary>Of a Rockwell controller: a tag that its program changes before and after it changes the others, so that readings that mix
    /// scans are known; null: none.</summary>
    public string? Guard { get; init; }

    /// <summary>How often a tag is read: by its own interval, or by that of the source; milliseconds.</summary>
    public int IntervalOf(EdgeTag tag) => tag.IntervalMs > 0 ? tag.IntervalMs : IntervalMs;

    /// <summary>Id of the source that speaks for this one while it is down or late; its tags have metrics of this one's.</summary>
    public string? Fallback { get; init; }

    /// <summary>How long this one may be silent before the other one speaks.</summary>
    public TimeSpan FallbackAfter { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long this one must have been well before it speaks again.</summary>
    public TimeSpan HandBackAfter { get; init; } = TimeSpan.FromSeconds(30);
}

/// <summary>Security of a connection to an OPC UA server. The defaults are secure.</summary>
public sealed record OpcUaSettings
{
    /// <summary>Null: the best the server offers, never None.</summary>
    public SecurityPolicy? Policy { get; init; }

    public MessageSecurityMode? Mode { get; init; }

    public string? User { get; init; }

    public string? Password { get; init; }

    /// <summary>PEM files of a user's certificate and its key.</summary>
    public string? UserCertificate { get; init; }

    public string? UserKey { get; init; }

    /// <summary>Folder of certificates; null: `pki` in the data directory.</summary>
    public string? Pki { get; init; }

    public ServerTrust Trust { get; init; }

    /// <summary>Send the password even where nothing protects it.</summary>
    public bool ClearPassword { get; init; }

    /// <summary>Of the subscription; null: 10 s.</summary>
    public TimeSpan? KeepAlive { get; init; }

    /// <summary>How long the server keeps the subscription and its queues without hearing of us; null: 30 s.</summary>
    public TimeSpan? Lifetime { get; init; }

    public override string ToString() => $"OPC UA, {Policy?.ToString() ?? "best policy"}, {User ?? UserCertificate ?? "anonymous"}";

    /// <param name="url">The server.</param>
    /// <param name="defaultPki">Where certificates lie when nothing else is said.</param>
    /// <exception cref="ArgumentException">The user's certificate cannot be read.</exception>
    public OpcUaClientOptions ToOptions(Uri url, string defaultPki) => new()
    {
        Url = url.ToString(), SecurityPolicy = Policy, Mode = Mode, Identity = Identity(), PkiDirectory = Pki ?? defaultPki, Trust = Trust,
    };

    private UserIdentity Identity()
    {
        if (User is { } name) return new UserIdentity.UserName(name, Password ?? "", ClearPassword);
        if (UserCertificate is not { } certificate) return UserIdentity.Anonymous;
        try
        {
            return new UserIdentity.Certificate(X509Certificate2.CreateFromPemFile(certificate, UserKey ?? certificate));
        }
        catch (Exception error) when (error is IOException or CryptographicException or UnauthorizedAccessException)
        {
            throw new ArgumentException($"the user certificate {certificate} with its key {UserKey ?? certificate} cannot be read: "
                + $"{error.Message}");
        }
    }
}

/// <summary>Sources as they were read, or one sentence per mistake.</summary>
public sealed record ToldSources(IReadOnlyList<EdgeSource> Sources, IReadOnlyList<string> Mistakes);

/// <summary>An edge node: who it is, where it publishes, what it reads, how much it keeps.</summary>
public sealed class EdgeOptions
{
    public string Group { get; set; } = "";

    public string Node { get; set; } = "";

    /// <summary>In the order in which they are tried.</summary>
    public IReadOnlyList<BrokerAddress> Brokers { get; set; } = [];

    public IReadOnlyList<EdgeSource> Sources { get; set; } = [];

    /// <summary>Where the queue and what else must survive lies.</summary>
    public string DataDir { get; set; } = "./data";

    /// <summary>Buffered bytes at most; beyond it the oldest records are dropped and counted.</summary>
    public int BufferMaxMb { get; set; } = 500;

    /// <summary>Host application without which nothing is published; null: publish whoever listens.</summary>
    public string? PrimaryHost { get; set; }

    public AcknowledgeMode Acknowledge { get; set; } = AcknowledgeMode.Auto;

    /// <summary>QoS of births and data: 1 survives a lossy link, 0 is what the specification says.</summary>
    public int Qos { get; set; } = 1;

    /// <summary>Unacknowledged publishes at most.</summary>
    public int MaxInFlight { get; set; } = 100;

    /// <summary>Old values a second at most, so that live ones keep their latency.</summary>
    public int ReplayValuesPerS { get; set; } = 20_000;

    /// <summary>Sampling slows down to this when the queue fills.</summary>
    public int SlowestIntervalMs { get; set; } = 2_000;

    /// <summary>A mark that does not move for this long although everything was sent: it is sent again.</summary>
    public TimeSpan ResendAfter { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>What a device said before it died waits for its return for so long; then it is told all the same.</summary>
    public TimeSpan TellOfDeadAfter { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// A value to write that is older than this by its own time, or that the broker kept for whoever comes, is not carried out.
    /// </summary>
    public TimeSpan MaxCommandAge { get; set; } = TimeSpan.FromMinutes(5);

    /// <summary>
    /// Public keys of hosts whose signed commands are carried out, as `oee commands key` prints them; none: nothing is, unless
    /// <see cref="UnsignedCommands"/> says so.
    /// </summary>
    public IReadOnlyList<string> CommandKeys { get; set; } = [];

    /// <summary>Plain DCMD are carried out too: for hosts of others. Then the broker's rights are all that guards the PLC.</summary>
    public bool UnsignedCommands { get; set; }

    /// <summary>
    /// The host, by the keys above, may tell what else is read; those of <see cref="Sources"/> stay what they are.
    /// </summary>
    public bool TakesSources { get; set; } = true;

    /// <summary>
    /// The keys are told by whoever runs this process, after it began: what was told by one of before is read until then.
    /// </summary>
    public bool KeysComeLater { get; set; }

    /// <summary>None need be known before the host tells them.</summary>
    public bool WaitsForSources { get; set; }

    /// <summary>
    /// Reads what the host tells: a JSON array of objects with the keys of `edge.sources`, and the folder of files that it may name.
    /// </summary>
    public Func<string, string, ToldSources> ReadSources { get; set; } = (_, _) => new ToldSources([], ["this edge node reads none"]);

    /// <summary>Files that sources of the plant may name lie here.</summary>
    public string SecretsDir => Path.Combine(DataDir, "secrets");

    /// <summary>Sources that speak for themselves, and not only for another one.</summary>
    public IEnumerable<EdgeSource> Speaking => SourceRules.Speaking(Sources);

    /// <summary>One sentence per mistake.</summary>
    public IEnumerable<string> Validate()
    {
        if (Group.Length == 0 || Node.Length == 0) yield return "edge.group and edge.node are needed, such as group: berlin, node: edge1";
        foreach (var id in new[] { Group, Node }.Where(i => i.AsSpan().ContainsAny('+', '#', '/')))
        {
            yield return $"edge: '{id}' must not contain '+', '#' or '/' (Sparkplug 3.0 section 4.1)";
        }

        if (Brokers.Count == 0) yield return "edge needs a broker";
        if (Sources.Count == 0 && !WaitsForSources)
        {
            yield return "edge.sources is empty; a source such as { id: plc1, url: \"sim://plant\", device: filler1 } is needed, or "
                + "plant_sources: true, when the plant's host tells them";
        }

        foreach (var mistake in SourceRules.Mistakes(Sources, "edge.sources")) yield return mistake.Message;
        if (BufferMaxMb is < 1 or > 1_000_000) yield return $"edge.buffer.max_mb is {BufferMaxMb}; 1..1000000 is possible";
        if (MaxInFlight is < 1 or > 65_535) yield return $"edge.max_inflight is {MaxInFlight}; 1..65535 is possible";
        foreach (var key in CommandKeys)
        {
            if (Commands.CommandKeys.Check(key) is { } wrong) yield return $"edge.command_keys: '{key}': {wrong}";
        }

        if (Qos is not (0 or 1)) yield return $"edge.qos is {Qos}; 0 or 1 is possible";
    }
}
