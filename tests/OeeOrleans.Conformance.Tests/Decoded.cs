using System.Text.Json;
using OeeOrleans.Sparkplug.Edge;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Conformance.Tests;

/// <summary>A message with its payload as JSON.</summary>
internal sealed record Decoded(SparkplugTopic Topic, JsonElement Payload, int Qos = 0, bool Retain = false)
{
    public static Decoded Of(EdgeMessage message) => new(message.Topic, Json(message.Payload.Span));

    public static JsonElement Json(ReadOnlySpan<byte> payload)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer)) SparkplugJson.Write(json, payload);
        return JsonDocument.Parse(buffer.ToArray()).RootElement;
    }

    public bool Has(string field) => Payload.GetProperty(field).ValueKind != JsonValueKind.Null;

    public long Number(string field) => Payload.GetProperty(field).GetInt64();

    public IReadOnlyList<JsonElement> Metrics => [.. Payload.GetProperty("metrics").EnumerateArray()];

    public JsonElement? Metric(string name)
    {
        var found = Metrics.Where(m => m.GetProperty("name").GetString() == name).ToList();
        return found.Count == 0 ? null : found[0];
    }
}
