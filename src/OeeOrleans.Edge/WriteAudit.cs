using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using OeeOrleans.CommitProtocol;
using OeeOrleans.Edge.Tags;

namespace OeeOrleans.Edge;

/// <summary>
/// Every value for a writable metric that was handed to this edge, one line of JSON each: when, by which way, where, what stood there
/// before, what was to be written, and what became of it; on this disk, and reported to the host. Commands that are none (unknown or
/// read-only metrics, too old) are in the log. Sparkplug does not say who commands; a signed command does.
/// </summary>
internal sealed class WriteAudit(EdgeOptions options, Action<string, string> report, TimeProvider clock, ILogger log)
{
    /// <summary>Then a new file is begun.</summary>
    private const long MaxBytes = 16_000_000;

    /// <summary>Older files that stay: a million lines and more.</summary>
    private const int KeptFiles = 20;

    /// <summary>Characters of a text in a report that would be too long.</summary>
    private const int MaxReported = 400;

    /// <summary>In place of an error: it is about to be written.</summary>
    private const string BegunWord = "begun";

    private const string NotKnown = "not known whether it was carried out: the edge node ended while it was written";

    private readonly Lock _lock = new();
    private readonly string _file = Path.Combine(options.DataDir, $"writes-{options.Group}-{options.Node}.jsonl");

    /// <summary>A write begins; on this disk before it does.</summary>
    /// <returns>By which its end is known.</returns>
    /// <exception cref="IOException">The disk takes nothing: then it must not begin.</exception>
    public string Begin(in AuditedWrite write)
    {
        var id = Guid.NewGuid().ToString("N");
        Keep(Line(id, TagJson.Time(clock.GetUtcNow().UtcDateTime), write, BegunWord, int.MaxValue));
        return id;
    }

    /// <summary>Writes that began in an earlier life and did not end there are ended: nobody knows how.</summary>
    public void EndBegun()
    {
        foreach (var (id, write) in Open()) Note(write with { Begun = id }, NotKnown);
    }

    /// <param name="write">What was to be written.</param>
    /// <param name="error">Why it was not; null when it was.</param>
    public void Note(in AuditedWrite write, string? error)
    {
        var time = TagJson.Time(clock.GetUtcNow().UtcDateTime);
        // By which a report that comes again is known.
        var id = write.Begun ?? Guid.NewGuid().ToString("N");
        var whole = Line(id, time, write, error, int.MaxValue);
        var line = whole;
        // A report has its place in a message: what is long stands whole in the file only.
        if (Encoding.UTF8.GetByteCount(line) > CommitMetrics.MaxReportBytes) line = Line(id, time, write, error, MaxReported);
        try
        {
            report(write.Device, line);
        }
        catch (Exception failure) when (failure is IOException or RocksDbSharp.RocksDbException)
        {
            Log.AuditNotReported(log, line, failure);
        }

        // After the report: who dies in between reports that nobody knows, and the first word counts.
        try
        {
            Keep(whole);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // It was carried out already: then at least the log has it.
            Log.AuditNotWritten(log, whole, failure);
        }
    }

    private void Keep(string line)
    {
        Directory.CreateDirectory(options.DataDir);
        lock (_lock) Append(line);
    }

    /// <summary>Writes that begin and do not end, in the newest two files.</summary>
    private List<(string Id, AuditedWrite Write)> Open()
    {
        var open = new Dictionary<string, AuditedWrite>(StringComparer.Ordinal);
        try
        {
            // Another source's write may have begun a new file in between.
            foreach (var line in new[] { $"{_file}.1", _file }.Where(File.Exists).SelectMany(File.ReadLines))
            {
                if (Read(line) is not var (id, write, hasBegun)) continue;
                if (hasBegun) open[id] = write;
                else open.Remove(id);
            }
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            Log.AuditNotRead(log, _file, failure);
        }

        return [.. open.Select(o => (o.Key, o.Value))];
    }

