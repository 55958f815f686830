using System.Text;
using System.Text.Json;

namespace OeeOrleans.Sparkplug.Payload;

/// <summary>PropertySets: keys and values in two parallel repeated fields (Sparkplug 3.0 section 6.4.8). PropertyValue: 1 type, 2 is_null,
/// 3 int, 4 long, 5 float, 6 double, 7 boolean, 8 string, 9 property set, 10 property set list.</summary>
public static class SparkplugProperties
{
    /// <summary>An integer property by its key, ignoring case; false when it is not there or null.</summary>
    public static bool TryGetInteger(scoped in MetricView metric, ReadOnlySpan<byte> key, out long value)
    {
        value = 0;
        if (!metric.HasProperties || !TryFind(metric.Properties, metric.PropertiesOffset, key, out var property) || property.IsNull)
        {
            return false;
        }

        if (property.Field is not (ValueField.Int or ValueField.Long)) return false;
        value = MetricValue.IsSigned(property.Type)
            ? MetricValue.Signed(property.Type, property.Bits)
            : (long)MetricValue.Unsigned(property.Type, property.Field, property.Bits);
        return true;
    }

    /// <summary>A string property by its key, ignoring case; null when it is not there.</summary>
    public static string? GetString(scoped in MetricView metric, ReadOnlySpan<byte> key) =>
        metric.HasProperties
            && TryFind(metric.Properties, metric.PropertiesOffset, key, out var property)
            && property is { IsNull: false, Field: ValueField.String }
            ? Encoding.UTF8.GetString(property.Content)
            : null;

    internal static void Write(Utf8JsonWriter json, ReadOnlySpan<byte> set, int offset, int depth)
    {
        SparkplugJson.CheckDepth(depth, offset);
        json.WriteStartObject();
        var keys = new ProtobufReader(set, offset);
        var values = new ProtobufReader(set, offset);
        while (Seek(ref keys, 1))
        {
            var key = keys.ReadBytes(out var keyAt);
            if (!Seek(ref values, 2)) SparkplugFormatException.Throw("a property has a key but no value", keyAt);
            json.WritePropertyName(Payload.Text.Checked(key, keyAt, "property key"));
            var value = values.ReadBytes(out var valueAt);
            WriteProperty(json, value, valueAt, depth);
        }

        if (Seek(ref values, 2)) SparkplugFormatException.Throw("a property has a value but no key", values.Offset);
        json.WriteEndObject();
    }

    private static void WriteProperty(Utf8JsonWriter json, ReadOnlySpan<byte> bytes, int offset, int depth)
    {
        var property = Property.Read(bytes, offset);
        if (property.IsNull) json.WriteNullValue();
        else if (property.NestedSet) Write(json, property.Content, property.ContentOffset, depth + 1);
        else if (property.NestedList)
        {
            json.WriteStartArray();
            var list = new ProtobufReader(property.Content, property.ContentOffset);
            while (Seek(ref list, 1))
            {
                var set = list.ReadBytes(out var at);
                Write(json, set, at, depth + 1);
            }

            json.WriteEndArray();
        }
        else
        {
            SparkplugJson.WriteValue(json, property.Type, property.Field, property.Bits, property.Content, property.ContentOffset, depth);
        }
    }

    private static bool TryFind(ReadOnlySpan<byte> set, int offset, scoped ReadOnlySpan<byte> wanted, out Property property)
    {
        var keys = new ProtobufReader(set, offset);
        var values = new ProtobufReader(set, offset);
        while (Seek(ref keys, 1) && Seek(ref values, 2))
        {
            var key = keys.ReadBytes(out _);
            var value = values.ReadBytes(out var at);
            if (!Ascii.EqualsIgnoreCase(key, wanted)) continue;
            property = Property.Read(value, at);
            return true;
        }

        property = default;
        return false;
    }

    /// <summary>Stands at the next length-delimited field of a number; false at the end.</summary>
    private static bool Seek(ref ProtobufReader reader, int wanted)
    {
        while (!reader.AtEnd)
        {
            var field = reader.ReadTag(out var wire);
            if (field == wanted)
            {
                reader.Expect(wire, ProtobufReader.Length, "property");
                return true;
            }

            reader.Skip(wire);
        }

        return false;
    }

    private ref struct Property
    {
        public SparkplugDataType Type;
        public bool IsNull;
        public ValueField Field;
        public ulong Bits;
        public ReadOnlySpan<byte> Content;
        public int ContentOffset;
        public bool NestedSet;
        public bool NestedList;

        public static Property Read(ReadOnlySpan<byte> bytes, int offset)
        {
            var reader = new ProtobufReader(bytes, offset);
            var property = default(Property);
            while (!reader.AtEnd)
            {
                var field = reader.ReadTag(out var wire);
                switch (field)
                {
                    case 1 when wire == ProtobufReader.Varint: property.Type = MetricView.ReadDataType(ref reader); break;
                    case 2 when wire == ProtobufReader.Varint: property.IsNull = reader.ReadVarint() != 0; break;
                    case 3 or 4 or 7 when wire == ProtobufReader.Varint:
                        property.Field = field switch { 3 => ValueField.Int, 4 => ValueField.Long, _ => ValueField.Boolean };
                        property.Bits = reader.ReadVarint();
                        break;
                    case 5 when wire == ProtobufReader.Fixed32:
                        property.Field = ValueField.Float;
                        property.Bits = reader.ReadFixed32();
                        break;
                    case 6 when wire == ProtobufReader.Fixed64:
                        property.Field = ValueField.Double;
                        property.Bits = reader.ReadFixed64();
                        break;
                    case 8 or 9 or 10 when wire == ProtobufReader.Length:
                        property.Content = reader.ReadBytes(out property.ContentOffset);
                        property.Field = field == 8 ? ValueField.String : ValueField.Extension;
                        (property.NestedSet, property.NestedList) = (field == 9, field == 10);
                        if (field == 8) Payload.Text.Checked(property.Content, property.ContentOffset, "string property");
                        break;
                    default: reader.Skip(wire); break;
                }
            }

            return property;
        }
    }
}
