using System.Buffers.Binary;
using System.Text;

namespace OeeOrleans.Mqtt.Inlet;

/// <summary>Types of control packets (MQTT 5, 2.1.2).</summary>
internal enum PacketType : byte
{
    Connect = 1,
    ConnAck = 2,
    Publish = 3,
    PubAck = 4,
    Subscribe = 8,
    SubAck = 9,
    PingReq = 12,
    PingResp = 13,
    Disconnect = 14,
}

/// <summary>Where a packet lies behind its fixed header.</summary>
/// <param name="Type">Its type.</param>
/// <param name="Flags">The four bits beside it.</param>
/// <param name="HeaderBytes">Length of the fixed header.</param>
/// <param name="BodyBytes">Remaining Length.</param>
internal readonly record struct PacketFrame(PacketType Type, byte Flags, int HeaderBytes, int BodyBytes)
{
    public int Bytes => HeaderBytes + BodyBytes;

    /// <summary>Reads the fixed header. False when more of it must come first.</summary>
    /// <exception cref="MqttFormatException">The length has more than four bytes.</exception>
    public static bool TryRead(ReadOnlySpan<byte> from, out PacketFrame frame)
    {
        frame = default;
        var length = 0;
        for (var i = 1; i <= 4; i++)
        {
            if (i >= from.Length) return false;
            length |= (from[i] & 0x7F) << (7 * (i - 1));
            if (from[i] >= 0x80) continue;
            frame = new PacketFrame((PacketType)(from[0] >> 4), (byte)(from[0] & 0x0F), i + 1, length);
            return true;
        }

        throw new MqttFormatException("a packet's length has more than four bytes");
    }
}

/// <summary>Reads the body of a packet.</summary>
internal ref struct PacketReader(ReadOnlySpan<byte> body)
{
    private const byte ServerKeepAliveProperty = 0x13;
    private const byte ReasonStringProperty = 0x1F;

    private readonly ReadOnlySpan<byte> _body = body;
    private int _at;

    public readonly int Position => _at;

    public readonly bool AtEnd => _at >= _body.Length;

    public byte Byte() => Take(1)[0];

    public ushort Number16() => BinaryPrimitives.ReadUInt16BigEndian(Take(2));

    public ReadOnlySpan<byte> Binary() => Take(Number16());

    /// <summary>A variable byte integer (MQTT 5, 1.5.5).</summary>
    public int Length()
    {
        var length = 0;
        for (var shift = 0; shift < 28; shift += 7)
        {
            var digit = Byte();
            length |= (digit & 0x7F) << shift;
            if (digit < 0x80) return length;
        }

        throw new MqttFormatException("a length has more than four bytes");
    }

    /// <summary>What of MQTT 5's properties is of use to us; all others are read over.</summary>
    public (string Reason, ushort? KeepAliveS) Properties()
    {
        var (reason, keepAlive) = ("", (ushort?)null);
        var end = Length() + _at;
        if (end > _body.Length) throw new MqttFormatException("properties are longer than their packet");
        while (_at < end)
        {
            var property = Byte();
            if (property == ServerKeepAliveProperty) keepAlive = Number16();
            else if (property == ReasonStringProperty) reason = Encoding.UTF8.GetString(Binary());
            else Skip(property);
        }

        return (reason, keepAlive);
    }

    /// <summary>Over all properties, whatever they are.</summary>
    public void SkipProperties() => Take(Length());

    /// <summary>Over the value of a property, by the type it has (MQTT 5, 2.2.2.2).</summary>
    private void Skip(byte property)
    {
        switch (property)
        {
            case 0x01 or 0x17 or 0x19 or 0x24 or 0x25 or 0x28 or 0x29 or 0x2A:
                Take(1);
                break;
            case 0x21 or 0x22 or 0x23:
                Take(2);
                break;
            case 0x02 or 0x11 or 0x18 or 0x27:
                Take(4);
                break;
            case 0x0B:
                Length();
                break;
            case 0x26:
                Binary();
                Binary();
                break;
            case 0x03 or 0x08 or 0x09 or 0x12 or 0x15 or 0x16 or 0x1A or 0x1C:
                Binary();
                break;
            default:
                throw new MqttFormatException($"there is no property 0x{property:X2}");
        }
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _body.Length - _at) throw new MqttFormatException("a packet ends before what it announces");
        var taken = _body.Slice(_at, count);
        _at += count;
        return taken;
    }
}

/// <summary>What came is no MQTT.</summary>
public sealed class MqttFormatException(string message) : Exception(message);
