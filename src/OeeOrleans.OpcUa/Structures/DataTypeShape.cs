using OeeOrleans.OpcUa.Binary;

namespace OeeOrleans.OpcUa.Structures;

/// <summary>How values of a data type are encoded: as a built-in type, or field by field.</summary>
internal abstract record DataTypeShape(string Name)
{
    public sealed record BuiltIn(string Name, BuiltInType Type) : DataTypeShape(Name);

    public sealed record Structure(string Name, StructureKind Kind) : DataTypeShape(Name)
    {
        /// <summary>Id of its binary encoding; null where the definition does not tell it.</summary>
        public NodeId EncodingId { get; init; }

        /// <summary>Filled after it was made: a structure may hold arrays of itself.</summary>
        public List<Field> Fields { get; } = [];
    }

    /// <param name="Name">The name.</param>
    /// <param name="Shape">Of one element.</param>
    /// <param name="Rank">Dimensions; 0 for a scalar.</param>
    /// <param name="IsOptional">In the sense of its structure's kind.</param>
    public sealed record Field(string Name, DataTypeShape Shape, int Rank, bool IsOptional);
}

/// <summary>OPC 10000-3, 8.49.</summary>
internal enum StructureKind
{
    Plain = 0,
    WithOptionalFields = 1,
    Union = 2,
    WithSubtypedValues = 3,
    UnionWithSubtypedValues = 4,
}

/// <summary>The fields of a StructureDefinition (OPC 10000-3, 8.48), as they travel.</summary>
internal sealed record RawDefinition(
    NodeId EncodingId, StructureKind Kind, List<(string Name, NodeId DataType, int ValueRank, bool IsOptional)> Fields)
{
    public static readonly NodeId StructureEncoding = new(122);
    public static readonly NodeId EnumEncoding = new(123);

    public static RawDefinition Read(ReadOnlySpan<byte> body)
    {
        var reader = new UaReader(body);
        var encoding = reader.NodeId();
        reader.NodeId();
        var kind = (StructureKind)reader.Int32();
        var fields = new List<(string, NodeId, int, bool)>();
        for (var left = reader.ArrayLength(16); left > 0; left--)
        {
            var name = reader.String() ?? "";
            reader.LocalizedText();
            var (type, rank) = (reader.NodeId(), reader.Int32());
            reader.UInt32Array();
            reader.UInt32();
            fields.Add((name, type, rank, reader.Boolean()));
        }

        return new RawDefinition(encoding, kind, fields);
    }
}
