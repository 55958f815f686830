using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace OeeOrleans.Mqtt.Inlet;

/// <summary>The packets that a receiving client sends (MQTT 3.1.1 and MQTT 5, chapter 3).</summary>
internal static class PacketWriter
{
    public const int PubAckBytes = 4;

    private const byte SessionExpiryProperty = 0x11;
    private const byte ReceiveMaximumProperty = 0x21;
    private const byte MaximumPacketSizeProperty = 0x27;
    private const byte UserNameFlag = 0x80;
    private const byte PasswordFlag = 0x40;

    public static readonly byte[] PingReq = [(byte)PacketType.PingReq << 4, 0];
    public static readonly byte[] Disconnect = [(byte)PacketType.Disconnect << 4, 0];

    /// <summary>A session that is resumed, not cleaned.</summary>
    public static byte[] Connect(InletOptions options)
    {
        var body = new ArrayBufferWriter<byte>();
        Text(body, "MQTT");
        Byte(body, (byte)(options.Version5 ? 5 : 4));
        var (user, password) = (options.Broker.Username, options.Broker.Password);
        Byte(body, (byte)((user is null ? 0 : UserNameFlag) | (user is null || password is null ? 0 : PasswordFlag)));
        Number16(body, (ushort)options.KeepAlive.TotalSeconds);
        if (options.Version5)
        {
            var properties = new ArrayBufferWriter<byte>();
            Byte(properties, SessionExpiryProperty);
            Number32(properties, (uint)options.SessionExpiry.TotalSeconds);
            Byte(properties, ReceiveMaximumProperty);
            Number16(properties, options.ReceiveMaximum);
            Byte(properties, MaximumPacketSizeProperty);
            Number32(properties, options.MaxPacketBytes);
            Length(body, properties.WrittenCount);
            body.Write(properties.WrittenSpan);
        }

        Text(body, options.ClientId);
        if (user is not null) Text(body, user);
        if (user is not null && password is not null) Text(body, password);
        return Packet(PacketType.Connect, 0, body);
    }

    /// <summary>
    /// Retained messages with a new subscription only, where the broker can tell: a resumed session must not get them again.
    /// </summary>
    public static byte[] Subscribe(InletOptions options, ushort packetId)
    {
        const byte Qos1 = 1;
        const byte RetainedIfNew = 1 << 4;
        var body = new ArrayBufferWriter<byte>();
        Number16(body, packetId);
        if (options.Version5) Length(body, 0);
        Text(body, options.Filter);
        Byte(body, options.Version5 ? (byte)(Qos1 | RetainedIfNew) : Qos1);
        return Packet(PacketType.Subscribe, 2, body);
    }

    /// <summary>Writes a PUBACK; success needs neither a reason code nor properties.</summary>
    public static void PubAck(Span<byte> to, ushort packetId)
    {
        to[0] = (byte)PacketType.PubAck << 4;
        to[1] = 2;
        BinaryPrimitives.WriteUInt16BigEndian(to[2..], packetId);
    }

    private static byte[] Packet(PacketType type, byte flags, ArrayBufferWriter<byte> body)
    {
        var packet = new ArrayBufferWriter<byte>(body.WrittenCount + 5);
        Byte(packet, (byte)(((byte)type << 4) | flags));
        Length(packet, body.WrittenCount);
        packet.Write(body.WrittenSpan);
        return packet.WrittenSpan.ToArray();
    }

    private static void Byte(ArrayBufferWriter<byte> to, byte value) => to.Write([value]);

    private static void Number16(ArrayBufferWriter<byte> to, ushort value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(to.GetSpan(2), value);
        to.Advance(2);
    }

    private static void Number32(ArrayBufferWriter<byte> to, uint value)
    {
        BinaryPrimitives.WriteUInt32BigEndian(to.GetSpan(4), value);
        to.Advance(4);
    }

    private static void Text(ArrayBufferWriter<byte> to, string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        if (bytes.Length > ushort.MaxValue) throw new ArgumentException($"{bytes.Length} bytes are too long for MQTT", nameof(text));
        Number16(to, (ushort)bytes.Length);
        to.Write(bytes);
    }

    private static void Length(ArrayBufferWriter<byte> to, int length)
    {
        do
        {
            var digit = (byte)(length & 0x7F);
            length >>= 7;
            Byte(to, length > 0 ? (byte)(digit | 0x80) : digit);
        }
        while (length > 0);
    }
}
