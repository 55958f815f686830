using System.Text;
using System.Text.Json;
using OeeOrleans.CommitProtocol;
using OeeOrleans.Model;
using OeeOrleans.Model.Commands;
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

    /// <summary>Characters of a command's id, hexadecimal.</summary>
    private const int CommandId = 32;

    /// <summary>Null, and why, for what is no report.</summary>
    public static (AuditEntry Entry, CommandAnswer? Answer)? Read(
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
            var atUs = TimeRule.Admits(timeUs, ingestUs) ? timeUs : ingestUs;
            var entry = new AuditEntry(
                atUs, $"edge:{edgeNode}", ok ? Done : Failed, $"{device}/{(name.Length > MaxName ? name[..MaxName] : name)}", text)
            {
                Asset = machine, OnceKey = $"{edgeNode}:{id}",
            };
            return (entry, AnswerIn(json.RootElement, edgeNode, device ?? "", name, ok, atUs));
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            mistake = $"{CommitMetrics.WriteReport} is no report: {error.Message}";
            return null;
        }
    }

    /// <summary>What it says of a command of ours; null when it is of none.</summary>
    private static CommandAnswer? AnswerIn(JsonElement report, string edgeNode, string device, string metric, bool ok, long atUs)
    {
        if (!report.TryGetProperty("command", out var command) || command.GetString() is not { Length: CommandId } id) return null;
        if (!id.All(char.IsAsciiHexDigit)) return null;
        var isShown = ok && report.GetProperty("shown").GetBoolean();
        var read = Value(report, "read");
        var detail = report.GetProperty("error").GetString();
        if (ok && !isShown)
        {
            detail = read is null
                ? "it was written; what the PLC shows now could not be read back"
                : "it was written, and two seconds later the PLC shows something else (`new`): its program may have changed it";
        }

        return new CommandAnswer(
            id, edgeNode, device, Storable(metric), isShown, Value(report, "old"), read, detail is null ? null : Storable(detail), atUs);
    }

    private static string? Value(JsonElement report, string name) =>
        report.TryGetProperty(name, out var value) && value.ValueKind != JsonValueKind.Null ? Storable(value.GetRawText()) : null;

    private static string Storable(string text) => text.Replace('\0', '\uFFFD');
}
