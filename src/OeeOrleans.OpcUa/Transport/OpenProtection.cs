using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using OeeOrleans.OpcUa.Binary;
using OeeOrleans.OpcUa.Security;

namespace OeeOrleans.OpcUa.Transport;

/// <summary>
/// Chunks of `OPN`, protected by the certificates (OPC 10000-6, 6.7.2): header, channel, security header, and then encrypted: sequence
/// header, body, padding, signature.
/// </summary>
internal sealed class OpenProtection(PolicySuite suite, X509Certificate2? own, X509Certificate2? server)
{
    private readonly byte[]? _serverThumbprint = server?.GetCertHash(HashAlgorithmName.SHA1);

    /// <summary>A whole chunk.</summary>
    public byte[] Protect(uint channelId, uint sequence, uint requestId, ReadOnlySpan<byte> body)
    {
        using var writer = new UaWriter();
        writer.UInt32(Frame.Open | (uint)Frame.Final << 24);
        writer.UInt32(0);
        writer.UInt32(channelId);
        writer.String(suite.Uri);
        writer.ByteString(suite.IsNone ? null : own!.RawData);
        writer.ByteString(suite.IsNone ? null : _serverThumbprint);
        var encryptedFrom = writer.Length;
        writer.UInt32(sequence);
        writer.UInt32(requestId);
        writer.Raw(body);
        if (suite.IsNone)
        {
            var plain = writer.Written.ToArray();
            BinaryPrimitives.WriteInt32LittleEndian(plain.AsSpan(4), plain.Length);
            return plain;
        }

        using var publicKey = server!.GetRSAPublicKey()!;
        using var privateKey = own!.GetRSAPrivateKey()!;
        var (cipherBlock, plainBlock, signature) = (publicKey.KeySize / 8, suite.PlainBlock(publicKey), privateKey.KeySize / 8);
        Pad(writer, encryptedFrom, plainBlock, signature, cipherBlock > 256);
        var plainLength = writer.Length - encryptedFrom + signature;
        var length = encryptedFrom + (plainLength / plainBlock * cipherBlock);
        var signed = new byte[writer.Length + signature];
        writer.Written.CopyTo(signed);
        BinaryPrimitives.WriteInt32LittleEndian(signed.AsSpan(4), length);
        suite.Sign(privateKey, signed.AsSpan(0, writer.Length)).CopyTo(signed.AsSpan(writer.Length));
        var chunk = new byte[length];
        signed.AsSpan(0, encryptedFrom).CopyTo(chunk);
        suite.Encrypt(publicKey, signed.AsSpan(encryptedFrom)).CopyTo(chunk.AsSpan(encryptedFrom));
        return chunk;
    }

    /// <summary>Sequence header and body of a chunk that came.</summary>
    /// <exception cref="OpcUaException">It is not from this server, or not for us.</exception>
    public byte[] Unprotect(ReadOnlySpan<byte> chunk)
    {
        var reader = new UaReader(chunk[Frame.HeaderLength..]);
        reader.UInt32();
        var uri = reader.String();
        var sender = reader.ByteString();
        reader.SkipBytes();
        var headLength = Frame.HeaderLength + reader.Position;
        if (uri != suite.Uri)
        {
            throw new OpcUaException(StatusCodes.BadSecurityPolicyRejected, $"the server answers with the policy {uri}, and {suite.Uri} "
                + "was asked for");
        }

        if (suite.IsNone) return chunk[headLength..].ToArray();
        if (sender is null || !ApplicationCertificate.Leaf(sender).RawDataMemory.Span.SequenceEqual(server!.RawDataMemory.Span))
        {
            throw Failed("the server answers with another certificate than its endpoint showed");
        }

        using var privateKey = own!.GetRSAPrivateKey()!;
        using var publicKey = server!.GetRSAPublicKey()!;
        byte[] plain;
        try
        {
            plain = suite.Decrypt(privateKey, chunk[headLength..]);
        }
        catch (CryptographicException error)
        {
            throw Failed($"the answer cannot be decrypted ({error.Message})");
        }

        var signature = publicKey.KeySize / 8;
        if (plain.Length <= signature) throw Failed("the answer is too short for its signature");
        var signedLength = plain.Length - signature;
        var signed = new byte[headLength + signedLength];
        chunk[..headLength].CopyTo(signed);
        plain.AsSpan(0, signedLength).CopyTo(signed.AsSpan(headLength));
        if (!suite.Verify(publicKey, signed, plain.AsSpan(signedLength))) throw Failed("the signature of the answer is wrong");
        var padding = Padding.Length(plain.AsSpan(0, signedLength), privateKey.KeySize > 2048);
        return padding <= signedLength - 8 ? plain[..(signedLength - padding)] : throw Failed("the padding of the answer is wrong");
    }

    private static void Pad(UaWriter writer, int from, int plainBlock, int signature, bool extra)
    {
        var sizeBytes = extra ? 2 : 1;
        var length = writer.Length - from + sizeBytes + signature;
        var padding = (plainBlock - (length % plainBlock)) % plainBlock;
        writer.Byte((byte)padding);
        for (var i = 0; i < padding; i++) writer.Byte((byte)padding);
        if (extra) writer.Byte((byte)(padding >> 8));
    }

    private static OpcUaException Failed(string what) => new(StatusCodes.BadSecurityChecksFailed, $"opening the secure channel: {what}");
}

/// <summary>The end of an encrypted chunk (OPC 10000-6, 6.7.2.5).</summary>
internal static class Padding
{
    /// <summary>Bytes of padding at the end, its own size included (OPC 10000-6, 6.7.2.5).</summary>
    public static int Length(ReadOnlySpan<byte> plain, bool extra)
    {
        if (!extra) return plain[^1] + 1;
        if (plain.Length < 2) return int.MaxValue;
        return (plain[^1] << 8 | plain[^2]) + 2;
    }
}
