using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.Storage;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>A change that is tried before it is made, on a machine with nine days of samples; and the plant in another place.</summary>
public sealed class TrialTests : IAsyncLifetime
{
    private const int Days = 9;

    private static readonly Dictionary<string, object> Faults = new() { ["E1"] = new { reason = "tool" } };

    private readonly string _directory = Directory.CreateTempSubdirectory("oee-trial-").FullName;
    private Oee _oee = null!;

    private string ConfigFile => Path.Combine(_directory, "plant.yaml");

    public async Task InitializeAsync()
    {
        await File.WriteAllTextAsync(ConfigFile, Config("data"));
        Directory.CreateDirectory(Path.Combine(_directory, "data"));
        await using (var store = StoreFactory.Sqlite(Path.Combine(_directory, "data", "oee.db"), NullLoggerFactory.Instance))
        {
            await store.MigrateAsync(default);
            await LivedMachine.WriteAsync(store, Days);
        }

        _oee = await Oee.StartAsync("run", ServerProcess.FreePort(), "--config", ConfigFile, "--mqtt-port", "0");
    }

    public async Task DisposeAsync()
    {
        await _oee.DisposeAsync();
        SqliteConnection.ClearAllPools();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task What_a_trial_foretells_is_what_activation_then_gives_figure_by_figure_and_the_export_is_the_same_plant()
    {
        using var drafted = await _oee.Http.PostAsJsonAsync(new Uri(_oee.Url + "/api/config/drafts"), new
        {
            comment = "measured anew",
            changes = new object[]
            {
                new { op = "merge", part = "assets", id = "press1", value = new { ideal_cycle_s = 0.8, micro_stop_s = 400 } },
                new { op = "add", part = "reasons", id = "tool", value = new { id = "tool", loss = "breakdown" } },
                new { op = "merge", part = "assets", id = "press1", value = new { faults = Faults } },
            },
        });
        Assert.Equal(HttpStatusCode.Created, drafted.StatusCode);
        var draft = await drafted.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(4, draft.GetProperty("differences").GetArrayLength());
        var id = draft.GetProperty("id").GetString();
        var before = await ShiftsAsync("2000-01-01T00:00:00Z");

        var trial = await _oee.GetAsync($"/api/config/drafts/{id}/trial?days=7");
        var machine = Assert.Single(trial.GetProperty("machines").EnumerateArray());
        var foretold = machine.GetProperty("shifts").EnumerateArray().Select(s => s.GetProperty("after")).Where(IsClosed).ToList();
        Assert.InRange(foretold.Count, 20, 21);
        var whole = machine.GetProperty("whole");
        Assert.NotEqual(Figures(whole.GetProperty("before")), Figures(whole.GetProperty("after")));
        Assert.Contains(machine.GetProperty("losses").EnumerateArray(), l =>
            l.GetProperty("after").ValueKind == JsonValueKind.Object && l.GetProperty("after").GetProperty("reason").GetString() == "tool");
        // Tried is not made.
        Assert.Equal(before, await ShiftsAsync("2000-01-01T00:00:00Z"));

        var from = trial.GetProperty("from").GetString()!;
        using var activated = await _oee.Http.PostAsJsonAsync(
            new Uri($"{_oee.Url}/api/config/drafts/{id}/activate"), new { valid_from = from });
        Assert.Equal(HttpStatusCode.OK, activated.StatusCode);
        var expected = foretold.Select(s => (s.GetProperty("window").GetProperty("from").GetString()!, Figures(s))).ToList();
        await Eventually.HoldsAsync(
            "history to read as foretold", TimeSpan.FromSeconds(30), () => ShiftsAsync(from),
            shifts => expected.TrueForAll(e => shifts.Contains(e)));
        var losses = await _oee.GetAsync($"/api/losses?machine_id=press1&from={from}&to={trial.GetProperty("to").GetString()}");
        Assert.Equal(
            machine.GetProperty("losses").EnumerateArray().Select(l => l.GetProperty("after").GetRawText()).Where(l => l != "null").Order(),
            losses.GetProperty("items").EnumerateArray().Select(l => l.GetRawText()).Order());
        using var gone = await _oee.Http.GetAsync(new Uri($"{_oee.Url}/api/config/drafts/{id}"));
        Assert.Equal(HttpStatusCode.NotFound, gone.StatusCode);

        await ExportIsTheSamePlantAsync();
    }

    [Fact]
    public async Task A_draft_of_what_somebody_changed_since_is_not_activated()
    {
        var changes = new object[] { new { op = "merge", part = "assets", id = "press1", value = new { ideal_cycle_s = 0.9 } } };
        using var drafted = await _oee.Http.PostAsJsonAsync(new Uri(_oee.Url + "/api/config/drafts"), new { changes });
        var id = (await drafted.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("id").GetString();
        using var request = new HttpRequestMessage(HttpMethod.Patch, _oee.Url + "/api/assets/press1")
        {
            Content = JsonContent.Create(new { name = "Another" }), Headers = { { "If-Match", "*" } },
        };
        using var changed = await _oee.Http.SendAsync(request);
        changed.EnsureSuccessStatusCode();
        using var refused = await _oee.Http.PostAsJsonAsync(new Uri($"{_oee.Url}/api/config/drafts/{id}/activate"), new { });
        Assert.Equal(HttpStatusCode.PreconditionFailed, refused.StatusCode);
        var draft = await _oee.GetAsync($"/api/config/drafts/{id}");
        Assert.Contains("was changed since", draft.GetProperty("problem").GetString(), StringComparison.Ordinal);
        using var discarded = await _oee.Http.DeleteAsync(new Uri($"{_oee.Url}/api/config/drafts/{id}"));
        Assert.Equal(HttpStatusCode.NoContent, discarded.StatusCode);
        using var wrong = await _oee.Http.PostAsJsonAsync(
            new Uri(_oee.Url + "/api/config/drafts"), new { changes = new object[] { new { op = "merge", part = "robots", id = "x" } } });
        Assert.Equal(HttpStatusCode.UnprocessableEntity, wrong.StatusCode);
    }

    /// <summary>The samples and windows of this plant in an empty one that imports its export: the windows are those of the
    /// samples.</summary>
    private async Task ExportIsTheSamePlantAsync()
    {
        var (exitCode, export) = await OeeAsync("config", "export", "--config", ConfigFile);
        Assert.Equal(0, exitCode);
        Assert.Contains("\"history\"", export, StringComparison.Ordinal);
        var file = Path.Combine(_directory, "export.json");
        await File.WriteAllTextAsync(file, export);
        var other = Path.Combine(_directory, "other");
        Directory.CreateDirectory(other);
        var database = Path.Combine(other, "oee.db");
        await SqlAsync(Path.Combine(_directory, "data", "oee.db"), $"vacuum into '{database}'");
        await SqlAsync(
            database,
            "delete from config_revision; delete from machine_model; delete from asset; delete from tag_mapping; delete from calendar; "
                + "delete from access_secret; delete from audit_log; update audit_head set seq = 0, hash = ''");
        var config = Path.Combine(_directory, "other.yaml");
        await File.WriteAllTextAsync(config, Config("other"));
        var imported = await OeeAsync("config", "import", "--config", config, "--file", file);
        Assert.True(imported.ExitCode == 0, imported.Output);
        var replayed = await OeeAsync("replay", "--from-store", "--config", config);
        var replay = JsonDocument.Parse(replayed.Output).RootElement;
        Assert.Equal("[]", replay.GetProperty("differences").GetRawText());
        Assert.InRange(replay.GetProperty("windows_compared").GetInt32(), 100, 1_000);
        // With another history of the model they are others: the comparison sees it.
        await SqlAsync(database, "update machine_model set model = replace(model, '0.8', '0.7')");
        Assert.Equal(1, (await OeeAsync("replay", "--from-store", "--config", config)).ExitCode);
    }

    private static bool IsClosed(JsonElement kpi)
    {
        if (kpi.ValueKind != JsonValueKind.Object) return false;
        var window = kpi.GetProperty("window");
        return window.GetProperty("to").GetDateTimeOffset() <= window.GetProperty("as_of").GetDateTimeOffset();
    }

    /// <summary>Every figure; not when they were known, nor how often they changed.</summary>
    private static string Figures(JsonElement kpi) => string.Join(
        '\n', kpi.EnumerateObject().Where(p => p.Name is not ("window" or "revision")).Select(p => $"{p.Name}={p.Value.GetRawText()}"));

    private async Task<List<(string From, string Figures)>> ShiftsAsync(string from)
    {
        var history = await _oee.GetAsync($"/api/kpi/history?machine_id=press1&window=shift&from={from}");
        return [.. history.GetProperty("items").EnumerateArray().Where(IsClosed)
            .Select(w => (w.GetProperty("window").GetProperty("from").GetString()!, Figures(w)))];
    }

    private string Config(string data) =>
        $$"""
        site: { id: e2e, name: End to end, time_zone: UTC }
        {{TestAccess.Section("e2e")}}
        calendars:
          - id: three
            shifts:
              - { name: early, start: "06:00", end: "14:00", breaks: [["09:00", "09:30"]] }
              - { name: late, start: "14:00", end: "22:00" }
              - { name: night, start: "22:00", end: "06:00" }
        areas:
          - id: area1
            calendar: three
            lines:
              - id: line1
                machines:
                  - { id: press1, ideal_cycle_s: 0.5, micro_stop_s: 60, edge_node: e2e/edge1 }
        data_dir: {{Path.Combine(_directory, data)}}
        """;

    private static async Task SqlAsync(string file, string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={file};Pooling=False");
        await connection.OpenAsync();
        await using var command = new SqliteCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<(int ExitCode, string Output)> OeeAsync(params string[] arguments)
    {
        await using var process = ServerProcess.Start("dotnet", [Oee.Program, .. arguments]);
        await process.WaitForExitAsync(TimeSpan.FromSeconds(60));
        return (process.ExitCode, process.Output);
    }
}
