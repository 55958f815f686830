using System.Security.Cryptography;

namespace OeeOrleans.OpcUa.Security;

/// <summary>The algorithms of a policy and their lengths (OPC 10000-7, 6.6.161 to 6.6.174).</summary>
internal sealed class PolicySuite
{
    private const string Prefix = "http://opcfoundation.org/UA/SecurityPolicy#";
    private const string RsaSha256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
    private const string RsaPssSha256 = "http://opcfoundation.org/UA/security/rsa-pss-sha2-256";
    private const string RsaOaep = "http://www.w3.org/2001/04/xmlenc#rsa-oaep";
    private const string RsaOaepSha256 = "http://opcfoundation.org/UA/security/rsa-oaep-sha2-256";

    public static readonly PolicySuite None = new(SecurityPolicy.None, "None", 0);
    private static readonly PolicySuite[] All =
    [
        None,
        new(SecurityPolicy.Basic256Sha256, "Basic256Sha256", 32),
        new(SecurityPolicy.Aes128Sha256RsaOaep, "Aes128_Sha256_RsaOaep", 16),
        new(SecurityPolicy.Aes256Sha256RsaPss, "Aes256_Sha256_RsaPss", 32),
    ];

    private PolicySuite(SecurityPolicy policy, string name, int keyLength)
    {
        (Policy, Name, Uri, EncryptionKeyLength) = (policy, name, Prefix + name, keyLength);
        var pss = policy == SecurityPolicy.Aes256Sha256RsaPss;
        SignaturePadding = pss ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1;
        EncryptionPadding = pss ? RSAEncryptionPadding.OaepSHA256 : RSAEncryptionPadding.OaepSHA1;
        EncryptionOverhead = pss ? 66 : 42;
        SignatureUri = pss ? RsaPssSha256 : RsaSha256;
        EncryptionUri = pss ? RsaOaepSha256 : RsaOaep;
    }

    public SecurityPolicy Policy { get; }

    /// <summary>As the standard and command lines write it.</summary>
    public string Name { get; }

    public string Uri { get; }

    public bool IsNone => Policy == SecurityPolicy.None;

    /// <summary>AES key, bytes; signing keys and signatures have 32, initialisation vectors 16.</summary>
    public int EncryptionKeyLength { get; }

    public RSASignaturePadding SignaturePadding { get; }

    public RSAEncryptionPadding EncryptionPadding { get; }

    /// <summary>What a block of RSA holds less than it is long.</summary>
    public int EncryptionOverhead { get; }

    public string SignatureUri { get; }

    public string EncryptionUri { get; }

    public static PolicySuite Of(SecurityPolicy policy) => All[(int)policy];

    /// <summary>Null for one that is not known here.</summary>
    public static PolicySuite? ByUri(string? uri) => Array.Find(All, s => s.Uri == uri);

    public static PolicySuite? ByName(string? name) =>
        Array.Find(All, s => string.Equals(s.Name, name, StringComparison.OrdinalIgnoreCase) || s.Policy.ToString() == name);

    public byte[] Sign(RSA key, ReadOnlySpan<byte> data) => key.SignData(data, HashAlgorithmName.SHA256, SignaturePadding);

    public bool Verify(RSA key, ReadOnlySpan<byte> data, ReadOnlySpan<byte> signature) =>
        key.VerifyData(data, signature, HashAlgorithmName.SHA256, SignaturePadding);

    /// <summary>Any length, block by block (OPC 10000-6, 6.7.2).</summary>
    public byte[] Encrypt(RSA key, ReadOnlySpan<byte> plain)
    {
        var (block, size) = (PlainBlock(key), key.KeySize / 8);
        var blocks = (plain.Length + block - 1) / block;
        var cipher = new byte[blocks * size];
        for (var i = 0; i < blocks; i++)
        {
            var part = plain.Slice(i * block, Math.Min(block, plain.Length - (i * block)));
            key.Encrypt(part, cipher.AsSpan(i * size, size), EncryptionPadding);
        }

        return cipher;
    }

    /// <exception cref="CryptographicException">It was not encrypted for this key.</exception>
    public byte[] Decrypt(RSA key, ReadOnlySpan<byte> cipher)
    {
        var size = key.KeySize / 8;
        if (cipher.Length == 0 || cipher.Length % size != 0) throw new CryptographicException(
            $"{cipher.Length} bytes are not blocks of {size}");
        var plain = new byte[cipher.Length];
        var at = 0;
        for (var i = 0; i < cipher.Length; i += size) at += key.Decrypt(cipher.Slice(i, size), plain.AsSpan(at), EncryptionPadding);
        return plain[..at];
    }

    public int PlainBlock(RSA key) => (key.KeySize / 8) - EncryptionOverhead;
}
