using System.Runtime.CompilerServices;

namespace OeeOrleans.Sparkplug.Payload;

/// <summary>One metric, as a view into the payload's bytes: valid only while they are.</summary>
public ref struct MetricView
{
    // Places instead of spans: the view is filled for every metric, and what is small is quickly cleared.
    private ReadOnlySpan<byte> _bytes;
    private (int At, int Length) _name;
    private (int At, int Length) _content;
    private (int At, int Length) _properties;
    private ulong _alias;
    private ulong _timestamp;
    private Present _present;

    [Flags]
    private enum Present : byte
    {
        Name = 1,
        Alias = 2,
        Timestamp = 4,
        Properties = 8,
        Historical = 16,
        Transient = 32,
        Null = 64,
    }

    public readonly ReadOnlySpan<byte> Name => _bytes.Slice(_name.At, _name.Length);
    public readonly bool HasName => (_present & Present.Name) != 0;
    public readonly ulong? Alias => (_present & Present.Alias) != 0 ? _alias : null;
    /// <summary>Source time, milliseconds since 1970 UTC; null when absent.</summary>
    public readonly ulong? Timestamp => (_present & Present.Timestamp) != 0 ? _timestamp : null;
    /// <summary><see cref="SparkplugDataType.Unknown"/> when absent (allowed in data messages).</summary>
    public SparkplugDataType DataType { get; private set; }
    public readonly bool IsHistorical => (_present & Present.Historical) != 0;
    public readonly bool IsTransient => (_present & Present.Transient) != 0;
    public readonly bool IsNull => (_present & Present.Null) != 0;
    public ValueField Field { get; private set; }
    /// <summary>Bits of a scalar value as they travelled.</summary>
    public ulong Bits { get; private set; }
    /// <summary>Content of a string, bytes, data set, template or extension.</summary>
    public readonly ReadOnlySpan<byte> Content => _bytes.Slice(_content.At, _content.Length);
    public readonly int ContentOffset => Offset + _content.At;
    public readonly ReadOnlySpan<byte> Properties => _bytes.Slice(_properties.At, _properties.Length);
    public readonly int PropertiesOffset => Offset + _properties.At;
    public readonly bool HasProperties => (_present & Present.Properties) != 0;
    /// <summary>Where the metric starts in the payload.</summary>
    public int Offset { get; private set; }

    internal static MetricView Read(ReadOnlySpan<byte> bytes, int offset)
    {
        Read(bytes, offset, out var metric);
        return metric;
    }

    /// <summary>Fills the view in place: it is large, and copying it would cost as much as reading it.</summary>
    internal static void Read(ReadOnlySpan<byte> bytes, int offset, out MetricView metric)
    {
        var reader = new ProtobufReader(bytes, offset);
        metric = default;
        metric._bytes = bytes;
        metric.Offset = offset;
        // A value by alias, as data messages have it: the fields that are nearly always there, in their order. Whatever is left goes the
        // long way.
        if (reader.TryTake(2, ProtobufReader.Varint))
        {
            metric._alias = reader.ReadVarint();
            metric._present = Present.Alias;
        }

        if (reader.TryTake(3, ProtobufReader.Varint))
        {
            metric._timestamp = reader.ReadVarint();
            metric._present |= Present.Timestamp;
        }

        if (reader.TryTake(13, ProtobufReader.Fixed64))
        {
            metric.Field = ValueField.Double;
            metric.Bits = reader.ReadFixed64();
        }

        while (!reader.AtEnd)
        {
            var field = reader.ReadTag(out var wire);
            switch (field)
            {
                case 1:
                    reader.Expect(wire, ProtobufReader.Length, "metric name");
                    metric._name.Length = Text.Checked(reader.ReadBytes(out var nameAt), nameAt, "metric name").Length;
                    metric._name.At = nameAt - offset;
                    metric._present |= Present.Name;
                    break;
                case 2:
                    reader.Expect(wire, ProtobufReader.Varint, "alias");
                    metric._alias = reader.ReadVarint();
                    metric._present |= Present.Alias;
                    break;
                case 3:
                    reader.Expect(wire, ProtobufReader.Varint, "metric timestamp");
                    metric._timestamp = reader.ReadVarint();
                    metric._present |= Present.Timestamp;
                    break;
                case 4:
                    reader.Expect(wire, ProtobufReader.Varint, "datatype");
                    metric.DataType = ReadDataType(ref reader);
                    break;
                case 5:
                    reader.Expect(wire, ProtobufReader.Varint, "is_historical");
                    metric.Mark(Present.Historical, reader.ReadVarint() != 0);
                    break;
                case 6:
                    reader.Expect(wire, ProtobufReader.Varint, "is_transient");
                    metric.Mark(Present.Transient, reader.ReadVarint() != 0);
                    break;
                case 7:
                    reader.Expect(wire, ProtobufReader.Varint, "is_null");
                    metric.Mark(Present.Null, reader.ReadVarint() != 0);
                    break;
                case 9:
                    reader.Expect(wire, ProtobufReader.Length, "properties");
                    metric._properties.Length = reader.ReadBytes(out var propertiesAt).Length;
                    metric._properties.At = propertiesAt - offset;
                    metric._present |= Present.Properties;
                    break;
                case 13:
                    reader.Expect(wire, ProtobufReader.Fixed64, "double value");
                    metric.Field = ValueField.Double;
                    metric.Bits = reader.ReadFixed64();
                    break;
                case 10 or 11 or 14:
                    reader.Expect(wire, ProtobufReader.Varint, "value");
                    metric.Field = (ValueField)field;
                    metric.Bits = reader.ReadVarint();
                    break;
                case 12:
                    reader.Expect(wire, ProtobufReader.Fixed32, "float value");
                    metric.Field = ValueField.Float;
                    metric.Bits = reader.ReadFixed32();
                    break;
                case >= 15 and <= 19:
                    reader.Expect(wire, ProtobufReader.Length, "value");
                    metric.Field = (ValueField)field;
                    metric._content.Length = reader.ReadBytes(out var contentAt).Length;
                    metric._content.At = contentAt - offset;
                    if (metric.Field == ValueField.String) Text.Checked(metric.Content, contentAt, "string value");
                    break;
                default:
                    reader.Skip(wire);
                    break;
            }
        }

        if (metric.DataType != SparkplugDataType.Unknown && !metric.IsNull && metric.Field != ValueField.None)
        {
            MetricValue.CheckField(metric.DataType, metric.Field, metric.Content, metric.ContentOffset, offset);
        }
    }

    /// <summary>A number or boolean (0/1) as a double; false for everything else. 64-bit integers beyond 2^53 lose digits here.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly bool TryGetDouble(SparkplugDataType type, out double value)
    {
        if (Field != ValueField.Double) return MetricValue.TryGetDouble(type, Field, Bits, out value);
        value = BitConverter.UInt64BitsToDouble(Bits);
        return true;
    }

    private void Mark(Present flag, bool set) => _present = set ? _present | flag : _present & ~flag;

    internal static SparkplugDataType ReadDataType(scoped ref ProtobufReader reader)
    {
        var at = reader.Offset;
        var number = reader.ReadVarint();
        if (number > SparkplugLimits.MaxDataType)
        {
            SparkplugFormatException.Throw($"datatype {number} is unknown; Sparkplug 3.0 has 1..34", at);
        }

        return (SparkplugDataType)number;
    }
}
