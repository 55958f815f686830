using System.Buffers;
using System.Buffers.Binary;

namespace OeeOrleans.S7.Wire;

/// <summary>A PDU that came, in a rented buffer; whoever took it returns it.</summary>
internal readonly struct S7Answer(byte[] buffer, int length) : IDisposable
{
    public byte Kind => buffer[1];

    public ushort Reference => BinaryPrimitives.ReadUInt16BigEndian(buffer.AsSpan(4));

    /// <summary>Error class and code; 0 when all is well.</summary>
    public ushort Error => Kind is S7Pdu.Acknowledge or S7Pdu.AcknowledgeData ? BinaryPrimitives.ReadUInt16BigEndian(buffer.AsSpan(10))
        : (ushort)0;

    public ReadOnlySpan<byte> Parameters => buffer.AsSpan(HeaderLength, ParameterLength);

    public ReadOnlySpan<byte> Data => buffer.AsSpan(HeaderLength + ParameterLength, DataLength);

    private int HeaderLength => Kind is S7Pdu.Acknowledge or S7Pdu.AcknowledgeData ? S7Pdu.AnswerHeader : S7Pdu.JobHeader;

    private int ParameterLength => BinaryPrimitives.ReadUInt16BigEndian(buffer.AsSpan(6));

    private int DataLength => BinaryPrimitives.ReadUInt16BigEndian(buffer.AsSpan(8));

    /// <summary>Whether it is a PDU whose parts add up.</summary>
    public bool IsWhole
    {
        get
        {
            if (length < S7Pdu.JobHeader || buffer[0] != S7Pdu.Protocol) return false;
            return length >= HeaderLength && HeaderLength + ParameterLength + DataLength == length;
        }
    }

    public void Dispose() => ArrayPool<byte>.Shared.Return(buffer);
}
