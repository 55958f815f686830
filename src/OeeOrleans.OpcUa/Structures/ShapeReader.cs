using OeeOrleans.OpcUa.Binary;

namespace OeeOrleans.OpcUa.Structures;

/// <summary>Reads values by their shape (OPC 10000-6, 5.2.6 to 5.2.8).</summary>
internal static class ShapeReader
{
    private const int MaxDepth = 50;

    public static object? Read(ref UaReader reader, DataTypeShape shape, int depth = 0)
    {
        if (depth > MaxDepth) throw new OpcUaDecodingException(StatusCodes.BadEncodingLimitsExceeded,
            $"structures nested deeper than {MaxDepth}");
        return shape switch
        {
            DataTypeShape.BuiltIn simple => reader.Scalar(simple.Type).Value,
            DataTypeShape.Structure structure => Structure(ref reader, structure, depth),
            _ => throw new InvalidOperationException(shape.Name),
        };
    }

    private static StructureValue Structure(ref UaReader reader, DataTypeShape.Structure shape, int depth)
    {
        var fields = new List<KeyValuePair<string, object?>>();
        if (shape.Kind is StructureKind.Union or StructureKind.UnionWithSubtypedValues)
        {
            var which = reader.UInt32();
            if (which > shape.Fields.Count) throw new OpcUaDecodingException(StatusCodes.BadDecodingError,
                $"a {shape.Name} with field {which}");
            if (which > 0) fields.Add(Field(ref reader, shape.Fields[(int)which - 1], shape.Kind, depth));
            return new StructureValue(shape.Name, fields);
        }

        var present = shape.Kind == StructureKind.WithOptionalFields ? reader.UInt32() : uint.MaxValue;
        var bit = 0;
        foreach (var field in shape.Fields)
        {
            if (shape.Kind == StructureKind.WithOptionalFields && field.IsOptional && (present >> bit++ & 1) == 0) continue;
            fields.Add(Field(ref reader, field, shape.Kind, depth));
        }

        return new StructureValue(shape.Name, fields);
    }

    private static KeyValuePair<string, object?> Field(ref UaReader reader, DataTypeShape.Field field, StructureKind kind, int depth)
    {
        // OPC 10000-3, 8.49: in these kinds the flag means that a subtype may stand there, so its type goes with it.
        var subtyped = field.IsOptional && kind is StructureKind.WithSubtypedValues or StructureKind.UnionWithSubtypedValues;
        var shape = subtyped && field.Shape is DataTypeShape.Structure
            ? new DataTypeShape.BuiltIn(field.Shape.Name, BuiltInType.ExtensionObject)
            : field.Shape;
        if (field.Rank == 0) return new(field.Name, Read(ref reader, shape, depth + 1));
        // Of several dimensions: their lengths, then all elements (OPC 10000-6, 5.2.5).
        if (field.Rank > 1) return new(field.Name, Matrix(ref reader, shape, depth));
        var length = reader.ArrayLength(1);
        return new(field.Name, length < 0 ? null : Elements(ref reader, shape, length, depth));
    }

    private static object?[] Matrix(ref UaReader reader, DataTypeShape shape, int depth)
    {
        long count = 1;
        foreach (var length in reader.UInt32Array()) count = Math.Min(count * length, int.MaxValue);
        if (count > reader.Remaining) throw new OpcUaDecodingException(StatusCodes.BadDecodingError,
            $"an array of {count} elements in {reader.Remaining} bytes");
        return Elements(ref reader, shape, (int)count, depth);
    }

    private static object?[] Elements(ref UaReader reader, DataTypeShape shape, int length, int depth)
    {
        reader.Spend(length * 32L);
        var elements = new object?[length];
        for (var i = 0; i < length; i++) elements[i] = Read(ref reader, shape, depth + 1);
        return elements;
    }
}
