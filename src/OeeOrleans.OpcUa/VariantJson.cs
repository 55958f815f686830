using System.Globalization;
using System.Text.Json;

namespace OeeOrleans.OpcUa;

/// <summary>
/// JSON as values of the built-in types: numbers, `"NaN"`, times in ISO 8601, byte strings in base64, node ids and status codes as text,
/// arrays as arrays, of several dimensions as arrays of arrays.
/// </summary>
public static class VariantJson
{
    /// <param name="json">The value.</param>
    /// <param name="type">Type of the node's values, or of their elements.</param>
    /// <param name="rank">The node's ValueRank (OPC 10000-3, 5.6.2): -1 scalar, 1 and more dimensions, -2 either.</param>
    /// <exception cref="FormatException">It is none of that type; the message says what would be.</exception>
    public static Variant Parse(JsonElement json, BuiltInType type, int rank)
    {
        if (json.ValueKind == JsonValueKind.Null) throw new FormatException($"null is no {type}; {Example(type)} is");
        if (json.ValueKind != JsonValueKind.Array)
        {
            if (rank >= 0) throw new FormatException($"the node holds an array of {type}, and {json.GetRawText()} is none; [1,2] is "
                + "written as one");
            return Scalar(json, type);
        }

        if (rank == -1) throw new FormatException($"the node holds one {type}, and {json.GetRawText()} is an array");
        var elements = new List<JsonElement>();
        var dimensions = new List<int>();
        Flatten(json, 0, dimensions, elements);
        var array = Array.CreateInstance(Variant.ClrType(type), elements.Count);
        for (var i = 0; i < elements.Count; i++)
        {
            var element = Scalar(elements[i], type);
            array.SetValue(type == BuiltInType.Variant ? element : element.Value, i);
        }

        if (dimensions.Count > 1) return Variant.Matrix(array, [.. dimensions]);
        return type == BuiltInType.Byte ? Variant.ByteArray((byte[])array) : Variant.From(array);
    }

    private static void Flatten(JsonElement json, int depth, List<int> dimensions, List<JsonElement> elements)
    {
        if (json.ValueKind != JsonValueKind.Array)
        {
            if (depth != dimensions.Count) throw new FormatException("the rows of an array of several dimensions are equally deep");
            elements.Add(json);
            return;
        }

        var length = json.GetArrayLength();
        if (depth == dimensions.Count && elements.Count == 0) dimensions.Add(length);
        else if (depth >= dimensions.Count || dimensions[depth] != length) throw new FormatException(
            "the rows of an array of several dimensions are equally long");
        foreach (var element in json.EnumerateArray()) Flatten(element, depth + 1, dimensions, elements);
    }

    internal static Variant Scalar(JsonElement json, BuiltInType type)
    {
        try
        {
            return Parse(json, type);
        }
        catch (Exception error) when (error is FormatException or InvalidOperationException or OverflowException)
        {
            throw new FormatException($"{json.GetRawText()} is no {type}; {Example(type)} is", error);
        }
    }

    private static Variant Parse(JsonElement json, BuiltInType type) => type switch
    {
        BuiltInType.Boolean => json.ValueKind == JsonValueKind.String ? bool.Parse(json.GetString()!) : json.GetBoolean(),
        BuiltInType.SByte => sbyte.Parse(Number(json), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture),
        BuiltInType.Byte => byte.Parse(Number(json), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture),
        BuiltInType.Int16 => short.Parse(Number(json), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture),
        BuiltInType.UInt16 => ushort.Parse(Number(json), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture),
        BuiltInType.Int32 => int.Parse(Number(json), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture),
        BuiltInType.UInt32 => uint.Parse(Number(json), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture),
        BuiltInType.Int64 => long.Parse(Number(json), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture),
        BuiltInType.UInt64 => ulong.Parse(Number(json), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture),
        BuiltInType.Float => Single(json),
        BuiltInType.Double => Real(json),
        BuiltInType.String => json.ValueKind == JsonValueKind.String ? json.GetString() : json.GetRawText(),
        BuiltInType.DateTime => DateTime.Parse(
            Text(json), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal),
        BuiltInType.Guid => Variant.From(Guid.Parse(Text(json))),
        BuiltInType.ByteString => Variant.From(Convert.FromBase64String(Text(json))),
        BuiltInType.XmlElement => Variant.From(new XmlElement(Text(json))),
        BuiltInType.NodeId => Variant.From(NodeId.Parse(Text(json))),
        BuiltInType.ExpandedNodeId => Variant.From(ExpandedNodeId.Parse(Text(json))),
        BuiltInType.StatusCode => Variant.From(Status(json)),
        BuiltInType.QualifiedName => Variant.From(QualifiedName.Parse(Text(json))),
        BuiltInType.LocalizedText => Variant.From(new LocalizedText(Text(json))),
        BuiltInType.Variant => Guess(json),
        _ => throw new FormatException($"a {type} cannot be written"),
    };

    private static Variant Guess(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.True or JsonValueKind.False => json.GetBoolean(),
        JsonValueKind.Number => json.TryGetInt64(out var whole) ? whole : json.GetDouble(),
        _ => json.ValueKind == JsonValueKind.String ? json.GetString() : json.GetRawText(),
    };

    private static StatusCode Status(JsonElement json) => json.ValueKind == JsonValueKind.Number
        ? new StatusCode(json.GetUInt32())
        : StatusCode.Parse(Text(json));

    /// <summary>A finite number that is too large is no infinity; `1,5` is no number at all.</summary>
    private static double Real(JsonElement json)
    {
        var value = double.Parse(Number(json), NumberStyles.Float, CultureInfo.InvariantCulture);
        return double.IsInfinity(value) && !IsInfinity(json) ? throw new FormatException("too large") : value;
    }

    private static float Single(JsonElement json)
    {
        var value = float.Parse(Number(json), NumberStyles.Float, CultureInfo.InvariantCulture);
        return float.IsInfinity(value) && !IsInfinity(json) ? throw new FormatException("too large") : value;
    }

    private static bool IsInfinity(JsonElement json) => Number(json) is "Infinity" or "-Infinity";

    /// <summary>Text may hold a number as well: `"NaN"` has no other way.</summary>
    private static string Number(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Number => json.GetRawText(),
        JsonValueKind.String => json.GetString()!,
        _ => throw new FormatException("no number"),
    };

    private static string Text(JsonElement json) => json.ValueKind == JsonValueKind.String ? json.GetString()!
        : throw new FormatException("no text");

    private static string Example(BuiltInType type) => type switch
    {
        BuiltInType.Boolean => "true",
        BuiltInType.Float or BuiltInType.Double => "1.5 or \"NaN\"",
        BuiltInType.DateTime => "\"2026-11-27T12:00:00Z\"",
        BuiltInType.Guid => "\"72962b91-fa75-4ae6-8d28-b404dc7daf63\"",
        BuiltInType.ByteString => "\"AAEC\" (base64)",
        BuiltInType.NodeId or BuiltInType.ExpandedNodeId => "\"ns=2;s=Temp\"",
        BuiltInType.StatusCode => "\"BadNoData\"",
        BuiltInType.QualifiedName => "\"2:Name\"",
        >= BuiltInType.SByte and <= BuiltInType.UInt64 => "a whole number in its range",
        _ => "\"text\"",
    };
}
