namespace OeeOrleans.Model;

/// <summary>A message nobody could read or store: kept (bounded) so that a person can see what a device sent. Topic, payload and reason are
/// clipped; <paramref name="Size"/> is the length of the whole payload.</summary>
public sealed record DeadLetter(long TimeUs, string Topic, byte[] Payload, string Reason, int Size)
{
    public const int MaxTopic = 500;
    public const int MaxReason = 1_000;
    public const int MaxPayload = 16 << 10;

    public static DeadLetter Of(long timeUs, string topic, ReadOnlyMemory<byte> payload, string reason) => new(
        timeUs,
        Clip(topic, MaxTopic),
        payload[..Math.Min(payload.Length, MaxPayload)].ToArray(),
        Clip(reason, MaxReason),
        payload.Length);

    /// <summary>A text that any store takes and any log shows: no character zero, and not longer than so many.</summary>
    public static string Clip(string text, int length)
    {
        var clean = text.Contains('\0') ? text.Replace('\0', '\uFFFD') : text;
        if (clean.Length <= length) return clean;
        // Half of a surrogate pair is no text.
        return clean[..(char.IsHighSurrogate(clean[length - 1]) ? length - 1 : length)];
    }
}