    /// <summary>Null: it is no whole line.</summary>
    private static (string Id, AuditedWrite Write, bool HasBegun)? Read(string line)
    {
        try
        {
            using var json = JsonDocument.Parse(line);
            var root = json.RootElement;
            string? Text(string name) => root.TryGetProperty(name, out var value) ? value.GetString() : null;
            var command = Text("command") is { } id
                ? new SignedCommand
                {
                    Id = id, Number = root.GetProperty("number").GetInt64(), EdgeNode = "", Device = "", Metric = "", Value = "",
                    IssuedMs = 0, ExpiresMs = 0, AskedBy = Text("asked_by") ?? "", ApprovedBy = Text("approved_by") ?? "",
                    Reason = Text("reason"),
                }
                : null;
            var write = new AuditedWrite(
                Text("by") ?? "", Text("source"), Text("device") ?? "", Text("metric") ?? "", Text("address"), null,
                root.GetProperty("new").Clone())
            { Command = command };
            return (Text("id") ?? "", write, Text("error") == BegunWord);
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private static string Line(string id, string time, AuditedWrite write, string? error, int longest) => TagJson.Write(json =>
    {
        json.WriteStartObject();
        json.WriteString("id", id);
        json.WriteString("ts", time);
        json.WriteString("by", write.By);
        json.WriteString("source", write.Source);
        json.WriteString("device", write.Device);
        json.WriteString("metric", write.Metric);
        json.WriteString("address", Clip(write.Address, longest));
        Value(json, "old", write.Before, longest);
        Value(json, "new", write.Value, longest);
        Value(json, "read", write.After, longest);
        json.WriteBoolean("shown", write.IsShown);
        if (write.Command is { } command)
        {
            json.WriteString(write.IsCopy ? "copy_of" : "command", command.Id);
            json.WriteNumber("number", command.Number);
            json.WriteString("asked_by", command.AskedBy);
            json.WriteString("approved_by", command.ApprovedBy);
            json.WriteString("reason", Clip(command.Reason, longest));
        }

        json.WriteBoolean("ok", error is null);
        json.WriteString("error", Clip(error, longest));
        json.WriteEndObject();
    });

    private static string? Clip(string? text, int longest) => text?.Length > longest ? text[..longest] + "…" : text;

    private void Append(string line)
    {
        if (File.Exists(_file) && new FileInfo(_file).Length > MaxBytes) Rotate();
        using var file = new FileStream(_file, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read);
        var end = file.Seek(0, SeekOrigin.End);
        try
        {
            file.Write(Encoding.UTF8.GetBytes(line + "\n"));
            file.Flush(flushToDisk: true);
        }
        catch (IOException)
        {
            // Half a line would spoil the next one.
            file.SetLength(end);
            throw;
        }
    }

    /// <summary>The latest are `.1`, the oldest the highest.</summary>
    private void Rotate()
    {
        for (var i = KeptFiles - 1; i >= 1; i--)
        {
            if (File.Exists($"{_file}.{i}")) File.Move($"{_file}.{i}", $"{_file}.{i + 1}", overwrite: true);
        }

        File.Move(_file, $"{_file}.1", overwrite: true);
    }

    private static void Value(Utf8JsonWriter json, string name, object? value, int longest)
    {
        json.WritePropertyName(name);
        var text = value is JsonElement known ? known.GetRawText() : TagJson.Write(inner => TagJson.Write(inner, value));
        if (text.Length > longest) json.WriteStringValue(Clip(text, longest));
        else json.WriteRawValue(text);
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
    string By, string? Source, string Device, string Metric, string? Address, object? Before, object? Value)
{
    /// <summary>Of the line that says that it began; null: it did not.</summary>
    public string? Begun { get; init; }

    /// <summary>What was read back; null when nothing was.</summary>
    public object? After { get; init; }

    /// <summary>What was read back is what was written.</summary>
    public bool IsShown { get; init; }

    /// <summary>A command that came before came again: nothing is said of what became of the first one.</summary>
    public bool IsCopy { get; init; }

    /// <summary>Of the host that says so; null: a plain DCMD.</summary>
    public SignedCommand? Command { get; init; }
}
