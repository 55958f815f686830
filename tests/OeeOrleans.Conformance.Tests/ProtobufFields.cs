using System.Buffers.Binary;

namespace OeeOrleans.Conformance.Tests;

/// <summary>
/// One field on the wire, read without our own reader: number, wire type (0 varint, 1 fixed 64, 2 bytes, 5 fixed 32), and what it holds.
/// </summary>
internal sealed record ProtobufField(int Number, int WireType, ulong Value, byte[] Bytes)
{
    public static IReadOnlyList<ProtobufField> All(ReadOnlySpan<byte> message)
    {
        var all = new List<ProtobufField>();
        while (message.Length > 0)
        {
            var tag = Varint(ref message);
            var (number, type) = ((int)(tag >> 3), (int)(tag & 7));
            switch (type)
            {
                case 0:
                    all.Add(new ProtobufField(number, type, Varint(ref message), []));
                    break;
                case 1:
                    all.Add(new ProtobufField(number, type, BinaryPrimitives.ReadUInt64LittleEndian(message), []));
                    message = message[8..];
                    break;
                case 5:
                    all.Add(new ProtobufField(number, type, BinaryPrimitives.ReadUInt32LittleEndian(message), []));
                    message = message[4..];
                    break;
                default:
                    var length = (int)Varint(ref message);
                    all.Add(new ProtobufField(number, type, 0, message[..length].ToArray()));
                    message = message[length..];
                    break;
            }
        }

        return all;
    }

    /// <summary>Numbers of a repeated field, packed or not.</summary>
    public static IReadOnlyList<ulong> Numbers(IEnumerable<ProtobufField> fields)
    {
        var all = new List<ulong>();
        foreach (var field in fields)
        {
            if (field.WireType == 0) all.Add(field.Value);
            var packed = field.Bytes.AsSpan() is var bytes ? (ReadOnlySpan<byte>)bytes : default;
            while (packed.Length > 0) all.Add(Varint(ref packed));
        }

        return all;
    }

    private static ulong Varint(ref ReadOnlySpan<byte> at)
    {
        ulong value = 0;
        for (var shift = 0; ; shift += 7)
        {
            var next = at[0];
            at = at[1..];
            value |= (ulong)(next & 0x7F) << shift;
            if (next < 0x80) return value;
        }
    }
}
