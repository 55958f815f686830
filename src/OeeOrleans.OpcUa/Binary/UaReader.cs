using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.CompilerServices;
using System.Text;

namespace OeeOrleans.OpcUa.Binary;

/// <summary>
/// Reads the binary encoding (OPC 10000-6, 5.2): one method per type, every length checked against what is there before anything is
/// allocated for it. What one message may turn into is bounded by its own size.
/// </summary>
internal ref partial struct UaReader(ReadOnlySpan<byte> bytes)
{
    /// <summary>Variants in variants, structures in structures (OPC 10000-6, 5.1.5 asks for 100).</summary>
    private const int MaxDepth = 100;

    /// <summary>A message of one-byte elements may grow to this times its size in memory, and to this much in any case.</summary>
    private const int MaxGrowth = 16;
    private const long AlwaysAllowed = 1 << 20;

    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private long _budget = AlwaysAllowed + ((long)bytes.Length * MaxGrowth);
    private int _at;
    private int _depth;

    public readonly int Position => _at;

    public readonly int Remaining => _bytes.Length - _at;

    public bool Boolean() => Byte() != 0;

    public byte Byte()
    {
        if (_at >= _bytes.Length) ThrowShort(1);
        return _bytes[_at++];
    }

    public sbyte SByte() => (sbyte)Byte();

    public short Int16() => BinaryPrimitives.ReadInt16LittleEndian(Take(2));

    public ushort UInt16() => BinaryPrimitives.ReadUInt16LittleEndian(Take(2));

    public int Int32() => BinaryPrimitives.ReadInt32LittleEndian(Take(4));

    public uint UInt32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public long Int64() => BinaryPrimitives.ReadInt64LittleEndian(Take(8));

    public ulong UInt64() => BinaryPrimitives.ReadUInt64LittleEndian(Take(8));

    public float Float() => BinaryPrimitives.ReadSingleLittleEndian(Take(4));

    public double Double() => BinaryPrimitives.ReadDoubleLittleEndian(Take(8));

    public DateTime DateTime() => OpcUaTime.ToDateTime(Int64());

    public StatusCode StatusCode() => new(UInt32());

    /// <summary>Sixteen bytes, the first three groups little-endian (OPC 10000-6, 5.2.2.6).</summary>
    public Guid Guid() => new(Take(16));

    public string? String()
    {
        var length = Length(1);
        return length < 0 ? null : Encoding.UTF8.GetString(Take(length));
    }

    public byte[]? ByteString()
    {
        var length = Length(1);
        return length < 0 ? null : Take(length).ToArray();
    }

    /// <summary>Over a string or byte string.</summary>
    public void SkipBytes()
    {
        var length = Length(1);
        if (length > 0) Take(length);
    }

    public NodeId NodeId() => NodeId(Byte() & 0x3F);

    public ExpandedNodeId ExpandedNodeId()
    {
        var flags = Byte();
        var id = NodeId(flags & 0x3F);
        var uri = (flags & 0x80) != 0 ? String() : null;
        var server = (flags & 0x40) != 0 ? UInt32() : 0;
        return new ExpandedNodeId(id, uri, server);
    }

    public QualifiedName QualifiedName()
    {
        var index = UInt16();
        return new QualifiedName(String(), index);
    }

    public LocalizedText LocalizedText()
    {
        var flags = Byte();
        var locale = (flags & 1) != 0 ? String() : null;
        var text = (flags & 2) != 0 ? String() : null;
        return new LocalizedText(text, locale);
    }

    public ExtensionObject ExtensionObject()
    {
        var id = NodeId();
        var encoding = Byte();
        return encoding switch
        {
            0 => new ExtensionObject(id, null),
            1 => new ExtensionObject(id, ByteString() ?? []),
            2 => new ExtensionObject(id, String() ?? ""),
            _ => throw Malformed($"an extension object says encoding {encoding}; 0, 1 and 2 are known"),
        };
    }

    /// <summary>Starts an extension object that is known by its id; false when it is empty. What follows are its fields.</summary>
    public bool BeginExtensionObject(out NodeId id, out int end)
    {
        id = NodeId();
        end = _at;
        var encoding = Byte();
        if (encoding == 0) return false;
        var length = Length(1);
        end = _at + Math.Max(0, length);
        return encoding == 1 && length >= 0;
    }

    /// <summary>To the end of a structure, over fields that a newer server added.</summary>
    public void SkipTo(int end)
    {
        if (end < _at || end > _bytes.Length) throw Malformed($"a structure ends at byte {end} and its fields at {_at}");
        _at = end;
    }

    /// <summary>Length of an array, -1 for null; <paramref name="minSize"/> is what one element takes at least, in bytes.</summary>
    public int ArrayLength(int minSize) => Length(minSize);

    /// <summary>Counts memory about to be allocated; what one message may ask for is bounded.</summary>
    public void Spend(long memory)
    {
        _budget -= memory;
        if (_budget >= 0) return;
        throw new OpcUaDecodingException(
            StatusCodes.BadEncodingLimitsExceeded,
            $"a message of {_bytes.Length} bytes would take more than {AlwaysAllowed + ((long)_bytes.Length * MaxGrowth)} bytes of memory "
                + $"(at byte {_at}); it is not read");
    }

    public DataValue DataValue()
    {
        var flags = Byte();
        var value = (flags & 0x01) != 0 ? Variant() : default;
        var status = (flags & 0x02) != 0 ? UInt32() : 0;
        var source = (flags & 0x04) != 0 ? Int64() : 0;
        var sourcePico = (flags & 0x10) != 0 ? UInt16() : (ushort)0;
        var server = (flags & 0x08) != 0 ? Int64() : 0;
        var serverPico = (flags & 0x20) != 0 ? UInt16() : (ushort)0;
        return new DataValue(value, status, source, sourcePico, server, serverPico);
    }

    /// <summary>Over a diagnostic info: nothing here asks for any, and a server that sends one all the same is followed.</summary>
    public void SkipDiagnosticInfo()
    {
        Enter();
        var flags = Byte();
        if ((flags & 0x01) != 0) Int32();
        if ((flags & 0x02) != 0) Int32();
        if ((flags & 0x04) != 0) Int32();
        if ((flags & 0x08) != 0) Int32();
        if ((flags & 0x10) != 0) SkipBytes();
        if ((flags & 0x20) != 0) UInt32();
        if ((flags & 0x40) != 0) SkipDiagnosticInfo();
        _depth--;
    }

    public void SkipDiagnosticInfos()
    {
        for (var left = Length(1); left > 0; left--) SkipDiagnosticInfo();
    }

    public StatusCode[] StatusCodeArray()
    {
        var length = Length(4);
        if (length <= 0) return [];
        Spend(length * 4L);
        var codes = new StatusCode[length];
        for (var i = 0; i < length; i++) codes[i] = UInt32();
        return codes;
    }

    public uint[] UInt32Array()
    {
        var length = Length(4);
        if (length <= 0) return [];
        Spend(length * 4L);
        var numbers = new uint[length];
        for (var i = 0; i < length; i++) numbers[i] = UInt32();
        return numbers;
    }

    public string?[] StringArray()
    {
        var length = Length(4);
        if (length <= 0) return [];
        Spend(length * 24L);
        var texts = new string?[length];
        for (var i = 0; i < length; i++) texts[i] = String();
        return texts;
    }

    private NodeId NodeId(int encoding) => encoding switch
    {
        0 => new NodeId(Byte()),
        1 => FourByteNodeId(),
        2 => NumericNodeId(),
        3 => StringNodeId(),
        4 => GuidNodeId(),
        5 => OpaqueNodeId(),
        _ => throw Malformed($"a node id says encoding {encoding}; 0 to 5 are known"),
    };

    private NodeId FourByteNodeId()
    {
        var index = Byte();
        return new NodeId(UInt16(), index);
    }

    private NodeId NumericNodeId()
    {
        var index = UInt16();
        return new NodeId(UInt32(), index);
    }

    private NodeId StringNodeId()
    {
        var index = UInt16();
        return new NodeId(String() ?? "", index);
    }

    private NodeId GuidNodeId()
    {
        var index = UInt16();
        return new NodeId(Guid(), index);
    }

    private NodeId OpaqueNodeId()
    {
        var index = UInt16();
        return new NodeId(ByteString() ?? [], index);
    }

    private int Length(int minSize)
    {
        var length = Int32();
        if (length < -1) throw Malformed($"a length of {length}");
        if (length > 0 && (long)length * minSize > Remaining)
        {
            throw Malformed($"a length of {length} where {Remaining} bytes are left");
        }

        return length;
    }

    private void Enter()
    {
        if (++_depth <= MaxDepth) return;
        throw new OpcUaDecodingException(
            StatusCodes.BadEncodingLimitsExceeded, $"values nested deeper than {MaxDepth} at byte {_at}; it is not read");
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _bytes.Length - _at) ThrowShort(count);
        var taken = _bytes.Slice(_at, count);
        _at += count;
        return taken;
    }

    private readonly OpcUaDecodingException Malformed(string what) =>
        new(StatusCodes.BadDecodingError, $"malformed message: {what}, at byte {_at} of {_bytes.Length}");

    [DoesNotReturn]
    private readonly void ThrowShort(int count) => throw Malformed($"{count} bytes are missing");
}
