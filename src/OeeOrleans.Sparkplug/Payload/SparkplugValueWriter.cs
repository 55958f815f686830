using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace OeeOrleans.Sparkplug.Payload;

/// <summary>
/// Writes heads and values of metrics: scalars, arrays, data sets, templates, property sets (Sparkplug 3.0 sections 6.4.7 to 6.4.17).
/// </summary>
internal static class SparkplugValueWriter
{
    public static void Head(ArrayBufferWriter<byte> to, in MetricHead head)
    {
        if (head.Name is { } name) ProtobufWriter.Utf8(to, 1, name);
        if (head.Alias is { } alias) ProtobufWriter.Varint(to, 2, alias);
        if (head.TimestampMs != 0) ProtobufWriter.Varint(to, 3, head.TimestampMs);
        if (head.Type != SparkplugDataType.Unknown) ProtobufWriter.Varint(to, 4, (byte)head.Type);
        if (head.Historical) ProtobufWriter.Varint(to, 5, 1);
        if (head.Transient) ProtobufWriter.Varint(to, 6, 1);
        if (head.Metadata is { } metadata) Nested(to, 8, metadata, Metadata);
        if (head.Properties is { } properties) Nested(to, 9, properties, Properties);
    }

    public static void Value(ArrayBufferWriter<byte> to, SparkplugDataType type, object? value)
    {
        if (value is null)
        {
            ProtobufWriter.Varint(to, 7, 1);
            return;
        }

        if (MetricValue.IsArray(type))
        {
            ProtobufWriter.Bytes(
                to, (int)ValueField.Bytes,
                value is byte[] packed && type is not (SparkplugDataType.UInt8Array or SparkplugDataType.Int8Array)
                    ? packed
                    : Array(type, (System.Collections.IEnumerable)value));
            return;
        }

        switch (value)
        {
            case DataSet set when type is SparkplugDataType.DataSet or SparkplugDataType.Unknown:
                Nested(to, (int)ValueField.DataSet, set, Rows);
                break;
            case Template template when type is SparkplugDataType.Template or SparkplugDataType.Unknown:
                Nested(to, (int)ValueField.Template, template, Write);
                break;
            case byte[] bytes when type is SparkplugDataType.Bytes or SparkplugDataType.File or SparkplugDataType.Unknown:
                ProtobufWriter.Bytes(to, (int)ValueField.Bytes, bytes);
                break;
            default: Scalar(to, type, value, (int)ValueField.Int); break;
        }
    }

    /// <summary>
    /// Scalars have the same order of fields in metrics (from 10), properties (from 3), parameters (from 3) and data sets (from 1): int,
    /// long, float, double, boolean, string.
    /// </summary>
    private static void Scalar(ArrayBufferWriter<byte> to, SparkplugDataType type, object value, int first)
    {
        switch (type)
        {
            case SparkplugDataType.Boolean: ProtobufWriter.Varint(to, first + 4, (bool)value ? 1UL : 0); break;
            case SparkplugDataType.Float:
                ProtobufWriter.Fixed32(to, first + 2, BitConverter.SingleToUInt32Bits(Convert.ToSingle(value, null)));
                break;
            case SparkplugDataType.Double:
                ProtobufWriter.Fixed64(to, first + 3, BitConverter.DoubleToUInt64Bits(Convert.ToDouble(value, null)));
                break;
            case SparkplugDataType.String or SparkplugDataType.Text or SparkplugDataType.UUID:
                ProtobufWriter.Utf8(to, first + 5, (string)value);
                break;
            case var integer when MetricValue.IsInteger(integer):
                var bits = value is ulong unsigned ? unsigned : (ulong)Convert.ToInt64(value, null);
                if (MetricValue.IsWide(
                    integer)) ProtobufWriter.Varint(to, first + 1, integer == SparkplugDataType.UInt32 ? (uint)bits : bits);
                else ProtobufWriter.Varint(to, first, (uint)bits);
                break;
            // Without a datatype the kind of the value says which field it takes.
            case SparkplugDataType.Unknown when value is bool flag: ProtobufWriter.Varint(to, first + 4, flag ? 1UL : 0); break;
            case SparkplugDataType.Unknown when value is string text: ProtobufWriter.Utf8(to, first + 5, text); break;
            case SparkplugDataType.Unknown when value is double number:
                ProtobufWriter.Fixed64(to, first + 3, BitConverter.DoubleToUInt64Bits(number));
                break;
            case SparkplugDataType.Unknown when value is float number:
                ProtobufWriter.Fixed32(to, first + 2, BitConverter.SingleToUInt32Bits(number));
                break;
            case SparkplugDataType.Unknown:
                ProtobufWriter.Varint(to, first + 1, value is ulong big ? big : (ulong)Convert.ToInt64(value, null));
                break;
            default: throw new ArgumentException($"a {value.GetType().Name} cannot travel as {type}", nameof(value));
        }
    }

    private static void Metadata(ArrayBufferWriter<byte> to, MetricMetadata m)
    {
        if (m.IsMultiPart is { } multi) ProtobufWriter.Varint(to, 1, multi ? 1UL : 0);
        if (m.ContentType is { } content) ProtobufWriter.Utf8(to, 2, content);
        if (m.Size is { } size) ProtobufWriter.Varint(to, 3, size);
        if (m.Seq is { } seq) ProtobufWriter.Varint(to, 4, seq);
        if (m.FileName is { } name) ProtobufWriter.Utf8(to, 5, name);
        if (m.FileType is { } type) ProtobufWriter.Utf8(to, 6, type);
        if (m.Md5 is { } md5) ProtobufWriter.Utf8(to, 7, md5);
        if (m.Description is { } description) ProtobufWriter.Utf8(to, 8, description);
    }

