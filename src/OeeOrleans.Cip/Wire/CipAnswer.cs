using System.Buffers;
using System.Buffers.Binary;

namespace OeeOrleans.Cip.Wire;

/// <summary>A CIP answer, in a rented buffer; whoever took it returns it.</summary>
internal readonly struct CipAnswer(byte[] buffer, int at, int length) : IDisposable
{
    public ReadOnlySpan<byte> Message => buffer.AsSpan(at, length);

    public CipReply Reply => new(Message);

    public void Dispose() => ArrayPool<byte>.Shared.Return(buffer);
}

/// <summary>The answer to one service: service, reserved, status, extended status in words, data.</summary>
internal readonly ref struct CipReply
{
    public const int Head = 4;
    private readonly ReadOnlySpan<byte> _message;

    /// <param name="message">At least <see cref="Head"/> bytes.</param>
    public CipReply(ReadOnlySpan<byte> message) => _message = message;

    public byte Service => _message[0];

    public CipStatus Status => new(_message[2], Extended.Length >= 2 ? BinaryPrimitives.ReadUInt16LittleEndian(Extended) : (ushort)0);

    /// <summary>Some simulators count bytes where words are meant: no further than there are bytes.</summary>
    public ReadOnlySpan<byte> Extended => _message.Slice(Head, Math.Min(_message[3] * 2, _message.Length - Head));

    public ReadOnlySpan<byte> Data => _message[(Head + Extended.Length)..];
}
