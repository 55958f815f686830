using System.Buffers.Binary;
using System.Text.Json;

namespace OeeOrleans.Sparkplug.Payload;

/// <summary>A payload as JSON: what `oee sparkplug decode` prints. Integers as numbers in full, NaN and infinities as strings, DateTime as
/// milliseconds, Bytes and File as base64, absent fields null.</summary>
public static class SparkplugJson
{
    /// <exception cref="SparkplugFormatException">The payload is malformed anywhere, nested parts included.</exception>
    public static void Write(Utf8JsonWriter json, ReadOnlySpan<byte> payload)
    {
        var reader = new SparkplugPayloadReader(payload);
        json.WriteStartObject();
        Number(json, "timestamp", reader.Timestamp);
        Number(json, "seq", reader.Seq);
        if (reader.HasUuid) json.WriteString("uuid", reader.Uuid);
        else json.WriteNull("uuid");
        if (reader.HasBody) json.WriteBase64String("body", reader.Body);
        else json.WriteNull("body");
        json.WriteStartArray("metrics");
        while (reader.TryReadMetric(out var metric)) Write(json, metric, 0);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Only the value of a metric, under the datatype it was born with.</summary>
    public static void WriteValue(Utf8JsonWriter json, scoped in MetricView metric, SparkplugDataType type) =>
        WriteValue(json, type, metric.IsNull ? ValueField.None : metric.Field, metric.Bits, metric.Content, metric.ContentOffset, 0);

    internal static void Write(Utf8JsonWriter json, scoped in MetricView metric, int depth)
    {
        json.WriteStartObject();
        if (metric.HasName) json.WriteString("name", metric.Name);
        else json.WriteNull("name");
        Number(json, "alias", metric.Alias);
        Number(json, "timestamp", metric.Timestamp);
        if (metric.DataType == SparkplugDataType.Unknown) json.WriteNull("datatype");
        else json.WriteString("datatype", metric.DataType.ToString());
        json.WriteBoolean("is_historical", metric.IsHistorical);
        json.WriteBoolean("is_transient", metric.IsTransient);
        json.WriteBoolean("is_null", metric.IsNull);
        json.WritePropertyName("value");
        WriteValue(
            json, metric.DataType, metric.IsNull ? ValueField.None : metric.Field, metric.Bits, metric.Content, metric.ContentOffset,
            depth);
        if (metric.HasProperties)
        {
            json.WritePropertyName("properties");
            SparkplugProperties.Write(json, metric.Properties, metric.PropertiesOffset, depth + 1);
        }

        json.WriteEndObject();
    }

    internal static void WriteValue(
        Utf8JsonWriter json, SparkplugDataType type, ValueField field, ulong bits, ReadOnlySpan<byte> content, int offset, int depth)
    {
        switch (field)
        {
            case ValueField.None:
                json.WriteNullValue();
                break;
            case ValueField.Int or ValueField.Long when type == SparkplugDataType.Boolean:
            case ValueField.Boolean:
                json.WriteBooleanValue(bits != 0);
                break;
            case ValueField.Int or ValueField.Long when MetricValue.IsSigned(type):
                json.WriteNumberValue(MetricValue.Signed(type, bits));
                break;
            case ValueField.Int or ValueField.Long:
                json.WriteNumberValue(MetricValue.Unsigned(type, field, bits));
                break;
            case ValueField.Float:
                Real(json, BitConverter.UInt32BitsToSingle((uint)bits));
                break;
            case ValueField.Double:
                Real(json, BitConverter.UInt64BitsToDouble(bits));
                break;
            case ValueField.String:
                json.WriteStringValue(content);
                break;
            case ValueField.DataSet:
                SparkplugDataSets.Write(json, content, offset);
                break;
            case ValueField.Template:
                SparkplugTemplates.Write(json, content, offset, depth + 1);
                break;
            case ValueField.Bytes when MetricValue.IsArray(type):
                WriteArray(json, type, content);
                break;
            default:
                json.WriteBase64StringValue(content);
                break;
        }
    }

    internal static void Real(Utf8JsonWriter json, double value)
    {
        if (double.IsFinite(value)) json.WriteNumberValue(value);
        else if (double.IsNaN(value)) json.WriteStringValue("NaN");
        else json.WriteStringValue(value > 0 ? "Infinity" : "-Infinity");
    }

    internal static void CheckDepth(int depth, int offset)
    {
        if (depth > SparkplugLimits.MaxNesting)
        {
            SparkplugFormatException.Throw($"nested deeper than {SparkplugLimits.MaxNesting} levels", offset);
        }
    }

    private static void WriteArray(Utf8JsonWriter json, SparkplugDataType type, ReadOnlySpan<byte> content)
    {
        json.WriteStartArray();
        if (type == SparkplugDataType.BooleanArray)
        {
            var count = BinaryPrimitives.ReadUInt32LittleEndian(content);
            for (var i = 0; i < count; i++) json.WriteBooleanValue((content[4 + (i / 8)] & (0x80 >> (i % 8))) != 0);
        }
        else if (type == SparkplugDataType.StringArray)
        {
            while (content.Length > 0)
            {
                var end = content.IndexOf((byte)0);
                json.WriteStringValue(content[..end]);
                content = content[(end + 1)..];
            }
        }
        else
        {
            var size = MetricValue.ElementSize(type);
            for (; content.Length > 0; content = content[size..]) WriteElement(json, type, content);
        }

        json.WriteEndArray();
    }

    private static void WriteElement(Utf8JsonWriter json, SparkplugDataType type, ReadOnlySpan<byte> at)
    {
        switch (type)
        {
            case SparkplugDataType.Int8Array: json.WriteNumberValue((sbyte)at[0]); break;
            case SparkplugDataType.UInt8Array: json.WriteNumberValue(at[0]); break;
            case SparkplugDataType.Int16Array: json.WriteNumberValue(BinaryPrimitives.ReadInt16LittleEndian(at)); break;
            case SparkplugDataType.UInt16Array: json.WriteNumberValue(BinaryPrimitives.ReadUInt16LittleEndian(at)); break;
            case SparkplugDataType.Int32Array: json.WriteNumberValue(BinaryPrimitives.ReadInt32LittleEndian(at)); break;
            case SparkplugDataType.UInt32Array: json.WriteNumberValue(BinaryPrimitives.ReadUInt32LittleEndian(at)); break;
            case SparkplugDataType.Int64Array: json.WriteNumberValue(BinaryPrimitives.ReadInt64LittleEndian(at)); break;
            case SparkplugDataType.UInt64Array or SparkplugDataType.DateTimeArray:
                json.WriteNumberValue(BinaryPrimitives.ReadUInt64LittleEndian(at));
                break;
            case SparkplugDataType.FloatArray: Real(json, BinaryPrimitives.ReadSingleLittleEndian(at)); break;
            default: Real(json, BinaryPrimitives.ReadDoubleLittleEndian(at)); break;
        }
    }

    internal static void Number(Utf8JsonWriter json, string name, ulong? value)
    {
        if (value is { } number) json.WriteNumber(name, number);
        else json.WriteNull(name);
    }
}
