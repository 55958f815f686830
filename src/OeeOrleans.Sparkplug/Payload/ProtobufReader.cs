using System.Buffers.Binary;

namespace OeeOrleans.Sparkplug.Payload;

/// <summary>Protocol-buffer wire format over a span: one method per wire type, errors with the offset in the whole payload.</summary>
internal ref struct ProtobufReader
{
    public const int Varint = 0;
    public const int Fixed64 = 1;
    public const int Length = 2;
    public const int Fixed32 = 5;

    private readonly ReadOnlySpan<byte> _bytes;
    private readonly int _base;
    private int _at;

    public ProtobufReader(ReadOnlySpan<byte> bytes, int baseOffset)
    {
        _bytes = bytes;
        _base = baseOffset;
        _at = 0;
    }

    public readonly bool AtEnd => _at >= _bytes.Length;

    /// <summary>Offset of the next byte in the whole payload.</summary>
    public readonly int Offset => _base + _at;

    public int ReadTag(out int wireType)
    {
        var start = Offset;
        var tag = ReadVarint();
        wireType = (int)(tag & 7);
        var field = tag >> 3;
        if (field is 0 or > 0x1FFF_FFFF) SparkplugFormatException.Throw($"field number {field} is not allowed", start);
        return (int)field;
    }

    public ulong ReadVarint()
    {
        if (_at < _bytes.Length && _bytes[_at] < 0x80) return _bytes[_at++];
        ulong value = 0;
        var start = Offset;
        // Ten bytes carry 64 bits; a longer one is not a varint.
        for (var shift = 0; shift < 70; shift += 7)
        {
            if (_at >= _bytes.Length) SparkplugFormatException.Throw("the payload ends inside a number", Offset);
            var b = _bytes[_at++];
            value |= (ulong)(b & 0x7F) << shift;
            if (b < 0x80) return value;
        }

        SparkplugFormatException.Throw("a varint is longer than ten bytes", start);
        return 0;
    }

    public uint ReadFixed32()
    {
        Need(4);
        var value = BinaryPrimitives.ReadUInt32LittleEndian(_bytes[_at..]);
        _at += 4;
        return value;
    }

    public ulong ReadFixed64()
    {
        Need(8);
        var value = BinaryPrimitives.ReadUInt64LittleEndian(_bytes[_at..]);
        _at += 8;
        return value;
    }

    /// <summary>A length-delimited field; <paramref name="offset"/> is where its content starts in the whole payload.</summary>
    public ReadOnlySpan<byte> ReadBytes(out int offset)
    {
        var start = Offset;
        var length = ReadVarint();
        if (length > (ulong)(_bytes.Length - _at))
        {
            SparkplugFormatException.Throw($"a field of {length} bytes does not fit into the {_bytes.Length - _at} that are left", start);
        }

        offset = Offset;
        var content = _bytes.Slice(_at, (int)length);
        _at += (int)length;
        return content;
    }

    public void Skip(int wireType)
    {
        switch (wireType)
        {
            case Varint: ReadVarint(); break;
            case Fixed64: ReadFixed64(); break;
            case Length: ReadBytes(out _); break;
            case Fixed32: ReadFixed32(); break;
            default: SparkplugFormatException.Throw($"wire type {wireType} is not used by Sparkplug", Offset); break;
        }
    }

    /// <summary>Insists on a wire type: a known field with another one is a damaged payload.</summary>
    public readonly void Expect(int actual, int wanted, string field)
    {
        if (actual != wanted) SparkplugFormatException.Throw($"{field} has wire type {actual} where {wanted} is right", Offset);
    }

    private readonly void Need(int count)
    {
        if (_bytes.Length - _at < count) SparkplugFormatException.Throw($"the payload ends inside a {count}-byte number", Offset);
    }
}
