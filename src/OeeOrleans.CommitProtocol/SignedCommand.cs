using System.Security.Cryptography;
using System.Text.Json;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.CommitProtocol;

/// <summary>
/// A value for a PLC as the host signs it and our edge nodes take it: whoever may publish at the broker can send one, nobody but the host
/// can make one. It is for one metric of one device of one edge node, has a number that grows, and ends by itself. As text
/// `base64url(JSON).base64url(signature)`, ES256 (RFC 7518, 3.4) over a word of its own and the JSON's bytes.
/// </summary>
public sealed record SignedCommand
{
    /// <summary>In a DCMD, and announced in births of devices that can be written to (String).</summary>
    public const string MetricName = "Device Control/Signed Command";

    /// <summary>Longer ones are not looked at, characters.</summary>
    public const int MaxLength = 16_000;

    /// <summary>What is signed for this is good for nothing else.</summary>
    private static readonly byte[] Purpose = "oee command 1\0"u8.ToArray();

    public required string Id { get; init; }

    /// <summary>Greater than that of every command before it to the same edge node.</summary>
    public required long Number { get; init; }

    /// <summary>`group/node`.</summary>
    public required string EdgeNode { get; init; }

    public required string Device { get; init; }

    public required string Metric { get; init; }

    /// <summary>JSON: a number, true, false or a text, in published units.</summary>
    public required string Value { get; init; }

    /// <summary>By the host's clock, milliseconds since 1970 UTC.</summary>
    public required long IssuedMs { get; init; }

    /// <summary>It is not begun after this.</summary>
    public required long ExpiresMs { get; init; }

    public required string AskedBy { get; init; }

    public required string ApprovedBy { get; init; }

    public string? Reason { get; init; }

    public string Seal(ECDsa key) => SignedText.Seal(key, Purpose, JsonSerializer.SerializeToUtf8Bytes(this));

    /// <param name="text">As it came.</param>
    /// <param name="keys">Of those who may say it.</param>
    /// <param name="by">Which of them said it.</param>
    /// <exception cref="SignedCommandException">It is none, or nobody of these signed it.</exception>
    public static SignedCommand Open(string text, IReadOnlyList<ECDsa> keys, out int by) =>
        SignedText.Read<SignedCommand>(SignedText.Open(text, MaxLength, Purpose, keys, out by));

    /// <summary>The DCMD that brings it.</summary>
    public static (SparkplugTopic Topic, ReadOnlyMemory<byte> Payload) Message(
        string group, string node, string device, string text, ulong nowMs)
    {
        var writer = new SparkplugPayloadWriter().Begin(nowMs, null);
        writer.String(new MetricHead(MetricName, null, nowMs, SparkplugDataType.String), text);
        return (new SparkplugTopic(SparkplugMessageType.DCommand, group, node, device), writer.Written.ToArray());
    }
}

/// <summary>What came is not the host's word; the message says why.</summary>
public sealed class SignedCommandException(string message) : Exception(message);
