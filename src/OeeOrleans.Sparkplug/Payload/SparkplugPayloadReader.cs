namespace OeeOrleans.Sparkplug.Payload;

/// <summary>Walks a Sparkplug B payload without allocating: the header first (its fields may stand after the metrics), then metric by
/// metric. Throws <see cref="SparkplugFormatException"/> on malformed input.</summary>
public ref struct SparkplugPayloadReader
{
    private readonly ReadOnlySpan<byte> _payload;
    private ProtobufReader _reader;

    /// <summary>Checks the outer structure and reads the header.</summary>
    public SparkplugPayloadReader(ReadOnlySpan<byte> payload)
    {
        if (payload.Length > SparkplugLimits.MaxPayloadBytes)
        {
            SparkplugFormatException.Throw(
                $"a payload of {payload.Length} bytes; {SparkplugLimits.MaxPayloadBytes} are possible", SparkplugLimits.MaxPayloadBytes);
        }

        _payload = payload;
        _reader = new ProtobufReader(payload, 0);
        var scan = new ProtobufReader(payload, 0);
        var metrics = 0;
        while (!scan.AtEnd)
        {
            while (scan.TryTake(2, ProtobufReader.Length))
            {
                scan.ReadBytes(out _);
                metrics++;
            }

            if (scan.AtEnd) break;
            var field = scan.ReadTag(out var wire);
            switch (field)
            {
                case 1:
                    scan.Expect(wire, ProtobufReader.Varint, "timestamp");
                    Timestamp = scan.ReadVarint();
                    break;
                case 2:
                    scan.Expect(wire, ProtobufReader.Length, "metrics");
                    scan.ReadBytes(out _);
                    metrics++;
                    break;
                case 3:
                    scan.Expect(wire, ProtobufReader.Varint, "seq");
                    Seq = scan.ReadVarint();
                    break;
                case 4:
                    scan.Expect(wire, ProtobufReader.Length, "uuid");
                    Uuid = Text.Checked(scan.ReadBytes(out var uuidAt), uuidAt, "uuid");
                    HasUuid = true;
                    break;
                case 5:
                    scan.Expect(wire, ProtobufReader.Length, "body");
                    Body = scan.ReadBytes(out _);
                    HasBody = true;
                    break;
                default:
                    scan.Skip(wire);
                    break;
            }
        }

        MetricCount = metrics;
        if (metrics > SparkplugLimits.MaxMetrics)
        {
            SparkplugFormatException.Throw($"more than {SparkplugLimits.MaxMetrics} metrics in one payload", payload.Length);
        }
    }

    /// <summary>When the message was sent, milliseconds since 1970 UTC; null when absent.</summary>
    public ulong? Timestamp { get; }

    /// <summary>Sequence number 0..255; null when absent (NDEATH has none).</summary>
    public ulong? Seq { get; }

    public ReadOnlySpan<byte> Uuid { get; }

    public bool HasUuid { get; }

    public ReadOnlySpan<byte> Body { get; }

    public bool HasBody { get; }

    public int MetricCount { get; }

    /// <summary>The next metric; false at the end.</summary>
    public bool TryReadMetric(out MetricView metric)
    {
        if (_reader.TryTake(2, ProtobufReader.Length))
        {
            var content = _reader.ReadBytes(out var at);
            MetricView.Read(content, at, out metric);
            return true;
        }

        while (!_reader.AtEnd)
        {
            var field = _reader.ReadTag(out var wire);
            if (field == 2)
            {
                var bytes = _reader.ReadBytes(out var offset);
                MetricView.Read(bytes, offset, out metric);
                return true;
            }

            _reader.Skip(wire);
        }

        metric = default;
        return false;
    }

    /// <summary>Starts over with the first metric.</summary>
    public void Rewind() => _reader = new ProtobufReader(_payload, 0);
}
