using System.Net;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.Model;
using OeeOrleans.Storage;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>A machine with nine days of samples, exported, and read back by readers that are not ours.</summary>
public sealed class ExportTests : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("oee-export-").FullName;
    private Oee _oee = null!;

    private string Database => Path.Combine(_directory, "oee.db");

    public async Task InitializeAsync()
    {
        var config = Path.Combine(_directory, "plant.yaml");
        await File.WriteAllTextAsync(config,
            $$"""
            site: { id: e2e, name: End to end, time_zone: {{LateInTheDay()}} }
            {{TestAccess.Section("e2e")}}
            areas: [ { id: a, lines: [ { id: line1, machines: [ { id: press1, ideal_cycle_s: 0.5, edge_node: e2e/edge1 } ] } ] } ]
            data_dir: {{_directory}}
            """);
        await using (var store = StoreFactory.Sqlite(Database, NullLoggerFactory.Instance))
        {
            await store.MigrateAsync(default);
            await LivedMachine.WriteAsync(store, 9);
            var id = (await store.ResolveSignalsAsync("press1", [new("note", "String", null)], inPlant: true, default))[0];
            var at = UnixMicros.Now(TimeProvider.System) - UnixMicros.PerHour;
            SampleRow[] notes =
            [
                new(id, at, double.NaN, "=HYPERLINK(\"x\")", Quality.Good, at),
                new(id, at + 1_000, double.NaN, "a, \"b\"", Quality.Good, at),
            ];
            await store.CommitAsync([new TelemetryUnit { Owner = "test", Rows = notes }], default);
        }

        _oee = await Oee.StartAsync("run", ServerProcess.FreePort(), "--config", config, "--mqtt-port", "0");
    }

    public async Task DisposeAsync()
    {
        await _oee.DisposeAsync();
        SqliteConnection.ClearAllPools();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Telemetry_in_every_format_is_what_the_store_has()
    {
        var (rows, sum) = await SqlAsync();
        Assert.InRange(rows, 20_001, 60_000);
        const string Path = "/api/export/telemetry?machine_id=press1&from=2020-01-01T00:00:00Z&to=2020-12-31T00:00:00Z";
        Assert.Equal("machine_id,name,ts,value,text_value,quality,ingest_ts\r\n", await TextAsync(Path));
        var from = Uri.EscapeDataString(DateTimeOffset.UtcNow.AddDays(-20).ToString("O"));
        var csv = await TextAsync($"/api/export/telemetry?machine_id=press1&from={from}");
        Assert.Equal(rows, csv.Split("\r\n").Length - 2);
        Assert.Contains(",\"'=HYPERLINK(\"\"x\"\")\",192,", csv, StringComparison.Ordinal);
        Assert.Contains(",\"a, \"\"b\"\"\",192,", csv, StringComparison.Ordinal);
        foreach (var format in new[] { "parquet", "arrow" })
        {
            var read = await ReadBackAsync(format, $"/api/export/telemetry?machine_id=press1&from={from}&format={format}");
            Assert.Equal(rows, read.GetProperty("rows").GetInt64());
            Assert.Equal(sum, read.GetProperty("sum").GetDouble());
            Assert.Equal(
                ["machine_id", "name", "ts", "value", "text_value", "quality", "ingest_ts"],
                read.GetProperty("columns").EnumerateArray().Select(c => c.GetString()));
            Assert.Equal(("press1", "counter.good"), (Text(read, "first", "machine_id"), Text(read, "first", "name")));
            Assert.Equal("state.run", Text(read, "last", "name"));
            Assert.StartsWith(csv.Split("\r\n")[1].Split(',')[2][..19], Text(read, "first", "ts"));
        }

        var one = await TextAsync($"/api/export/telemetry?machine_id=press1&from={from}&name=note");
        Assert.Equal(4, one.Split("\r\n").Length);
    }

    [Fact]
    public async Task Windows_and_events_are_those_of_the_api()
    {
        var from = Uri.EscapeDataString(DateTimeOffset.UtcNow.AddHours(-30).ToString("O"));
        var history = await Eventually.HoldsAsync(
            "hours", TimeSpan.FromSeconds(20), () => _oee.GetAsync($"/api/kpi/history?machine_id=press1&window=hour&from={from}"),
            h => h.GetProperty("items").GetArrayLength() > 20);
        var expected = history.GetProperty("items").EnumerateArray().Sum(w => w.GetProperty("oee").ValueKind == JsonValueKind.Null
            ? 0
            : w.GetProperty("oee").GetDouble());
        foreach (var format in new[] { "parquet", "arrow" })
        {
            var read = await ReadBackAsync(format, $"/api/export/windows?window=hour&machine_id=press1&from={from}&format={format}");
            Assert.Equal(history.GetProperty("items").GetArrayLength(), read.GetProperty("rows").GetInt32());
            Assert.Equal(expected, read.GetProperty("sum").GetDouble(), 6);
        }

        var past = await _oee.GetAsync($"/api/faults/history?machine_id=press1&from={from}&limit=1000");
        var faults = past.GetProperty("items").GetArrayLength();
        var csv = (await TextAsync($"/api/export/events?machine_id=press1&from={from}")).Split("\r\n");
        Assert.NotEqual(0, faults);
        Assert.Equal(faults, csv.Count(l => l.Contains(",fault,", StringComparison.Ordinal)));
        Assert.Contains(csv, l => l.Contains(",stop,", StringComparison.Ordinal));
        Assert.Equal(csv.Length, csv.Distinct().Count());
    }

    [Theory]
    [InlineData("/api/export/telemetry?format=xlsx", "format")]
    [InlineData("/api/export/windows?window=year", "window")]
    [InlineData("/api/export/events?from=2020-01-01T00:00:00Z", "from")]
    public async Task What_cannot_be_exported_is_said_before_a_file_begins(string path, string parameter)
    {
        using var response = await _oee.Http.GetAsync(new Uri(_oee.Url + path));
        Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
        Assert.Contains($"\"parameter\":\"{parameter}\"", await response.Content.ReadAsStringAsync(), StringComparison.Ordinal);
    }

    // A machine first seen works out its own day only, so the plant stands where that day is 22 hours old, whenever the test runs.
    private static string LateInTheDay()
    {
        var east = 22 - DateTime.UtcNow.Hour;
        if (east > 14) east -= 24;
        return FormattableString.Invariant($"Etc/GMT{-east:+0;-0;+0}");
    }

    private static string Text(JsonElement read, string row, string column) => read.GetProperty(row).GetProperty(column).GetString()!;

    private async Task<string> TextAsync(string path)
    {
        using var response = await _oee.Http.GetAsync(new Uri(_oee.Url + path));
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal("text/csv", response.Content.Headers.ContentType!.MediaType);
        return await response.Content.ReadAsStringAsync();
    }

    private async Task<JsonElement> ReadBackAsync(string format, string path)
    {
        var file = Path.Combine(_directory, $"{Guid.NewGuid():N}.{format}");
        await File.WriteAllBytesAsync(file, await _oee.Http.GetByteArrayAsync(new Uri(_oee.Url + path)));
        var read = await ServerProcess.RunAsync("node", Path.Combine(Oee.Peers, "read-export.mjs"), format, file);
        return JsonDocument.Parse(read).RootElement;
    }

    private async Task<(long Rows, double Sum)> SqlAsync()
    {
        await using var connection = new SqliteConnection($"Data Source={Database};Mode=ReadOnly");
        await connection.OpenAsync();
        await using var command = new SqliteCommand(
            "select count(*), sum(value) from telemetry where machine_id = 'press1'", connection);
        await using var reader = await command.ExecuteReaderAsync();
        await reader.ReadAsync();
        return (reader.GetInt64(0), reader.GetDouble(1));
    }
}
