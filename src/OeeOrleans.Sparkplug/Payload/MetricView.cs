namespace OeeOrleans.Sparkplug.Payload;

/// <summary>One metric, as a view into the payload's bytes: valid only while they are.</summary>
public ref struct MetricView
{
    public ReadOnlySpan<byte> Name { get; private set; }
    public bool HasName { get; private set; }
    public ulong? Alias { get; private set; }
    /// <summary>Source time, milliseconds since 1970 UTC; null when absent.</summary>
    public ulong? Timestamp { get; private set; }
    /// <summary><see cref="SparkplugDataType.Unknown"/> when absent (allowed in data messages).</summary>
    public SparkplugDataType DataType { get; private set; }
    public bool IsHistorical { get; private set; }
    public bool IsTransient { get; private set; }
    public bool IsNull { get; private set; }
    public ValueField Field { get; private set; }
    /// <summary>Bits of a scalar value as they travelled.</summary>
    public ulong Bits { get; private set; }
    /// <summary>Content of a string, bytes, data set, template or extension.</summary>
    public ReadOnlySpan<byte> Content { get; private set; }
    public int ContentOffset { get; private set; }
    public ReadOnlySpan<byte> Properties { get; private set; }
    public int PropertiesOffset { get; private set; }
    public bool HasProperties { get; private set; }
    /// <summary>Where the metric starts in the payload.</summary>
    public int Offset { get; private set; }

    internal static MetricView Read(ReadOnlySpan<byte> bytes, int offset)
    {
        var reader = new ProtobufReader(bytes, offset);
        var metric = new MetricView { Offset = offset };
        while (!reader.AtEnd)
        {
            var field = reader.ReadTag(out var wire);
            switch (field)
            {
                case 1:
                    reader.Expect(wire, ProtobufReader.Length, "metric name");
                    metric.Name = Text.Checked(reader.ReadBytes(out var nameAt), nameAt, "metric name");
                    metric.HasName = true;
                    break;
                case 2:
                    reader.Expect(wire, ProtobufReader.Varint, "alias");
                    metric.Alias = reader.ReadVarint();
                    break;
                case 3:
                    reader.Expect(wire, ProtobufReader.Varint, "metric timestamp");
                    metric.Timestamp = reader.ReadVarint();
                    break;
                case 4:
                    reader.Expect(wire, ProtobufReader.Varint, "datatype");
                    metric.DataType = ReadDataType(ref reader);
                    break;
                case 5:
                    reader.Expect(wire, ProtobufReader.Varint, "is_historical");
                    metric.IsHistorical = reader.ReadVarint() != 0;
                    break;
                case 6:
                    reader.Expect(wire, ProtobufReader.Varint, "is_transient");
                    metric.IsTransient = reader.ReadVarint() != 0;
                    break;
                case 7:
                    reader.Expect(wire, ProtobufReader.Varint, "is_null");
                    metric.IsNull = reader.ReadVarint() != 0;
                    break;
                case 9:
                    reader.Expect(wire, ProtobufReader.Length, "properties");
                    metric.Properties = reader.ReadBytes(out var propertiesAt);
                    metric.PropertiesOffset = propertiesAt;
                    metric.HasProperties = true;
                    break;
                case >= 10 and <= 19:
                    metric.ReadValue(ref reader, (ValueField)field, wire);
                    break;
                default:
                    reader.Skip(wire);
                    break;
            }
        }

        if (!metric.IsNull && metric.Field != ValueField.None) MetricValue.CheckField(metric.DataType, metric.Field, metric.Content, metric.ContentOffset, offset);
        return metric;
    }

    /// <summary>A number or boolean (0/1) as a double; false for everything else. 64-bit integers beyond 2^53 lose digits here.</summary>
    public readonly bool TryGetDouble(SparkplugDataType type, out double value) => MetricValue.TryGetDouble(type, Field, Bits, out value);

    internal static SparkplugDataType ReadDataType(ref ProtobufReader reader)
    {
        var at = reader.Offset;
        var number = reader.ReadVarint();
        if (number > SparkplugLimits.MaxDataType) SparkplugFormatException.Throw($"datatype {number} is unknown; Sparkplug 3.0 has 1..34", at);
        return (SparkplugDataType)number;
    }

    private void ReadValue(ref ProtobufReader reader, ValueField field, int wire)
    {
        Field = field;
        switch (field)
        {
            case ValueField.Int or ValueField.Long or ValueField.Boolean:
                reader.Expect(wire, ProtobufReader.Varint, "value");
                Bits = reader.ReadVarint();
                break;
            case ValueField.Float:
                reader.Expect(wire, ProtobufReader.Fixed32, "float value");
                Bits = reader.ReadFixed32();
                break;
            case ValueField.Double:
                reader.Expect(wire, ProtobufReader.Fixed64, "double value");
                Bits = reader.ReadFixed64();
                break;
            default:
                reader.Expect(wire, ProtobufReader.Length, "value");
                Content = reader.ReadBytes(out var at);
                ContentOffset = at;
                if (field == ValueField.String) Text.Checked(Content, at, "string value");
                break;
        }
    }
}
