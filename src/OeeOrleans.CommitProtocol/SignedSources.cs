using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.CommitProtocol;

/// <summary>
/// What an edge node is to read, as its host signs it: all sources that the plant gives it, in one. Numbered, so that an older word does
/// not undo a newer one; it does not end, for it says how things are to be and not what is to be done.
/// </summary>
public sealed record SignedSources
{
    /// <summary>In an NCMD (String).</summary>
    public const string MetricName = "Node Control/Signed Sources";

    /// <summary>Longer ones are not looked at, characters. Brokers refuse packets beyond a megabyte or a few.</summary>
    public const int MaxLength = 4_000_000;

    /// <summary>What they say, unpacked, bytes.</summary>
    private const int MaxBytes = 64_000_000;

    private static readonly JsonSerializerOptions Plain = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly byte[] Purpose = "oee sources 1\0"u8.ToArray();

    /// <summary>Not lower than that of any before it to the same edge node.</summary>
    public required long Number { get; init; }

    /// <summary>`group/node`.</summary>
    public required string EdgeNode { get; init; }

    /// <summary>Which plant says it: another one does not undo it.</summary>
    public required string Host { get; init; }

    /// <summary>A JSON array of objects with the keys of `edge.sources`.</summary>
    public required string Sources { get; init; }

    /// <summary>Packed (gzip), and signed as it travels.</summary>
    public string Seal(ECDsa key)
    {
        using var packed = new MemoryStream();
        using (var zip = new GZipStream(packed, CompressionLevel.Optimal)) JsonSerializer.Serialize(zip, this, Plain);
        return SignedText.Seal(key, Purpose, packed.ToArray());
    }

    /// <param name="text">As it came.</param>
    /// <param name="keys">Of those who may say it.</param>
    /// <param name="by">Which of them said it.</param>
    /// <exception cref="SignedCommandException">It is none, or nobody of these signed it.</exception>
    public static SignedSources Open(string text, IReadOnlyList<ECDsa> keys, out int by)
    {
        var packed = SignedText.Open(text, MaxLength, Purpose, keys, out by);
        try
        {
            using var zip = new GZipStream(new MemoryStream(packed), CompressionMode.Decompress);
            using var json = new MemoryStream();
            var buffer = new byte[81_920];
            while (zip.Read(buffer) is > 0 and var count)
            {
                if (json.Length + count > MaxBytes) throw new SignedCommandException($"it says more than {MaxBytes} bytes");
                json.Write(buffer, 0, count);
            }

            return SignedText.Read<SignedSources>(json.GetBuffer().AsSpan(0, (int)json.Length));
        }
        catch (InvalidDataException)
        {
            throw new SignedCommandException("it is signed, and of another release: it is not packed");
        }
    }

    /// <summary>By what a host's key is known: 16 hexadecimal digits of its public half.</summary>
    public static string NameOf(ECDsa key) => Convert.ToHexStringLower(SHA256.HashData(key.ExportSubjectPublicKeyInfo()).AsSpan(0, 8));

    /// <summary>By what two tell whether they mean the same sources: 16 hexadecimal digits.</summary>
    public static string DigestOf(string sources) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(sources)).AsSpan(0, 8));

    /// <summary>The NCMD that brings it.</summary>
    public static (SparkplugTopic Topic, ReadOnlyMemory<byte> Payload) Message(string group, string node, string text, ulong nowMs)
    {
        var writer = new SparkplugPayloadWriter().Begin(nowMs, null);
        writer.String(new MetricHead(MetricName, null, nowMs, SparkplugDataType.String), text);
        return (new SparkplugTopic(SparkplugMessageType.NCommand, group, node, null), writer.Written.ToArray());
    }
}

/// <summary>What an edge node says in its NBIRTH of the sources that the plant gave it.</summary>
/// <param name="Number">Of what it was told last; 0: nothing yet.</param>
/// <param name="Digest">Of what it reads (<see cref="SignedSources.DigestOf"/>).</param>
/// <param name="Host">Whose word that is (<see cref="SignedSources.Host"/>); null: nobody's yet.</param>
/// <param name="Refused">Of what it was told and does not read; null: nothing.</param>
/// <param name="Problem">Why not.</param>
public sealed record SourcesReport(long Number, string Digest, string? Host, string? Refused, string? Problem)
{
    /// <summary>A JSON object (String).</summary>
    public const string MetricName = "Node Control/Sources";

    private const int MaxLength = 8_000;
    private const int MaxProblem = 1_000;

    public string ToJson() =>
        JsonSerializer.Serialize(Problem is { Length: > MaxProblem } ? this with { Problem = Problem[..MaxProblem] } : this);

    /// <summary>Null: it is none.</summary>
    public static SourcesReport? Parse(ReadOnlySpan<byte> json)
    {
        if (json.Length > MaxLength) return null;
        try
        {
            return JsonSerializer.Deserialize<SourcesReport>(json) is { Digest: not null } report ? report : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
