using System.Text;
using System.Text.Json;

namespace OeeOrleans.Sparkplug.Host;

/// <summary>What a host application says of itself on `spBv1.0/STATE/host`: retained, QoS 1 (Sparkplug 3.0 section 6.4.26). The timestamp
/// of a death is that of the birth of the same connection, so an old death can be told from a new birth.</summary>
public readonly record struct HostState(bool Online, ulong TimestampMs)
{
    public byte[] ToPayload() => JsonSerializer.SerializeToUtf8Bytes(new { online = Online, timestamp = TimestampMs });

    /// <summary>Reads the JSON of 3.0, or the bare words of 2.2 (`ONLINE`, `OFFLINE`), which have no time.</summary>
    public static bool TryParse(ReadOnlySpan<byte> payload, out HostState state)
    {
        state = default;
        if (payload.SequenceEqual("ONLINE"u8) || payload.SequenceEqual("OFFLINE"u8))
        {
            state = new HostState(payload.Length == 6, 0);
            return true;
        }

        try
        {
            using var json = JsonDocument.Parse(Encoding.UTF8.GetString(payload));
            var root = json.RootElement;
            if (root.ValueKind != JsonValueKind.Object
                || !root.TryGetProperty("online", out var online)
                || online.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
            {
                return false;
            }

            state = new HostState(
                online.GetBoolean(), root.TryGetProperty("timestamp", out var time) && time.TryGetUInt64(out var ms) ? ms : 0);
            return true;
        }
        catch (JsonException)
        {
            // Somebody else's message on our topic: it says nothing of the host.
            return false;
        }
    }
}
