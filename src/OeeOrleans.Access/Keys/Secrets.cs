using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace OeeOrleans.Access.Keys;

/// <summary>
/// Secrets that we make ourselves: 256 random bits, of which only the hash is kept. A slow hash is for what people think up.
/// </summary>
internal static class Secrets
{
    private const int Bytes = 32;

    public static string New() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes));

    public static string NewId(int bytes) => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(bytes));

    public static string Hash(string secret) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(secret)));

    /// <summary>In a time that says nothing of where two hashes differ.</summary>
    public static bool AreEqual(string hash, string other) =>
        CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(hash), Encoding.ASCII.GetBytes(other));
}
