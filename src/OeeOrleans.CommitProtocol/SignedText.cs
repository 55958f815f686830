using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text.Json;

namespace OeeOrleans.CommitProtocol;

/// <summary>
/// What a host says to its own edge nodes and nobody else can: `base64url(JSON).base64url(signature)`, ES256 (RFC 7518, 3.4) over a word
/// for what it is good for and the JSON's bytes.
/// </summary>
internal static class SignedText
{
    /// <param name="purpose">What is signed for this is good for nothing else.</param>
    public static string Seal(ECDsa key, ReadOnlySpan<byte> purpose, byte[] json)
    {
        var proof = key.SignData([.. purpose, .. json], HashAlgorithmName.SHA256);
        return $"{Base64Url.EncodeToString(json)}.{Base64Url.EncodeToString(proof)}";
    }

    /// <summary>The bytes that were signed.</summary>
    /// <param name="text">As it came.</param>
    /// <param name="maxLength">Longer ones are not looked at, characters.</param>
    /// <param name="keys">Of those who may say it.</param>
    /// <param name="by">Which of them said it.</param>
    /// <exception cref="SignedCommandException">It is none, or nobody of these signed it.</exception>
    public static byte[] Open(string text, int maxLength, ReadOnlySpan<byte> purpose, IReadOnlyList<ECDsa> keys, out int by)
    {
        if (text.Length > maxLength) throw new SignedCommandException($"it has {text.Length} characters, and may have {maxLength}");
        if (text.Split('.') is not [var body, var signature]) throw new SignedCommandException("it is no signed command");
        byte[] json, proof;
        try
        {
            (json, proof) = (Base64Url.DecodeFromChars(body), Base64Url.DecodeFromChars(signature));
        }
        catch (FormatException)
        {
            throw new SignedCommandException("it is no signed command");
        }

        // Nothing of it is read before it is known who says it.
        byte[] signed = [.. purpose, .. json];
        for (by = 0; by < keys.Count && !keys[by].VerifyData(signed, proof, HashAlgorithmName.SHA256); by++)
        {
        }

        if (by == keys.Count)
        {
            throw new SignedCommandException("none of the host's keys that this edge node knows signed it");
        }

        return json;
    }

    /// <exception cref="SignedCommandException">It is no such thing.</exception>
    public static T Read<T>(ReadOnlySpan<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize<T>(json) ?? throw new SignedCommandException("it is empty");
        }
        catch (JsonException error)
        {
            throw new SignedCommandException($"it is signed, and of another release: {error.Message}");
        }
    }
}
