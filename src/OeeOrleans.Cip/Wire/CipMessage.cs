using System.Buffers.Binary;

namespace OeeOrleans.Cip.Wire;

/// <summary>Writes CIP messages, little-endian, into a buffer of its own that grows no further than a message may.</summary>
internal sealed class CipMessage(int capacity = CipMessage.Largest)
{
    public const int Largest = 4_400;
    private readonly byte[] _bytes = new byte[capacity];

    public int Length { get; private set; }

    public ReadOnlyMemory<byte> Memory => _bytes.AsMemory(0, Length);

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, Length);

    public CipMessage Clear()
    {
        Length = 0;
        return this;
    }

    public CipMessage Byte(int value)
    {
        _bytes[Length++] = (byte)value;
        return this;
    }

    public CipMessage Word(int value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(Length), (ushort)value);
        Length += 2;
        return this;
    }

    public CipMessage Long(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_bytes.AsSpan(Length), value);
        Length += 4;
        return this;
    }

    public CipMessage Bytes(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_bytes.AsSpan(Length));
        Length += bytes.Length;
        return this;
    }

    /// <summary>Begins a request: service and path.</summary>
    public CipMessage Service(byte service, ReadOnlySpan<byte> path) => Byte(service).Byte(path.Length / 2).Bytes(path);

    /// <summary>Overwrites a word that was written before.</summary>
    public void SetWord(int at, int value) => BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(at), (ushort)value);

    public static CipMessage Request(byte service, ReadOnlySpan<byte> path) => new CipMessage(1_200).Service(service, path);
}
