using System.Text.Json;
using OeeOrleans.OpcUa.Binary;

namespace OeeOrleans.OpcUa.Structures;

/// <summary>Writes values by their shape from JSON, as <see cref="ShapeReader"/> reads them.</summary>
internal static class ShapeWriter
{
    /// <exception cref="FormatException">The JSON does not fit; the message says where.</exception>
    public static void Write(UaWriter writer, DataTypeShape shape, JsonElement json, string path)
    {
        switch (shape)
        {
            case DataTypeShape.BuiltIn { Type: BuiltInType.ExtensionObject }:
                throw new FormatException($"{path}: a structure of any type cannot be written");
            case DataTypeShape.BuiltIn simple:
                writer.Scalar(Parse(json, simple.Type, path));
                break;
            case DataTypeShape.Structure structure:
                Structure(writer, structure, json, path);
                break;
            default: throw new InvalidOperationException(shape.Name);
        }
    }

    private static Variant Parse(JsonElement json, BuiltInType type, string path)
    {
        try
        {
            var value = json.ValueKind == JsonValueKind.Null ? new Variant(type, null) : VariantJson.Scalar(json, type);
            // A field of any type carries its type with it.
            return type == BuiltInType.Variant ? new Variant(BuiltInType.Variant, (object?)value) : value;
        }
        catch (FormatException error)
        {
            throw new FormatException($"{path}: {error.Message}", error);
        }
    }

    private static void Structure(UaWriter writer, DataTypeShape.Structure shape, JsonElement json, string path)
    {
        if (json.ValueKind != JsonValueKind.Object) throw new FormatException(
            $"{path}: an object with the fields of {shape.Name} is needed");
        foreach (var property in json.EnumerateObject())
        {
            if (shape.Fields.Exists(f => f.Name == property.Name)) continue;
            throw new FormatException($"{path}: {shape.Name} has no field {property.Name}; it has "
                + $"{string.Join(", ", shape.Fields.Select(f => f.Name))}");
        }

        if (shape.Kind is StructureKind.Union or StructureKind.UnionWithSubtypedValues)
        {
            var set = shape.Fields.FindIndex(f => json.TryGetProperty(f.Name, out _));
            writer.UInt32((uint)(set + 1));
            if (set >= 0) Field(writer, shape.Fields[set], json, path);
            return;
        }

        if (shape.Kind == StructureKind.WithOptionalFields) writer.UInt32(Present(shape, json));
        foreach (var field in shape.Fields)
        {
            if (shape.Kind == StructureKind.WithOptionalFields && field.IsOptional && !json.TryGetProperty(field.Name, out _)) continue;
            Field(writer, field, json, path);
        }
    }

    private static uint Present(DataTypeShape.Structure shape, JsonElement json)
    {
        var (mask, bit) = (0u, 0);
        foreach (var field in shape.Fields.Where(f => f.IsOptional))
        {
            if (json.TryGetProperty(field.Name, out _)) mask |= 1u << bit;
            bit++;
        }

        return mask;
    }

    private static void Field(UaWriter writer, DataTypeShape.Field field, JsonElement json, string path)
    {
        var inner = $"{path}.{field.Name}";
        if (!json.TryGetProperty(field.Name, out var value)) throw new FormatException($"{inner} is missing");
        if (field.Rank == 0)
        {
            Write(writer, field.Shape, value, inner);
            return;
        }

        if (field.Rank > 1) throw new FormatException($"{inner}: arrays of several dimensions within structures cannot be written");
        if (value.ValueKind == JsonValueKind.Null)
        {
            writer.Int32(-1);
            return;
        }

        if (value.ValueKind != JsonValueKind.Array) throw new FormatException($"{inner}: an array is needed");
        writer.Int32(value.GetArrayLength());
        foreach (var element in value.EnumerateArray()) Write(writer, field.Shape, element, inner);
    }
}
