using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using OeeOrleans.Model;

namespace OeeOrleans.Storage.Access;

/// <summary>
/// The hash of an audit entry: HMAC-SHA256 over the hash of the one before and every field of the entry, each with its length before it, so
/// that no two entries are written alike. Who has not the key cannot make an entry that fits; who takes one away or changes it breaks all
/// that follow.
/// </summary>
public sealed class AuditChain(ReadOnlyMemory<byte> key)
{
    /// <summary>What the first entry follows.</summary>
    public const string Beginning = "";

    /// <summary>Action of a first entry before which there are rows of a release that knew no chain; its detail says how many.</summary>
    public const string Begin = "audit.begin";

    /// <param name="before">Hash of the entry before, hexadecimal.</param>
    /// <param name="seq">The entry's place.</param>
    /// <param name="entry">The entry.</param>
    /// <returns>Hexadecimal, 64 characters.</returns>
    public string Next(string before, long seq, AuditEntry entry)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, key.Span);
        Add(hash, before);
        Add(hash, seq);
        Add(hash, entry.AtUs);
        foreach (var text in new[] { entry.Actor, entry.Action, entry.Target, entry.Detail, entry.Asset, entry.Origin }) Add(hash, text);
        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private static void Add(IncrementalHash hash, long number)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(bytes, number);
        hash.AppendData(bytes);
    }

    private static void Add(IncrementalHash hash, string? text)
    {
        // Nothing and an empty text are two things.
        if (text is null)
        {
            Add(hash, -1);
            return;
        }

        var bytes = Encoding.UTF8.GetBytes(text);
        Add(hash, bytes.Length);
        hash.AppendData(bytes);
    }
}