    private static void Properties(ArrayBufferWriter<byte> to, PropertySet set)
    {
        foreach (var (key, _) in set.Entries) ProtobufWriter.Utf8(to, 1, key);
        foreach (var (_, value) in set.Entries) Nested(to, 2, value, Property);
    }

    private static void Property(ArrayBufferWriter<byte> to, PropertyValue property)
    {
        ProtobufWriter.Varint(to, 1, (byte)property.Type);
        switch (property.Value)
        {
            case null: ProtobufWriter.Varint(to, 2, 1); break;
            case PropertySet set: Nested(to, 9, set, Properties); break;
            case IReadOnlyList<PropertySet> list:
                Nested(to, 10, list, static (buffer, sets) =>
            {
                foreach (var set in sets) Nested(buffer, 1, set, Properties);
            });
                break;
            default: Scalar(to, property.Type, property.Value, 3); break;
        }
    }

    private static void Rows(ArrayBufferWriter<byte> to, DataSet set)
    {
        if (set.Columns.Count != set.Types.Count)
        {
            throw new ArgumentException($"a data set has {set.Columns.Count} columns and {set.Types.Count} types", nameof(set));
        }

        ProtobufWriter.Varint(to, 1, (ulong)set.Columns.Count);
        foreach (var column in set.Columns) ProtobufWriter.Utf8(to, 2, column);
        foreach (var type in set.Types) ProtobufWriter.Varint(to, 3, (byte)type);
        foreach (var row in set.Rows)
        {
            if (row.Count != set.Types.Count)
            {
                throw new ArgumentException($"a row has {row.Count} elements for {set.Types.Count} columns", nameof(set));
            }

            Nested(to, 4, (row, set.Types), static (buffer, r) =>
            {
                for (var i = 0; i < r.row.Count; i++)
                {
                    Nested(buffer, 1, (Value: r.row[i], Type: r.Types[i]), static (element, e) =>
                    {
                        if (e.Value is not null) Scalar(element, e.Type, e.Value, 1);
                    });
                }
            });
        }
    }

    private static void Write(ArrayBufferWriter<byte> to, Template template)
    {
        if (template.Version is { } version) ProtobufWriter.Utf8(to, 1, version);
        foreach (var metric in template.Metrics)
        {
            Nested(to, 2, metric, static (buffer, m) =>
            {
                Head(buffer, m.Head);
                Value(buffer, m.Head.Type, m.Value);
            });
        }

        foreach (var parameter in template.Parameters)
        {
            Nested(to, 3, parameter, static (buffer, p) =>
            {
                ProtobufWriter.Utf8(buffer, 1, p.Name);
                ProtobufWriter.Varint(buffer, 2, (byte)p.Type);
                if (p.Value is not null) Scalar(buffer, p.Type, p.Value, 3);
            });
        }

        if (template.Reference is { } reference) ProtobufWriter.Utf8(to, 4, reference);
        ProtobufWriter.Varint(to, 5, template.IsDefinition ? 1UL : 0);
    }

    private static byte[] Array(SparkplugDataType type, System.Collections.IEnumerable values)
    {
        var to = new ArrayBufferWriter<byte>(64);
        if (type == SparkplugDataType.BooleanArray)
        {
            var flags = values.Cast<bool>().ToArray();
            BinaryPrimitives.WriteInt32LittleEndian(to.GetSpan(4), flags.Length);
            to.Advance(4);
            var bits = new byte[(flags.Length + 7) / 8];
            for (var i = 0; i < flags.Length; i++) bits[i / 8] |= (byte)(flags[i] ? 0x80 >> (i % 8) : 0);
            to.Write(bits);
            return to.WrittenSpan.ToArray();
        }

        foreach (var value in values)
        {
            var span = to.GetSpan(8);
            switch (type)
            {
                case SparkplugDataType.StringArray:
                    to.Write(Encoding.UTF8.GetBytes((string)value));
                    to.Write([(byte)0]);
                    continue;
                case SparkplugDataType.FloatArray: BinaryPrimitives.WriteSingleLittleEndian(span, Convert.ToSingle(value, null)); break;
                case SparkplugDataType.DoubleArray: BinaryPrimitives.WriteDoubleLittleEndian(span, Convert.ToDouble(value, null)); break;
                default:
                    BinaryPrimitives.WriteUInt64LittleEndian(
                        span, value is ulong unsigned ? unsigned : (ulong)Convert.ToInt64(value, null));
                    break;
            }

            to.Advance(MetricValue.ElementSize(type));
        }

        return to.WrittenSpan.ToArray();
    }

    /// <summary>A nested message: its length stands before it, so it is written aside first.</summary>
    private static void Nested<T>(ArrayBufferWriter<byte> to, int field, T value, Action<ArrayBufferWriter<byte>, T> write)
    {
        var content = new ArrayBufferWriter<byte>(128);
        write(content, value);
        ProtobufWriter.Bytes(to, field, content.WrittenSpan);
    }
}
