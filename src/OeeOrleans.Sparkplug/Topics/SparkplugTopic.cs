namespace OeeOrleans.Sparkplug.Topics;

/// <summary>Message types of the `spBv1.0` namespace (Sparkplug 3.0 section 4).</summary>
public enum SparkplugMessageType : byte
{
    NBirth,
    NData,
    NDeath,
    NCommand,
    DBirth,
    DData,
    DDeath,
    DCommand,
    State,
}

/// <summary>`spBv1.0/group/type/node[/device]`, or `spBv1.0/STATE/host`.</summary>
/// <param name="Type">Message type.</param>
/// <param name="Group">Group id; empty for STATE.</param>
/// <param name="Node">Edge node id; the host id for STATE.</param>
/// <param name="Device">Device id, null for messages of the node itself.</param>
public readonly record struct SparkplugTopic(SparkplugMessageType Type, string Group, string Node, string? Device)
{
    public const string Namespace = "spBv1.0";

    /// <summary>Namespace, type and three ids of the greatest length.</summary>
    private const int MaxLength = 32 + (3 * NameRule.MaxIdBytes);

    /// <summary>`group/node`: the name of the edge node in this system.</summary>
    public string EdgeNode => $"{Group}/{Node}";

    public bool IsDeviceMessage =>
        Type is SparkplugMessageType.DBirth or SparkplugMessageType.DData or SparkplugMessageType.DDeath or SparkplugMessageType.DCommand;

    /// <summary>Whether an edge node says it to hosts; commands and host states travel past them.</summary>
    public bool IsFromEdgeNode =>
        Type is not (SparkplugMessageType.State or SparkplugMessageType.NCommand or SparkplugMessageType.DCommand);

    public override string ToString()
    {
        if (Type == SparkplugMessageType.State) return $"{Namespace}/STATE/{Node}";
        var node = $"{Namespace}/{Group}/{NameOf(Type)}/{Node}";
        return Device is null ? node : $"{node}/{Device}";
    }

    /// <summary>
    /// Reads a topic; on failure <paramref name="reason"/> says what is wrong with it. Ids are held to <see cref="NameRule"/>.
    /// </summary>
    public static bool TryParse(string topic, out SparkplugTopic result, out string reason)
    {
        result = default;
        if (topic.Length > MaxLength) return Fail($"the topic has {topic.Length} characters; at most {MaxLength} are taken", out reason);
        var parts = topic.Split('/');
        if (parts[0] != Namespace) return Fail($"the topic does not start with {Namespace}/", out reason);
        if (parts.Any(string.IsNullOrEmpty)) return Fail("a level of the topic is empty", out reason);
        if (parts.Length == 3 && parts[1] == "STATE")
        {
            if (NameRule.WhyNotId("host", parts[2]) is { } wrong) return Fail(wrong, out reason);
            result = new SparkplugTopic(SparkplugMessageType.State, "", parts[2], null);
            reason = "";
            return true;
        }

        if (parts.Length is not (4 or 5)) return Fail($"a topic has 4 or 5 levels, this one has {parts.Length}", out reason);
        if (TypeOf(parts[2]) is not { } type) return Fail($"'{Beginning(parts[2])}' is no Sparkplug message type", out reason);
        var device = parts.Length == 5 ? parts[4] : null;
        var bad = NameRule.WhyNotId("group", parts[1]) ?? NameRule.WhyNotId("edge node", parts[3])
            ?? (device is null ? null : NameRule.WhyNotId("device", device));
        if (bad is not null) return Fail(bad, out reason);
        result = new SparkplugTopic(type, parts[1], parts[3], device);
        if (result.IsDeviceMessage && device is null) return Fail($"{parts[2]} needs a device level", out reason);
        if (!result.IsDeviceMessage && device is not null) return Fail($"{parts[2]} has no device level", out reason);
        reason = "";
        return true;
    }

    private static SparkplugMessageType? TypeOf(string level) => level switch
    {
        "NBIRTH" => SparkplugMessageType.NBirth,
        "NDATA" => SparkplugMessageType.NData,
        "NDEATH" => SparkplugMessageType.NDeath,
        "NCMD" => SparkplugMessageType.NCommand,
        "DBIRTH" => SparkplugMessageType.DBirth,
        "DDATA" => SparkplugMessageType.DData,
        "DDEATH" => SparkplugMessageType.DDeath,
        "DCMD" => SparkplugMessageType.DCommand,
        _ => null,
    };

    private static string Beginning(string level) => level.Length <= 24 ? level : level[..24] + "...";

    public static string NameOf(SparkplugMessageType type) => type switch
    {
        SparkplugMessageType.NBirth => "NBIRTH",
        SparkplugMessageType.NData => "NDATA",
        SparkplugMessageType.NDeath => "NDEATH",
        SparkplugMessageType.NCommand => "NCMD",
        SparkplugMessageType.DBirth => "DBIRTH",
        SparkplugMessageType.DData => "DDATA",
        SparkplugMessageType.DDeath => "DDEATH",
        SparkplugMessageType.DCommand => "DCMD",
        _ => "STATE",
    };

    private static bool Fail(string why, out string reason)
    {
        reason = why;
        return false;
    }
}
