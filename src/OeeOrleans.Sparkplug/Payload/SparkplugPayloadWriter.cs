using System.Buffers;

namespace OeeOrleans.Sparkplug.Payload;

/// <summary>What a metric carries besides its value.</summary>
/// <param name="Name">Present in births; null in data when an alias is used.</param>
/// <param name="Alias">Unique over the edge node.</param>
/// <param name="TimestampMs">Source time, milliseconds since 1970 UTC; 0 = none.</param>
/// <param name="Type">Required in births, optional in data.</param>
/// <param name="Historical">A value of the past: into history, not over the live value.</param>
public readonly record struct MetricHead(string? Name, ulong? Alias, ulong TimestampMs, SparkplugDataType Type, bool Historical = false)
{
    /// <summary>Not to be kept in history.</summary>
    public bool Transient { get; init; }

    public PropertySet? Properties { get; init; }

    public MetricMetadata? Metadata { get; init; }
}

/// <summary>Writes a Sparkplug B payload into a buffer of its own: begin, metrics, and the result is complete at any time (Sparkplug 3.0
/// section 6.4). Scalars allocate nothing.</summary>
public sealed class SparkplugPayloadWriter
{
    private readonly ArrayBufferWriter<byte> _buffer = new(1024);
    private readonly ArrayBufferWriter<byte> _metric = new(256);

    public ReadOnlyMemory<byte> Written => _buffer.WrittenMemory;

    /// <summary>How many metrics were written since the payload began.</summary>
    public int MetricCount { get; private set; }

    /// <summary>Starts a payload; <paramref name="seq"/> is null in NDEATH and commands only.</summary>
    public SparkplugPayloadWriter Begin(ulong timestampMs, byte? seq)
    {
        BeginWill();
        ProtobufWriter.Varint(_buffer, 1, timestampMs);
        if (seq is { } number) ProtobufWriter.Varint(_buffer, 3, number);
        return this;
    }

    /// <summary>A payload without a timestamp or sequence number: a will, sent by the broker at a time nobody knows yet.</summary>
    public SparkplugPayloadWriter BeginWill()
    {
        _buffer.ResetWrittenCount();
        MetricCount = 0;
        return this;
    }

    /// <summary>The payload's uuid and body; either may be null.</summary>
    public void Envelope(string? uuid, byte[]? body)
    {
        if (uuid is not null) ProtobufWriter.Utf8(_buffer, 4, uuid);
        if (body is not null) ProtobufWriter.Bytes(_buffer, 5, body);
    }

    /// <summary>Copies the payload.</summary>
    public void WriteTo(IBufferWriter<byte> output) => output.Write(_buffer.WrittenSpan);

    public void Boolean(in MetricHead head, bool value)
    {
        Head(head);
        ProtobufWriter.Varint(_metric, (int)ValueField.Boolean, value ? 1UL : 0);
        Close();
    }

    /// <summary>An integer of any width; signed ones travel in two's complement of their field (32 or 64 bit).</summary>
    public void Integer(in MetricHead head, long value)
    {
        Head(head);
        var wide = MetricValue.IsWide(head.Type);
        ProtobufWriter.Varint(
            _metric, (int)(wide ? ValueField.Long : ValueField.Int),
            wide && head.Type != SparkplugDataType.UInt32 ? (ulong)value : (uint)value);
        Close();
    }

    public void Double(in MetricHead head, double value)
    {
        Head(head);
        if (head.Type == SparkplugDataType.Float) ProtobufWriter.Fixed32(
            _metric, (int)ValueField.Float, BitConverter.SingleToUInt32Bits((float)value));
        else ProtobufWriter.Fixed64(_metric, (int)ValueField.Double, BitConverter.DoubleToUInt64Bits(value));
        Close();
    }

    public void String(in MetricHead head, string value)
    {
        Head(head);
        ProtobufWriter.Utf8(_metric, (int)ValueField.String, value);
        Close();
    }

    /// <summary>Bytes, a file, or an array in its packed form (section 6.4.17).</summary>
    public void Bytes(in MetricHead head, ReadOnlySpan<byte> value)
    {
        Head(head);
        ProtobufWriter.Bytes(_metric, (int)ValueField.Bytes, value);
        Close();
    }

    public void Null(in MetricHead head)
    {
        Head(head);
        ProtobufWriter.Varint(_metric, 7, 1);
        Close();
    }

    /// <summary>A value of any kind that <see cref="Metric"/> names, under the datatype of its head.</summary>
    /// <exception cref="ArgumentException">The value does not fit the datatype.</exception>
    public void Value(in MetricHead head, object? value)
    {
        Head(head);
        SparkplugValueWriter.Value(_metric, head.Type, value);
        Close();
    }

    /// <summary>A metric as it was read, with another name, alias or mark of history; its value and the rest travel untouched.</summary>
    public void Copy(scoped in MetricView metric, in MetricHead head)
    {
        Head(
            head with
            {
                TimestampMs = metric.Timestamp ?? 0,
                Type = head.Type != SparkplugDataType.Unknown ? head.Type : metric.DataType,
                Transient = metric.IsTransient,
            });
        if (metric.HasProperties) ProtobufWriter.Bytes(_metric, 9, metric.Properties);
        if (metric.IsNull) ProtobufWriter.Varint(_metric, 7, 1);
        else
        {
            switch (metric.Field)
            {
                case ValueField.None: break;
                case ValueField.Int or ValueField.Long or ValueField.Boolean:
                    ProtobufWriter.Varint(_metric, (int)metric.Field, metric.Bits);
                    break;
                case ValueField.Float: ProtobufWriter.Fixed32(_metric, (int)metric.Field, (uint)metric.Bits); break;
                case ValueField.Double: ProtobufWriter.Fixed64(_metric, (int)metric.Field, metric.Bits); break;
                default: ProtobufWriter.Bytes(_metric, (int)metric.Field, metric.Content); break;
            }
        }

        Close();
    }

    private void Head(in MetricHead head)
    {
        _metric.ResetWrittenCount();
        SparkplugValueWriter.Head(_metric, head);
    }

    private void Close()
    {
        ProtobufWriter.Bytes(_buffer, 2, _metric.WrittenSpan);
        MetricCount++;
    }
}
