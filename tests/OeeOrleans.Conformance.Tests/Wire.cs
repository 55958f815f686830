using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Host;
using OeeOrleans.Sparkplug.Topics;
using OeeOrleans.TestServers;

namespace OeeOrleans.Conformance.Tests;

/// <summary>Reads what a <see cref="RecordingBroker"/> noted.</summary>
internal static class Wire
{
    public static bool Is(this WireEvent e, string type) =>
        e.Kind == WireKind.Publish && e.Topic.Split('/') is [_, _, var t, ..] && t == type;

    public static bool IsData(this WireEvent e) => e.Is("NDATA") || e.Is("DDATA");

    public static bool IsState(this WireEvent e) =>
        e.Kind == WireKind.Publish && e.Topic.StartsWith("spBv1.0/STATE/", StringComparison.Ordinal);

    public static int Count(this IReadOnlyList<WireEvent> events, string type) => events.Count(e => e.Is(type));

    /// <summary>Where the n-th (from 0) event of a kind is; -1 when there is none.</summary>
    public static int Index(this IReadOnlyList<WireEvent> events, Func<WireEvent, bool> which, int n = 0)
    {
        for (var i = 0; i < events.Count; i++)
        {
            if (which(events[i]) && n-- == 0) return i;
        }

        return -1;
    }

    public static Decoded Decode(this WireEvent e)
    {
        if (!SparkplugTopic.TryParse(e.Topic, out var topic, out var reason)) throw new InvalidOperationException(reason);
        return new Decoded(topic, Decoded.Json(e.Payload), e.Qos, e.Retain);
    }

    public static long BdSeq(this WireEvent e) => e.Decode().Metric("bdSeq")!.Value.GetProperty("value").GetInt64();

    public static HostState State(this WireEvent e) =>
        HostState.TryParse(e.Payload, out var state) ? state : throw new InvalidOperationException($"no STATE payload on {e.Topic}");

    public static byte[] HostIs(bool online, ulong timestampMs) => new HostState(online, timestampMs).ToPayload();
}
