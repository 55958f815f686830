using System.Buffers.Binary;

namespace OeeOrleans.Cip.Wire;

/// <summary>Numbers of EtherNet/IP encapsulation (CIP volume 2, chapter 2) and of the CIP services we use.</summary>
internal static class Eip
{
    public const int Header = 24;
    public const int ContextAt = 12;
    public const ushort ListIdentity = 0x63;
    public const ushort RegisterSession = 0x65;
    public const ushort UnregisterSession = 0x66;
    public const ushort SendUnconnected = 0x6F;
    public const ushort SendConnected = 0x70;
    public const ushort ConnectedAddress = 0xA1;
    public const ushort ConnectedData = 0xB1;
    public const ushort UnconnectedData = 0xB2;
    public const ushort IdentityItem = 0x0C;

    /// <summary>From the encapsulation header to the CIP message.</summary>
    public const int UnconnectedPrefix = Header + 16;
    public const int ConnectedPrefix = Header + 22;

    /// <summary>Where the sequence count of a connected message stands.</summary>
    public const int SequenceAt = Header + 20;

    public const byte Reply = 0x80;
    public const byte GetAttributesAll = 0x01;
    public const byte GetAttributeList = 0x03;
    public const byte MultipleService = 0x0A;
    public const byte GetAttributeSingle = 0x0E;
    public const byte ExecutePccc = 0x4B;
    public const byte ReadTag = 0x4C;
    public const byte WriteTag = 0x4D;
    public const byte ReadModifyWrite = 0x4E;
    public const byte ForwardClose = 0x4E;
    public const byte ReadFragmented = 0x52;
    public const byte UnconnectedSend = 0x52;
    public const byte WriteFragmented = 0x53;
    public const byte ForwardOpen = 0x54;
    public const byte GetInstanceAttributeList = 0x55;
    public const byte LargeForwardOpen = 0x5B;

    public static ReadOnlySpan<byte> ConnectionManager => [0x20, 0x06, 0x24, 0x01];

    public static ReadOnlySpan<byte> MessageRouter => [0x20, 0x02, 0x24, 0x01];

    public static ReadOnlySpan<byte> Identity => [0x20, 0x01, 0x24, 0x01];

    public static ReadOnlySpan<byte> PcccObject => [0x20, 0x67, 0x24, 0x01];

    public static void WriteHeader(Span<byte> frame, ushort command, int length, uint session, ulong context)
    {
        frame[..Header].Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(frame, command);
        BinaryPrimitives.WriteUInt16LittleEndian(frame[2..], (ushort)length);
        BinaryPrimitives.WriteUInt32LittleEndian(frame[4..], session);
        BinaryPrimitives.WriteUInt64LittleEndian(frame[ContextAt..], context);
    }

    /// <summary>Puts the two items of an unconnected message around it; it stands behind the prefix already.</summary>
    public static void WriteUnconnected(Span<byte> frame, int message, ushort timeoutS)
    {
        frame[Header..UnconnectedPrefix].Clear();
        BinaryPrimitives.WriteUInt16LittleEndian(frame[(Header + 4)..], timeoutS);
        frame[Header + 6] = 2;
        BinaryPrimitives.WriteUInt16LittleEndian(frame[(Header + 12)..], UnconnectedData);
        BinaryPrimitives.WriteUInt16LittleEndian(frame[(Header + 14)..], (ushort)message);
    }

    /// <summary>Puts the two items of a connected message around it; it stands behind the prefix already.</summary>
    public static void WriteConnected(Span<byte> frame, int message, uint connection, ushort sequence)
    {
        frame[Header..ConnectedPrefix].Clear();
        frame[Header + 6] = 2;
        BinaryPrimitives.WriteUInt16LittleEndian(frame[(Header + 8)..], ConnectedAddress);
        frame[Header + 10] = 4;
        BinaryPrimitives.WriteUInt32LittleEndian(frame[(Header + 12)..], connection);
        BinaryPrimitives.WriteUInt16LittleEndian(frame[(Header + 16)..], ConnectedData);
        BinaryPrimitives.WriteUInt16LittleEndian(frame[(Header + 18)..], (ushort)(message + 2));
        BinaryPrimitives.WriteUInt16LittleEndian(frame[SequenceAt..], sequence);
    }
}
