using System.Text.Json;
using Microsoft.Extensions.Logging;
using OeeOrleans.Edge.Tags;

namespace OeeOrleans.Edge;

/// <summary>
/// Every value that was to be written into a PLC, one line of JSON each, in a file that nobody changes afterwards: when, by which way,
/// where, what stood there before, what was written, and what became of it. Sparkplug does not say who commands; the way is all there is.
/// </summary>
internal sealed class WriteAudit(EdgeOptions options, TimeProvider clock, ILogger log)
{
    /// <summary>Then a new file is begun; the last one is kept.</summary>
    private const long MaxBytes = 16_000_000;

    private readonly string _file = Path.Combine(options.DataDir, $"writes-{options.Group}-{options.Node}.jsonl");

    /// <param name="write">What was to be written.</param>
    /// <param name="error">Why it was not; null when it was.</param>
    public void Note(in AuditedWrite write, string? error)
    {
        var noted = write;
        var line = TagJson.Write(json =>
        {
            json.WriteStartObject();
            json.WriteString("ts", TagJson.Time(clock.GetUtcNow().UtcDateTime));
            json.WriteString("by", noted.By);
            json.WriteString("source", noted.Source);
            json.WriteString("device", noted.Device);
            json.WriteString("metric", noted.Metric);
            json.WriteString("address", noted.Address);
            Value(json, "old", noted.Before);
            Value(json, "new", noted.Value);
            json.WriteBoolean("ok", error is null);
            json.WriteString("error", error);
            json.WriteEndObject();
        });
        try
        {
            Directory.CreateDirectory(options.DataDir);
            if (File.Exists(_file) && new FileInfo(_file).Length > MaxBytes) File.Move(_file, _file + ".1", overwrite: true);
            File.AppendAllText(_file, line + "\n");
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // It was carried out already: then at least the log has it.
            Log.AuditNotWritten(log, line, failure);
        }
    }

    private static void Value(Utf8JsonWriter json, string name, object? value)
    {
        json.WritePropertyName(name);
        TagJson.Write(json, value);
    }
}

/// <summary>A value for a PLC.</summary>
/// <param name="By">The way it came.</param>
/// <param name="Source">Id of the source; null when none has the metric.</param>
/// <param name="Device">Sparkplug device.</param>
/// <param name="Metric">Its metric.</param>
/// <param name="Address">Where it was written; null when nowhere.</param>
/// <param name="Before">What stood there; null when it could not be read.</param>
/// <param name="Value">What was to be written, in published units.</param>
internal readonly record struct AuditedWrite(
    string By, string? Source, string Device, string Metric, string? Address, object? Before, object? Value);
