using System.Globalization;

namespace OeeOrleans.OpcUa;

/// <summary>
/// A node id that may name its namespace by URI, `nsu=http://example.org/;s=Temp`, and so means the same node after a server has numbered
/// its namespaces anew; and that may lie in another server (OPC 10000-6, 5.3.1.11).
/// </summary>
public readonly record struct ExpandedNodeId(NodeId NodeId, string? NamespaceUri = null, uint ServerIndex = 0)
{
    public static implicit operator ExpandedNodeId(NodeId id) => new(id);

    /// <exception cref="FormatException">The text is no node id.</exception>
    public static ExpandedNodeId Parse(string text) => TryParse(text, out var id)
        ? id
        : throw new FormatException(
            $"'{text}' is no node id; i=85, ns=2;s=Filler1.Temp, nsu=http://example.org/;s=Temp, ns=2;g=GUID and ns=2;b=BASE64 are");

    public static bool TryParse(string? text, out ExpandedNodeId id)
    {
        id = default;
        var rest = text.AsSpan();
        uint server = 0;
        if (rest.StartsWith("svr=", StringComparison.Ordinal))
        {
            var end = rest.IndexOf(';');
            if (end < 0 || !uint.TryParse(rest[4..end], NumberStyles.None, CultureInfo.InvariantCulture, out server)) return false;
            rest = rest[(end + 1)..];
        }

        string? uri = null;
        if (rest.StartsWith("nsu=", StringComparison.Ordinal))
        {
            var end = rest.IndexOf(';');
            if (end <= 4) return false;
            uri = rest[4..end].ToString().Replace("%3B", ";", StringComparison.OrdinalIgnoreCase).Replace("%25", "%",
                StringComparison.Ordinal);
            rest = rest[(end + 1)..];
            if (rest.StartsWith("ns=", StringComparison.Ordinal)) return false;
        }

        if (!NodeId.TryParse(rest.ToString(), out var inner)) return false;
        id = new ExpandedNodeId(inner, uri, server);
        return true;
    }

    public override string ToString()
    {
        var server = ServerIndex == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"svr={ServerIndex};");
        if (NamespaceUri is null) return $"{server}{NodeId}";
        var uri = NamespaceUri.Replace("%", "%25", StringComparison.Ordinal).Replace(";", "%3B", StringComparison.Ordinal);
        return $"{server}nsu={uri};{NodeId.IdentifierText()}";
    }

    /// <summary>The node's address with these namespaces; null when they do not have its URI.</summary>
    public NodeId? Resolve(IReadOnlyList<string> namespaces)
    {
        if (NamespaceUri is null) return NodeId;
        for (var i = 0; i < namespaces.Count; i++)
        {
            if (namespaces[i] == NamespaceUri) return NodeId.In((ushort)i);
        }

        return null;
    }
}
