using System.Globalization;

namespace OeeOrleans.OpcUa;

/// <summary>The four kinds of identifier (OPC 10000-3, 8.2.3).</summary>
public enum IdType : byte
{
    Numeric = 0,
    String = 1,
    Guid = 2,
    Opaque = 3,
}

/// <summary>
/// The address of a node in a server (OPC 10000-3, 8.2). As text `i=85`, `ns=2;s=Filler1.Temp`, `ns=3;g=…`, `ns=4;b=BASE64`
/// (OPC 10000-6, 5.3.1.10).
/// </summary>
public readonly struct NodeId : IEquatable<NodeId>
{
    public static readonly NodeId Null;

    /// <summary>Null for a numeric one; string, Guid or byte[] otherwise.</summary>
    private readonly object? _identifier;
    private readonly uint _number;

    public NodeId(uint identifier, ushort namespaceIndex = 0) => (_number, NamespaceIndex) = (identifier, namespaceIndex);

    public NodeId(string identifier, ushort namespaceIndex)
    {
        ArgumentNullException.ThrowIfNull(identifier);
        (_identifier, NamespaceIndex) = (identifier, namespaceIndex);
    }

    public NodeId(Guid identifier, ushort namespaceIndex) => (_identifier, NamespaceIndex) = (identifier, namespaceIndex);

    public NodeId(byte[] identifier, ushort namespaceIndex)
    {
        ArgumentNullException.ThrowIfNull(identifier);
        (_identifier, NamespaceIndex) = (identifier, namespaceIndex);
    }

    private NodeId(object? identifier, uint number, ushort namespaceIndex) =>
        (_identifier, _number, NamespaceIndex) = (identifier, number, namespaceIndex);

    public ushort NamespaceIndex { get; }

    public IdType Type => _identifier switch { null => IdType.Numeric, string => IdType.String, Guid => IdType.Guid, _ => IdType.Opaque };

    public bool IsNull => _identifier is null && _number == 0 && NamespaceIndex == 0;

    /// <summary>The identifier: uint, string, Guid or byte[].</summary>
    public object Identifier => _identifier ?? _number;

    internal uint Number => _number;

    public static bool operator ==(NodeId left, NodeId right) => left.Equals(right);

    public static bool operator !=(NodeId left, NodeId right) => !left.Equals(right);

    /// <exception cref="FormatException">The text is no node id.</exception>
    public static NodeId Parse(string text) => TryParse(text, out var id)
        ? id
        : throw new FormatException($"'{text}' is no node id; i=85, ns=2;s=Filler1.Temp, ns=2;g=GUID and ns=2;b=BASE64 are");

    public static bool TryParse(string? text, out NodeId id)
    {
        id = default;
        var rest = text.AsSpan();
        ushort index = 0;
        if (rest.StartsWith("ns=", StringComparison.Ordinal))
        {
            var end = rest.IndexOf(';');
            if (end < 0 || !ushort.TryParse(rest[3..end], NumberStyles.None, CultureInfo.InvariantCulture, out index)) return false;
            rest = rest[(end + 1)..];
        }

        if (rest.Length < 2 || rest[1] != '=') return false;
        var value = rest[2..];
        switch (rest[0])
        {
            case 'i' when uint.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number):
                id = new NodeId(number, index);
                return true;
            case 's':
                id = new NodeId(value.ToString(), index);
                return true;
            case 'g' when Guid.TryParse(value, out var guid):
                id = new NodeId(guid, index);
                return true;
            case 'b':
                var bytes = new byte[value.Length];
                if (!Convert.TryFromBase64Chars(value, bytes, out var length)) return false;
                id = new NodeId(bytes[..length], index);
                return true;
            default:
                return false;
        }
    }

    /// <summary>The same identifier in another namespace.</summary>
    public NodeId In(ushort namespaceIndex) => new(_identifier, _number, namespaceIndex);

    public bool Equals(NodeId other)
    {
        if (NamespaceIndex != other.NamespaceIndex || _number != other._number) return false;
        return _identifier switch
        {
            null => other._identifier is null,
            byte[] bytes => other._identifier is byte[] theirs && bytes.AsSpan().SequenceEqual(theirs),
            _ => _identifier.Equals(other._identifier),
        };
    }

    public override bool Equals(object? obj) => obj is NodeId other && Equals(other);

    public override int GetHashCode()
    {
        if (_identifier is not byte[] bytes) return HashCode.Combine(NamespaceIndex, _number, _identifier);
        var hash = default(HashCode);
        hash.Add(NamespaceIndex);
        hash.AddBytes(bytes);
        return hash.ToHashCode();
    }

    public override string ToString() => NamespaceIndex == 0
        ? IdentifierText()
        : string.Create(CultureInfo.InvariantCulture, $"ns={NamespaceIndex};{IdentifierText()}");

    internal string IdentifierText() => _identifier switch
    {
        null => string.Create(CultureInfo.InvariantCulture, $"i={_number}"),
        byte[] bytes => $"b={Convert.ToBase64String(bytes)}",
        Guid guid => $"g={guid}",
        _ => $"s={_identifier}",
    };
}
