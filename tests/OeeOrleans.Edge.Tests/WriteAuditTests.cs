using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;

namespace OeeOrleans.Edge.Tests;

/// <summary>The file of what was written into PLCs.</summary>
public sealed class WriteAuditTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("oee-audit").FullName;

    private readonly List<(string Device, string Report)> _reported = [];

    private string File => Path.Combine(_directory, "writes-g-n.jsonl");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Each_write_is_a_line_with_what_was_there_and_what_became_of_it()
    {
        var audit = Audit();
        audit.Note(Write with { Before = 3L }, null);
        audit.Note(Write, "the PLC refuses");
        var lines = System.IO.File.ReadAllLines(File).Select(l => JsonDocument.Parse(l).RootElement).ToList();
        Assert.Equal([true, false], lines.Select(l => l.GetProperty("ok").GetBoolean()));
        Assert.Equal(["3", "null"], lines.Select(l => l.GetProperty("old").GetRawText()));
        Assert.Equal("4.5", lines[0].GetProperty("new").GetRawText());
        Assert.Equal("the PLC refuses", lines[1].GetProperty("error").GetString());
        Assert.Equal(("DCMD", "plc1", "filler1", "speed", "DB1.DBW0"), (
            Text(lines[0], "by"), Text(lines[0], "source"), Text(lines[0], "device"), Text(lines[0], "metric"), Text(lines[0], "address")));
    }

    [Fact]
    public void A_file_that_is_full_is_kept_and_another_one_begun()
    {
        System.IO.File.WriteAllText(File, new string('x', 16_000_001));
        System.IO.File.WriteAllText(File + ".1", "older");
        Audit().Note(Write, null);
        Assert.Single(System.IO.File.ReadAllLines(File));
        Assert.Equal(16_000_001, new FileInfo(File + ".1").Length);
        Assert.Equal("older", System.IO.File.ReadAllText(File + ".2"));
    }

    [Fact]
    public void A_disk_that_takes_nothing_ends_nothing_and_it_is_reported_still()
    {
        // In place of the file a folder: nothing can be written there.
        Directory.CreateDirectory(File);
        Audit().Note(Write, null);
        Assert.Single(_reported);
    }

    [Fact]
    public void What_is_reported_is_what_stands_in_the_file()
    {
        Audit().Note(Write with { Before = 3L }, null);
        Assert.Equal(("filler1", System.IO.File.ReadAllLines(File).Single()), _reported.Single());
    }

    [Fact]
    public void A_report_of_long_values_is_short_and_the_file_has_all_of_it()
    {
        Audit().Note(Write with { Before = new string('ü', 9_000), Value = new string('x', 9_000) }, new string('e', 9_000));
        var report = _reported.Single().Report;
        Assert.InRange(System.Text.Encoding.UTF8.GetByteCount(report), 1, CommitProtocol.CommitMetrics.MaxReportBytes);
        var written = JsonDocument.Parse(report).RootElement.GetProperty("new").GetString();
        Assert.StartsWith("\"xxxx", written, StringComparison.Ordinal);
        Assert.Equal(9_000, JsonDocument.Parse(System.IO.File.ReadAllText(File)).RootElement.GetProperty("new").GetString()!.Length);
    }

    private static AuditedWrite Write => new("DCMD", "plc1", "filler1", "speed", "DB1.DBW0", null, 4.5);

    private static string? Text(JsonElement line, string name) => line.GetProperty(name).GetString();

    private WriteAudit Audit() => new(
        new EdgeOptions { Group = "g", Node = "n", DataDir = _directory }, (device, report) => _reported.Add((device, report)),
        TimeProvider.System, NullLogger.Instance);
}
