using System.Security.Cryptography;

namespace OeeOrleans.Edge.Commands;

/// <summary>Public keys of hosts whose commands an edge node takes: base64 of a SubjectPublicKeyInfo (RFC 5280, 4.1.2.7), P-256.</summary>
internal static class CommandKeys
{
    /// <summary>Null, or what is wrong with a key.</summary>
    public static string? Check(string key)
    {
        try
        {
            using var read = One(key);
            return read.KeySize == 256 ? null : $"it has {read.KeySize} bits; the keys that `oee commands key` prints have 256";
        }
        catch (Exception error) when (error is FormatException or CryptographicException)
        {
            return "it is no public key; `oee commands key` of the host prints one";
        }
    }

    /// <summary>The keys, each with a name of its own under which its numbers are kept.</summary>
    public static IReadOnlyList<(ECDsa Key, string Name)> Read(IReadOnlyList<string> keys) =>
        [.. keys.Select(k => (One(k), $"command-{Convert.ToHexStringLower(SHA256.HashData(Convert.FromBase64String(k)).AsSpan(0, 8))}"))];

    private static ECDsa One(string key)
    {
        var ecdsa = ECDsa.Create();
        ecdsa.ImportSubjectPublicKeyInfo(Convert.FromBase64String(key), out _);
        return ecdsa;
    }
}
