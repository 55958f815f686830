using System.Text;
using System.Text.Json;
using OeeOrleans.CommitProtocol;
using OeeOrleans.Model;
using OeeOrleans.Sparkplug.Payload;

namespace OeeOrleans.Grains.EdgeNodes;

/// <summary>
/// What an edge node reports of a value for its PLC, as an entry of the audit log. It is the node's word; the entry says so.
/// </summary>
internal static class WriteReport
{
    public const string Done = "plc.write";
    public const string Failed = "plc.write_failed";

    private const int MaxId = 64;
    private const int MaxName = 200;

    /// <summary>Null, and why, for what is no report.</summary>
    public static AuditEntry? Read(
        scoped in MetricView metric, string edgeNode, string? device, string? machine, long ingestUs, out string mistake)
    {
        mistake = "";
        if (metric.Content.Length > CommitMetrics.MaxReportBytes)
        {
            mistake = $"{CommitMetrics.WriteReport} has {metric.Content.Length} bytes, and may have {CommitMetrics.MaxReportBytes}";
            return null;
        }

        try
        {
            var text = Encoding.UTF8.GetString(metric.Content);
            using var json = JsonDocument.Parse(text);
            var ok = json.RootElement.GetProperty("ok").GetBoolean();
            var name = json.RootElement.GetProperty("metric").GetString() ?? "";
            var id = json.RootElement.GetProperty("id").GetString();
            if (id is not { Length: > 0 and <= MaxId }) throw new JsonException($"its id has 1 to {MaxId} characters");
            var timeUs = (long)(metric.Timestamp ?? 0) * UnixMicros.PerMillisecond;
            return new AuditEntry(
                TimeRule.Admits(timeUs, ingestUs) ? timeUs : ingestUs, $"edge:{edgeNode}", ok ? Done : Failed,
                $"{device}/{(name.Length > MaxName ? name[..MaxName] : name)}", text)
            {
                Asset = machine, OnceKey = $"{edgeNode}:{id}",
            };
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            mistake = $"{CommitMetrics.WriteReport} is no report: {error.Message}";
            return null;
        }
    }
}
