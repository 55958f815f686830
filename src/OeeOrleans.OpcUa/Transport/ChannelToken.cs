using System.Buffers.Binary;
using OeeOrleans.OpcUa.Security;

namespace OeeOrleans.OpcUa.Transport;

/// <summary>A security token: its id, its keys, and the chunks of `MSG` and `CLO` protected by them (OPC 10000-6, 6.7.2).</summary>
internal sealed class ChannelToken(uint channelId, uint tokenId, MessageSecurityMode mode, ChannelKeys? client, ChannelKeys? server)
    : IDisposable
{
    private const int HeaderLength = Frame.HeaderLength + 8;
    private const int SequenceHeaderLength = 8;

    public uint ChannelId => channelId;

    public uint TokenId => tokenId;

    private bool Encrypts => mode == MessageSecurityMode.SignAndEncrypt;

    private int SignatureLength => mode is MessageSecurityMode.Sign or MessageSecurityMode.SignAndEncrypt ? ChannelKeys.SignatureLength : 0;

    public void Dispose()
    {
        client?.Dispose();
        server?.Dispose();
    }

    /// <summary>Bytes of body a chunk of this length holds at most.</summary>
    public int MaxBody(int chunk)
    {
        if (!Encrypts) return chunk - HeaderLength - SequenceHeaderLength - SignatureLength;
        var encrypted = (chunk - HeaderLength) / ChannelKeys.BlockLength * ChannelKeys.BlockLength;
        return encrypted - SequenceHeaderLength - SignatureLength - 1;
    }

    /// <summary>Writes a chunk; returns its length.</summary>
    public int Protect(uint type, byte kind, uint sequence, uint requestId, ReadOnlySpan<byte> body, Span<byte> chunk)
    {
        var padding = 0;
        if (Encrypts)
        {
            var plain = SequenceHeaderLength + body.Length + 1 + SignatureLength;
            padding = 1 + ((ChannelKeys.BlockLength - (plain % ChannelKeys.BlockLength)) % ChannelKeys.BlockLength);
        }

        var signed = HeaderLength + SequenceHeaderLength + body.Length + padding;
        var length = signed + SignatureLength;
        BinaryPrimitives.WriteUInt32LittleEndian(chunk, type | (uint)kind << 24);
        BinaryPrimitives.WriteInt32LittleEndian(chunk[4..], length);
        BinaryPrimitives.WriteUInt32LittleEndian(chunk[8..], channelId);
        BinaryPrimitives.WriteUInt32LittleEndian(chunk[12..], tokenId);
        BinaryPrimitives.WriteUInt32LittleEndian(chunk[16..], sequence);
        BinaryPrimitives.WriteUInt32LittleEndian(chunk[20..], requestId);
        body.CopyTo(chunk[(HeaderLength + SequenceHeaderLength)..]);
        if (padding > 0) chunk[(signed - padding)..signed].Fill((byte)(padding - 1));
        if (SignatureLength > 0) client!.Sign(chunk[..signed], chunk[signed..length]);
        if (Encrypts) client!.Encrypt(chunk[HeaderLength..length]);
        return length;
    }

    /// <summary>Opens a chunk that came, in place; the body lies at <paramref name="offset"/>.</summary>
    /// <exception cref="OpcUaException">It was not sent by the server, or was changed on the way.</exception>
    public void Unprotect(Span<byte> chunk, out uint sequence, out uint requestId, out int offset, out int length)
    {
        var end = chunk.Length;
        if (end < HeaderLength + SequenceHeaderLength + SignatureLength) throw Failed("is too short");
        if (Encrypts)
        {
            if ((end - HeaderLength) % ChannelKeys.BlockLength != 0) throw Failed("is no multiple of the cipher's block");
            server!.Decrypt(chunk[HeaderLength..]);
        }

        if (SignatureLength > 0)
        {
            end -= SignatureLength;
            if (!server!.Verify(chunk[..end], chunk[end..])) throw Failed("has a wrong signature");
        }

        if (Encrypts) end -= Padding.Length(chunk[..end], extra: false);
        sequence = BinaryPrimitives.ReadUInt32LittleEndian(chunk[16..]);
        requestId = BinaryPrimitives.ReadUInt32LittleEndian(chunk[20..]);
        offset = HeaderLength + SequenceHeaderLength;
        length = end - offset;
        if (length < 0) throw Failed("has a wrong padding");
    }

    private static OpcUaException Failed(string what) =>
        new(StatusCodes.BadSecurityChecksFailed, $"a chunk that came {what}; the channel is closed");
}
