using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace OeeOrleans.Sparkplug.Payload;

/// <summary>What a metric carries besides its value.</summary>
/// <param name="Name">Present in births; null in data when an alias is used.</param>
/// <param name="Alias">Unique over the edge node.</param>
/// <param name="TimestampMs">Source time, milliseconds since 1970 UTC.</param>
/// <param name="Type">Required in births, optional in data.</param>
/// <param name="Historical">A value of the past: into history, not over the live value.</param>
public readonly record struct MetricHead(string? Name, ulong? Alias, ulong TimestampMs, SparkplugDataType Type, bool Historical = false);

/// <summary>Writes a Sparkplug B payload into a buffer: begin, metrics, and the result is complete at any time (Sparkplug 3.0 section 6.4).</summary>
public sealed class SparkplugPayloadWriter
{
    private readonly ArrayBufferWriter<byte> _buffer = new(1024);
    private readonly ArrayBufferWriter<byte> _metric = new(256);

    public ReadOnlyMemory<byte> Written => _buffer.WrittenMemory;

    /// <summary>Starts a payload; <paramref name="seq"/> is null in NDEATH only.</summary>
    public SparkplugPayloadWriter Begin(ulong timestampMs, byte? seq)
    {
        _buffer.ResetWrittenCount();
        Tag(_buffer, 1, ProtobufReader.Varint);
        Varint(_buffer, timestampMs);
        if (seq is { } number)
        {
            Tag(_buffer, 3, ProtobufReader.Varint);
            Varint(_buffer, number);
        }

        return this;
    }

    /// <summary>A payload without a timestamp or sequence number: a will, sent by the broker at a time nobody knows yet.</summary>
    public SparkplugPayloadWriter BeginWill()
    {
        _buffer.ResetWrittenCount();
        return this;
    }

    public void Boolean(in MetricHead head, bool value)
    {
        Head(head);
        Tag(_metric, (int)ValueField.Boolean, ProtobufReader.Varint);
        Varint(_metric, value ? 1UL : 0);
        Close();
    }

    /// <summary>An integer of any width; signed ones travel in two's complement of their field (32 or 64 bit).</summary>
    public void Integer(in MetricHead head, long value)
    {
        Head(head);
        var wide = head.Type is SparkplugDataType.Int64 or SparkplugDataType.UInt64 or SparkplugDataType.DateTime;
        Tag(_metric, (int)(wide ? ValueField.Long : ValueField.Int), ProtobufReader.Varint);
        Varint(_metric, wide ? (ulong)value : (uint)value);
        Close();
    }

    public void Double(in MetricHead head, double value)
    {
        Head(head);
        if (head.Type == SparkplugDataType.Float)
        {
            Tag(_metric, (int)ValueField.Float, ProtobufReader.Fixed32);
            BinaryPrimitives.WriteSingleLittleEndian(_metric.GetSpan(4), (float)value);
            _metric.Advance(4);
        }
        else
        {
            Tag(_metric, (int)ValueField.Double, ProtobufReader.Fixed64);
            BinaryPrimitives.WriteDoubleLittleEndian(_metric.GetSpan(8), value);
            _metric.Advance(8);
        }

        Close();
    }

    public void String(in MetricHead head, string value)
    {
        Head(head);
        Utf8(_metric, (int)ValueField.String, value);
        Close();
    }

    public void Null(in MetricHead head)
    {
        Head(head);
        Tag(_metric, 7, ProtobufReader.Varint);
        Varint(_metric, 1);
        Close();
    }

    private void Head(in MetricHead head)
    {
        _metric.ResetWrittenCount();
        if (head.Name is { } name) Utf8(_metric, 1, name);
        if (head.Alias is { } alias)
        {
            Tag(_metric, 2, ProtobufReader.Varint);
            Varint(_metric, alias);
        }

        if (head.TimestampMs != 0)
        {
            Tag(_metric, 3, ProtobufReader.Varint);
            Varint(_metric, head.TimestampMs);
        }

        if (head.Type != SparkplugDataType.Unknown)
        {
            Tag(_metric, 4, ProtobufReader.Varint);
            Varint(_metric, (byte)head.Type);
        }

        if (!head.Historical) return;
        Tag(_metric, 5, ProtobufReader.Varint);
        Varint(_metric, 1);
    }

    private void Close()
    {
        Tag(_buffer, 2, ProtobufReader.Length);
        Varint(_buffer, (ulong)_metric.WrittenCount);
        _buffer.Write(_metric.WrittenSpan);
    }

    private static void Utf8(ArrayBufferWriter<byte> to, int field, string text)
    {
        Tag(to, field, ProtobufReader.Length);
        Varint(to, (ulong)Encoding.UTF8.GetByteCount(text));
        Encoding.UTF8.GetBytes(text, to);
    }

    private static void Tag(ArrayBufferWriter<byte> to, int field, int wireType) => Varint(to, (ulong)((field << 3) | wireType));

    private static void Varint(ArrayBufferWriter<byte> to, ulong value)
    {
        var span = to.GetSpan(10);
        var length = 0;
        for (; value >= 0x80; value >>= 7) span[length++] = (byte)(value | 0x80);
        span[length++] = (byte)value;
        to.Advance(length);
    }
}
