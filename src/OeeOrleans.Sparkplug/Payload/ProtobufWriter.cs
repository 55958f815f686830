using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace OeeOrleans.Sparkplug.Payload;

/// <summary>Protocol-buffer wire format into a buffer: one method per wire type.</summary>
internal static class ProtobufWriter
{
    public static void Tag(ArrayBufferWriter<byte> to, int field, int wireType) => Raw(to, (ulong)((field << 3) | wireType));

    public static void Varint(ArrayBufferWriter<byte> to, int field, ulong value)
    {
        Tag(to, field, ProtobufReader.Varint);
        Raw(to, value);
    }

    public static void Fixed32(ArrayBufferWriter<byte> to, int field, uint bits)
    {
        Tag(to, field, ProtobufReader.Fixed32);
        BinaryPrimitives.WriteUInt32LittleEndian(to.GetSpan(4), bits);
        to.Advance(4);
    }

    public static void Fixed64(ArrayBufferWriter<byte> to, int field, ulong bits)
    {
        Tag(to, field, ProtobufReader.Fixed64);
        BinaryPrimitives.WriteUInt64LittleEndian(to.GetSpan(8), bits);
        to.Advance(8);
    }

    public static void Bytes(ArrayBufferWriter<byte> to, int field, ReadOnlySpan<byte> content)
    {
        Tag(to, field, ProtobufReader.Length);
        Raw(to, (ulong)content.Length);
        to.Write(content);
    }

    public static void Utf8(ArrayBufferWriter<byte> to, int field, string text)
    {
        Tag(to, field, ProtobufReader.Length);
        var length = Encoding.UTF8.GetByteCount(text);
        Raw(to, (ulong)length);
        Encoding.UTF8.GetBytes(text, to.GetSpan(length));
        to.Advance(length);
    }

    public static void Raw(ArrayBufferWriter<byte> to, ulong value)
    {
        var span = to.GetSpan(10);
        var length = 0;
        for (; value >= 0x80; value >>= 7) span[length++] = (byte)(value | 0x80);
        span[length++] = (byte)value;
        to.Advance(length);
    }
}
