using OeeOrleans.Access.Grants;

namespace OeeOrleans.Access.Mqtt;

/// <summary>
/// What a client may publish and hear, as topic filters; the same for our own broker and for those that rules are exported to.
/// </summary>
/// <param name="Publish">Filters of topics that may be published.</param>
/// <param name="Subscribe">Filters that may be subscribed to, and all that they cover.</param>
public sealed record MqttRights(IReadOnlyList<string> Publish, IReadOnlyList<string> Subscribe)
{
    private const string Namespace = "spBv1.0";

    /// <summary>In the place of a group or node of a grant: all of them.</summary>
    private const string All = "*";

    private static readonly string[] NodeMessages = ["NBIRTH", "NDEATH", "NDATA"];
    private static readonly string[] DeviceMessages = ["DBIRTH", "DDEATH", "DDATA"];

    /// <summary>Our own host: it reads all and commands all.</summary>
    public static MqttRights Host { get; } = new(["#"], ["#", "$SYS/#"]);

    /// <summary>Filters of topics that may not be published, whatever <see cref="Publish"/> says.</summary>
    public IReadOnlyList<string> Denied { get; init; } = [];

    /// <summary>What the grants of an identity come to.</summary>
    /// <param name="scope">Of the identity.</param>
    /// <param name="resultsNode">The edge node of results, `group/node`; null: there is none.</param>
    public static MqttRights Of(AccessScope scope, string? resultsNode)
    {
        var (publish, subscribe) = (new List<string>(), new List<string>());
        foreach (var grant in scope.Grants.Where(g => g.Role == Role.Edge)) AddEdge(grant.At, publish, subscribe);
        if (scope.AllowsEverywhere(Permission.History)) subscribe.Add($"{Namespace}/#");
        else if (resultsNode is not null && scope.Allows(Permission.Look)) AddResults(scope, resultsNode, subscribe);
        if (subscribe.Count > 0) subscribe.Add($"{Namespace}/STATE/+");
        return new MqttRights([.. publish.Distinct()], [.. subscribe.Distinct()])
        {
            // Results are the host's word, also in a group whose nodes are all somebody's.
            Denied = publish.Count > 0 && resultsNode is not null ? OfResults(resultsNode) : [],
        };
    }

    public bool MayPublish(string topic)
    {
        return AnyCovers(Publish, topic) && !AnyCovers(Denied, topic);
    }

    /// <summary>Whether two may do the same.</summary>
    public bool SameAs(MqttRights other) =>
        Publish.SequenceEqual(other.Publish) && Subscribe.SequenceEqual(other.Subscribe) && Denied.SequenceEqual(other.Denied);

    private static bool AnyCovers(IReadOnlyList<string> filters, string topic)
    {
        for (var i = 0; i < filters.Count; i++) if (TopicFilter.Covers(filters[i], topic)) return true;
        return false;
    }

    private static string[] OfResults(string resultsNode)
    {
        var (group, node) = Split(resultsNode);
        return [$"{Namespace}/{group}/+/{node}", $"{Namespace}/{group}/+/{node}/#"];
    }

    public bool MaySubscribe(string filter) => Subscribe.Any(f => TopicFilter.Covers(f, TopicFilter.WithoutShare(filter)));

    /// <summary>Its own births, data and deaths; its commands, and whether the host is there.</summary>
    private static void AddEdge(string edgeNode, List<string> publish, List<string> subscribe)
    {
        var (group, node) = Split(edgeNode);
        publish.AddRange(NodeMessages.Select(m => $"{Namespace}/{group}/{m}/{node}"));
        publish.AddRange(DeviceMessages.Select(m => $"{Namespace}/{group}/{m}/{node}/+"));
        subscribe.Add($"{Namespace}/{group}/NCMD/{node}");
        subscribe.Add($"{Namespace}/{group}/DCMD/{node}/#");
    }

    /// <summary>Of results the node itself, which says nothing of any line, and the lines that may be looked at.</summary>
    private static void AddResults(AccessScope scope, string resultsNode, List<string> subscribe)
    {
        var (group, node) = Split(resultsNode);
        if (scope.IsWhole)
        {
            subscribe.Add($"{Namespace}/{group}/+/{node}/#");
            return;
        }

        subscribe.Add($"{Namespace}/{group}/+/{node}");
        subscribe.AddRange(scope.Lines.Select(l => $"{Namespace}/{group}/+/{node}/{l.Id}"));
        subscribe.AddRange(scope.MachineIds.Select(m => $"{Namespace}/{group}/+/{node}/{m}"));
    }

    private static (string Group, string Node) Split(string edgeNode)
    {
        var parts = edgeNode.Split('/');
        return (Any(parts[0]), Any(parts[1]));
    }

    private static string Any(string id) => id == All ? "+" : id;
}
