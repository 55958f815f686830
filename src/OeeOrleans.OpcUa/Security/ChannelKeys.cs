using System.Security.Cryptography;

namespace OeeOrleans.OpcUa.Security;

/// <summary>The symmetric keys of one direction of one security token (OPC 10000-6, 6.7.5).</summary>
internal sealed class ChannelKeys : IDisposable
{
    public const int SignatureLength = 32;
    public const int BlockLength = 16;
    private const int SigningKeyLength = 32;

    private readonly byte[] _signing;
    private readonly byte[] _vector;
    private readonly Aes _aes;

    /// <param name="secret">The receiver's nonce.</param>
    /// <param name="seed">The sender's nonce.</param>
    public ChannelKeys(PolicySuite suite, ReadOnlySpan<byte> secret, ReadOnlySpan<byte> seed)
    {
        var keys = Derive(secret, seed, SigningKeyLength + suite.EncryptionKeyLength + BlockLength);
        _signing = keys[..SigningKeyLength];
        _vector = keys[(SigningKeyLength + suite.EncryptionKeyLength)..];
        _aes = Aes.Create();
        _aes.Key = keys[SigningKeyLength..(SigningKeyLength + suite.EncryptionKeyLength)];
    }

    public void Dispose() => _aes.Dispose();

    public void Sign(ReadOnlySpan<byte> data, Span<byte> signature) => HMACSHA256.HashData(_signing, data, signature);

    public bool Verify(ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature)
    {
        Span<byte> ours = stackalloc byte[SignatureLength];
        Sign(data, ours);
        return CryptographicOperations.FixedTimeEquals(ours, signature);
    }

    /// <summary>In place; the length is a multiple of <see cref="BlockLength"/>.</summary>
    public void Encrypt(Span<byte> data) => _aes.EncryptCbc(data, _vector, data, PaddingMode.None);

    /// <inheritdoc cref="Encrypt"/>
    public void Decrypt(Span<byte> data) => _aes.DecryptCbc(data, _vector, data, PaddingMode.None);

    /// <summary>P_SHA256 of RFC 5246, section 5.</summary>
    internal static byte[] Derive(ReadOnlySpan<byte> secret, ReadOnlySpan<byte> seed, int length)
    {
        const int hash = 32;
        var result = new byte[length];
        var input = new byte[hash + seed.Length];
        seed.CopyTo(input.AsSpan(hash));
        Span<byte> block = stackalloc byte[hash];
        HMACSHA256.HashData(secret, seed, input);
        for (var at = 0; at < length; at += hash)
        {
            HMACSHA256.HashData(secret, input, block);
            block[..Math.Min(hash, length - at)].CopyTo(result.AsSpan(at));
            HMACSHA256.HashData(secret, input.AsSpan(0, hash), input);
        }

        return result;
    }
}
