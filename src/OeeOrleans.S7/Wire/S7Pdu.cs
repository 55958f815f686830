using System.Buffers.Binary;

namespace OeeOrleans.S7.Wire;

/// <summary>Numbers of the protocol: TPKT (RFC 1006), COTP (ISO 8073, class 0) and S7 itself.</summary>
internal static class S7Pdu
{
    public const int TpktLength = 4;
    public const int DataHeader = 3;

    /// <summary>TPKT and the COTP data header before every PDU.</summary>
    public const int Prefix = TpktLength + DataHeader;

    public const int JobHeader = 10;
    public const int AnswerHeader = 12;
    public const int ItemLength = 12;
    public const int DataItemHeader = 4;

    /// <summary>Function and item count.</summary>
    public const int ReadWriteParameters = 2;

    public const byte ConnectionRequest = 0xE0;
    public const byte ConnectionConfirm = 0xD0;
    public const byte DisconnectRequest = 0x80;
    public const byte Data = 0xF0;
    public const byte EndOfTransmission = 0x80;

    public const byte Protocol = 0x32;
    public const byte Job = 1;
    public const byte Acknowledge = 2;
    public const byte AcknowledgeData = 3;
    public const byte UserData = 7;

    public const byte Setup = 0xF0;
    public const byte ReadVar = 0x04;
    public const byte WriteVar = 0x05;

    /// <summary>Transport sizes of items.</summary>
    public const byte BitItem = 0x01;
    public const byte ByteItem = 0x02;

    /// <summary>Transport sizes of data: the length behind them is in bits up to <see cref="IntData"/>, and in bytes from then
    /// on.</summary>
    public const byte BitData = 0x03;
    public const byte ByteData = 0x04;
    public const byte IntData = 0x05;
    public const byte OctetData = 0x09;

    /// <summary>Header of a job; the reference is filled in when it is sent.</summary>
    public static void WriteHeader(Span<byte> pdu, byte kind, int parameters, int data)
    {
        pdu[..JobHeader].Clear();
        (pdu[0], pdu[1]) = (Protocol, kind);
        BinaryPrimitives.WriteUInt16BigEndian(pdu[6..], (ushort)parameters);
        BinaryPrimitives.WriteUInt16BigEndian(pdu[8..], (ushort)data);
    }

    /// <summary>An item of twelve bytes: where, and how much.</summary>
    /// <param name="into">Twelve bytes.</param>
    /// <param name="size">Transport size.</param>
    /// <param name="count">How many of these.</param>
    /// <param name="position">Bits from the area's start; of a timer or counter its number.</param>
    public static void WriteItem(Span<byte> into, byte size, int count, S7Area area, int db, int position)
    {
        (into[0], into[1], into[2], into[3]) = (0x12, 0x0A, 0x10, size);
        BinaryPrimitives.WriteUInt16BigEndian(into[4..], (ushort)count);
        BinaryPrimitives.WriteUInt16BigEndian(into[6..], (ushort)db);
        into[8] = (byte)area;
        (into[9], into[10], into[11]) = ((byte)(position >> 16), (byte)(position >> 8), (byte)position);
    }

    /// <summary>Bytes of a data item, from its own words.</summary>
    public static int DataLength(byte size, int told)
    {
        if (size is BitData) return (told + 7) / 8;
        return size is ByteData or IntData ? told / 8 : told;
    }

    public static int Even(int length) => length + (length & 1);
}
