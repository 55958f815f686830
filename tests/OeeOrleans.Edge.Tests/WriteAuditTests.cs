using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;

namespace OeeOrleans.Edge.Tests;

/// <summary>The file of what was written into PLCs.</summary>
public sealed class WriteAuditTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("oee-audit").FullName;

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
    public void A_disk_that_takes_nothing_ends_nothing()
    {
        // In place of the file a folder: nothing can be written there.
        Directory.CreateDirectory(File);
        Audit().Note(Write, null);
    }

    private static AuditedWrite Write => new("DCMD", "plc1", "filler1", "speed", "DB1.DBW0", null, 4.5);

    private static string? Text(JsonElement line, string name) => line.GetProperty(name).GetString();

    private WriteAudit Audit() => new(
        new EdgeOptions { Group = "g", Node = "n", DataDir = _directory }, TimeProvider.System, NullLogger.Instance);
}
