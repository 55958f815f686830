using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace OeeOrleans.Sparkplug.Payload;

/// <summary>Protocol-buffer wire format over a span: one method per wire type, errors with the offset in the whole payload. The short forms
/// (tags and numbers of one byte) are inlined; throwing is kept out of the way.</summary>
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

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public int ReadTag(out int wireType)
    {
        if ((uint)_at < (uint)_bytes.Length && _bytes[_at] is >= 8 and < 0x80 and var tag)
        {
            _at++;
            wireType = tag & 7;
            return tag >> 3;
        }

        return ReadLongTag(out wireType);
    }

    /// <summary>
    /// Takes a tag of one byte if it is the next one: encoders write fields in the order of their numbers, so the next is easily guessed.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool TryTake(int field, int wireType)
    {
        if ((uint)_at >= (uint)_bytes.Length || _bytes[_at] != ((field << 3) | wireType)) return false;
        _at++;
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong ReadVarint()
    {
        if ((uint)_at < (uint)_bytes.Length && _bytes[_at] is < 0x80 and var value)
        {
            _at++;
            return value;
        }

        return ReadLongVarint();
    }

    public uint ReadFixed32()
    {
        if (_bytes.Length - _at < 4) ThrowEnd("a 4-byte number");
        var value = BinaryPrimitives.ReadUInt32LittleEndian(_bytes[_at..]);
        _at += 4;
        return value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ulong ReadFixed64()
    {
        if (_bytes.Length - _at < 8) ThrowEnd("an 8-byte number");
        var value = Load64();
        _at += 8;
        return value;
    }

    /// <summary>A length-delimited field; <paramref name="offset"/> is where its content starts in the whole payload.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<byte> ReadBytes(out int offset)
    {
        var start = Offset;
        var length = ReadVarint();
        if (length > (ulong)(_bytes.Length - _at)) ThrowLength(length, start);
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
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public readonly void Expect(int actual, int wanted, string field)
    {
        if (actual != wanted) ThrowWireType(actual, wanted, field);
    }

    /// <summary>Eight bytes at the present place; the caller has checked that they are there. Without the second check of a slice a metric
    /// is read a tenth faster (`Benchmarks codec`).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private readonly ulong Load64()
    {
        var value = Unsafe.ReadUnaligned<ulong>(ref Unsafe.Add(ref MemoryMarshal.GetReference(_bytes), _at));
        return BitConverter.IsLittleEndian ? value : BinaryPrimitives.ReverseEndianness(value);
    }

    private int ReadLongTag(out int wireType)
    {
        var start = Offset;
        var tag = ReadVarint();
        wireType = (int)(tag & 7);
        var field = tag >> 3;
        if (field is 0 or > 0x1FFF_FFFF) SparkplugFormatException.Throw($"field number {field} is not allowed", start);
        return (int)field;
    }

    private ulong ReadLongVarint()
    {
        // Up to eight bytes at once: the first byte without its high bit ends the number; what is left are groups of seven bits to be
        // pushed together.
        if (_bytes.Length - _at >= 8)
        {
            var word = Load64();
            var ends = ~word & 0x8080_8080_8080_8080;
            if (ends != 0)
            {
                _at += (BitOperations.TrailingZeroCount(ends) >> 3) + 1;
                word &= (ends ^ (ends - 1)) & 0x7F7F_7F7F_7F7F_7F7F;
                word = (word & 0x007F_007F_007F_007F) | ((word & 0x7F00_7F00_7F00_7F00) >> 1);
                word = (word & 0x0000_3FFF_0000_3FFF) | ((word & 0x3FFF_0000_3FFF_0000) >> 2);
                return (word & 0x0000_0000_0FFF_FFFF) | ((word & 0x0FFF_FFFF_0000_0000) >> 4);
            }
        }

        return ReadVarintByByte();
    }

    private ulong ReadVarintByByte()
    {
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

    [DoesNotReturn]
    private readonly void ThrowEnd(string inside) => SparkplugFormatException.Throw($"the payload ends inside {inside}", Offset);

    [DoesNotReturn]
    private readonly void ThrowLength(ulong length, int start) =>
        SparkplugFormatException.Throw($"a field of {length} bytes does not fit into the {_bytes.Length - _at} that are left", start);

    [DoesNotReturn]
    private readonly void ThrowWireType(int actual, int wanted, string field) =>
        SparkplugFormatException.Throw($"{field} has wire type {actual} where {wanted} is right", Offset);
}
