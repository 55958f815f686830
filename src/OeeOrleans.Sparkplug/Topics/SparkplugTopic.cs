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

    /// <summary>`group/node`: the name of the edge node in this system.</summary>
    public string EdgeNode => $"{Group}/{Node}";

    public bool IsDeviceMessage => Type is SparkplugMessageType.DBirth or SparkplugMessageType.DData or SparkplugMessageType.DDeath or SparkplugMessageType.DCommand;

    /// <summary>Whether an edge node says it to hosts; commands and host states travel past them.</summary>
    public bool IsFromEdgeNode => Type is not (SparkplugMessageType.State or SparkplugMessageType.NCommand or SparkplugMessageType.DCommand);

    public override string ToString() => Type == SparkplugMessageType.State ? $"{Namespace}/STATE/{Node}"
        : Device is null ? $"{Namespace}/{Group}/{NameOf(Type)}/{Node}"
        : $"{Namespace}/{Group}/{NameOf(Type)}/{Node}/{Device}";

    /// <summary>Reads a topic; on failure <paramref name="reason"/> says what is wrong with it.</summary>
    public static bool TryParse(string topic, out SparkplugTopic result, out string reason)
    {
        result = default;
        var parts = topic.Split('/');
        if (parts[0] != Namespace) return Fail($"the topic does not start with {Namespace}/", out reason);
        if (parts.Any(string.IsNullOrEmpty)) return Fail("a level of the topic is empty", out reason);
        if (parts.Length == 3 && parts[1] == "STATE")
        {
            result = new SparkplugTopic(SparkplugMessageType.State, "", parts[2], null);
            reason = "";
            return true;
        }

        if (parts.Length is not (4 or 5)) return Fail($"a topic has 4 or 5 levels, this one has {parts.Length}", out reason);
        SparkplugMessageType? type = parts[2] switch
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
        if (type is not { } known) return Fail($"'{parts[2]}' is no Sparkplug message type", out reason);
        result = new SparkplugTopic(known, parts[1], parts[3], parts.Length == 5 ? parts[4] : null);
        if (result.IsDeviceMessage != (parts.Length == 5))
        {
            return Fail(result.IsDeviceMessage ? $"{parts[2]} needs a device level" : $"{parts[2]} has no device level", out reason);
        }

        reason = "";
        return true;
    }

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
