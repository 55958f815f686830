using System.Globalization;

namespace OeeOrleans.OpcUa;

/// <summary>A name with its namespace, as text `2:Temp` (OPC 10000-3, 8.3).</summary>
public readonly record struct QualifiedName(string? Name, ushort NamespaceIndex = 0)
{
    public static QualifiedName Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var colon = text.IndexOf(':', StringComparison.Ordinal);
        return colon > 0 && ushort.TryParse(text.AsSpan(0, colon), NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            ? new QualifiedName(text[(colon + 1)..], index)
            : new QualifiedName(text);
    }

    public override string ToString() => NamespaceIndex == 0
        ? Name ?? ""
        : string.Create(CultureInfo.InvariantCulture, $"{NamespaceIndex}:{Name}");
}

/// <summary>A text with its language (OPC 10000-3, 8.5).</summary>
public readonly record struct LocalizedText(string? Text, string? Locale = null)
{
    public override string ToString() => Text ?? "";
}

/// <summary>A text of XML (OPC 10000-6, 5.2.2.8); kept as it came.</summary>
public readonly record struct XmlElement(string? Xml)
{
    public override string ToString() => Xml ?? "";
}

/// <summary>A structure as it travels: the id of its encoding and its bytes (OPC 10000-6, 5.2.2.15).
/// <see cref="OpcUaClient.DecodeAsync"/> reads it with the definition the server gives.</summary>
/// <param name="TypeId">Id of the encoding; null for an empty one.</param>
/// <param name="Body">byte[] when binary, string when XML, null when there is none.</param>
public sealed record ExtensionObject(NodeId TypeId, object? Body)
{
    /// <summary>The bytes of a binary body.</summary>
    public ReadOnlyMemory<byte> Bytes => Body as byte[];

    public bool Equals(ExtensionObject? other) => other is not null
        && TypeId == other.TypeId
        && (Body, other.Body) switch
        {
            (byte[] ours, byte[] theirs) => ours.AsSpan().SequenceEqual(theirs),
            var (ours, theirs) => Equals(ours, theirs),
        };

    public override int GetHashCode() => TypeId.GetHashCode();
}
