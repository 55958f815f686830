using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using OeeOrleans.TestServers;
using Xunit.Abstractions;

namespace OeeOrleans.EndToEnd;

/// <summary>A plant that is configured while it runs: two silos on one PostgreSQL, and an edge node that publishes all the time.</summary>
public sealed class ConfigurationTests(PlantFixture fixture, ITestOutputHelper output) : IClassFixture<PlantFixture>
{
    private const int Rate = 50;
    private const string Stored = "select count(*) from telemetry where machine_id = 'press9' and quality >= 64";

    private static readonly object Adopted = new
    {
        edge_node = "e2e/edge9", device = "press9", id = "press9", parent_id = "line1", name = "Press 9", ideal_cycle_s = 0.05,
    };

    private static readonly object Press9 = new
    {
        id = "press9", kind = "machine", parent_id = "line1", name = "Press 9", ideal_cycle_s = 0.05, edge_node = "e2e/edge9",
    };

    [Fact]
    public async Task A_machine_added_while_its_edge_publishes_is_live_in_both_silos_within_5_s_and_no_sample_is_lost()
    {
        await using var plant = await TestPlant.CreateAsync(fixture.Postgres);
        await using var first = await plant.StartAsync();
        await using var second = await Oee.StartAsync("run", ServerProcess.FreePort(), "--config", plant.ConfigFile);
        Oee[] silos = [first, second];
        await using var edge = ServerProcess.Start(
            "node",
            [
                Path.Combine(Oee.Peers, "edge-qos1.mjs"), plant.Broker.Url, "e2e", "edge9", "press9", $"{Rate}", $"{Oee.Seconds + 10}",
                plant.PublishedFile,
            ]);
        await Eventually.HoldsAsync(
            "the device to be heard", TimeSpan.FromSeconds(30),
            () => plant.ScalarAsync("select count(*) from telemetry where machine_id = 'e2e/edge9/press9'"), n => n > 100);

        var found = Assert.Single((await second.GetAsync("/api/discovered")).GetProperty("items").EnumerateArray());
        Assert.Equal(("e2e/edge9", "press9"), (found.GetProperty("edge_node").GetString(), found.GetProperty("device").GetString()));
        var metrics = (await second.GetAsync("/api/discovered/metrics?edge_node=e2e/edge9&device=press9")).GetProperty("items");
        Assert.Equal(found.GetProperty("metrics").GetInt32(), metrics.GetArrayLength());
        var good = metrics.EnumerateArray().Single(m => m.GetProperty("name").GetString() == "counter.good");
        Assert.True(good.GetProperty("value").GetDouble() > 0);
        foreach (var (ignored, listed) in new[] { (true, 0), (false, 1) })
        {
            using var ignore = await SendAsync(
                first, HttpMethod.Post, "/api/discovered/ignore", new { edge_node = "e2e/edge9", device = "press9", ignored }, null);
            Assert.Equal(HttpStatusCode.NoContent, ignore.StatusCode);
            Assert.Equal(listed, (await second.GetAsync("/api/discovered")).GetProperty("items").GetArrayLength());
        }

        var started = Stopwatch.GetTimestamp();
        using (var made = await SendAsync(first, HttpMethod.Post, "/api/discovered/adopt", Adopted, null))
        {
            Assert.Equal(HttpStatusCode.Created, made.StatusCode);
            Assert.Equal("2", Assert.Single(made.Headers.GetValues("Plant-Revision")));
        }

        foreach (var silo in silos)
        {
            await Eventually.HoldsAsync(
                "the machine to be live", TimeSpan.FromSeconds(5), () => StatusAsync(silo, "press9"),
                s => s is { } status && status.GetProperty("connected").GetBoolean() && status.GetProperty("good").GetDouble() > 0);
        }

        Assert.Empty((await second.GetAsync("/api/discovered")).GetProperty("items").EnumerateArray());
        output.WriteLine($"live in both silos after {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s");
        Assert.Equal(0, await plant.ScalarAsync("select count(*) from telemetry where machine_id = 'e2e/edge9/press9'"));

        await RaisesAnEventAsync(first, second);
        await LosesTheRaceAsync(first, second);
        await Eventually.TrueAsync(
            "the edge to finish", TimeSpan.FromSeconds(Oee.Seconds + 60),
            () => Task.FromResult(edge.Output.Contains("\"good\"", StringComparison.Ordinal)));
        var published = plant.Published();
        await Eventually.HoldsAsync(
            "every value to be stored", TimeSpan.FromSeconds(60),
            () => plant.ScalarAsync(Stored), n => n >= published.Count);
        Assert.Equal(published.Count, await plant.ScalarAsync(Stored));
        foreach (var silo in silos) await LiveIsWhatTheStoreSaysAsync(silo);
        // No restart: both are what was started.
        Assert.All(silos, s => Assert.False(s.Process.HasExited));

        await RolledBackAsync(plant, silos);
    }

    [Fact]
    public async Task A_start_with_a_changed_file_stops_when_the_store_was_changed_too_and_says_what_differs()
    {
        await using var plant = await TestPlant.CreateAsync(fixture.Postgres);
        await using (var first = await plant.StartAsync())
        {
            using var made = await SendAsync(first, HttpMethod.Post, "/api/assets", Press9, null);
            made.EnsureSuccessStatusCode();
            using var named = await SendAsync(first, HttpMethod.Patch, "/api/assets/press1", new { name = "Of the store" }, "*");
            named.EnsureSuccessStatusCode();
        }

        var file = await File.ReadAllTextAsync(plant.ConfigFile);
        // Unchanged since it was imported: what the store has stays.
        await using (var again = await plant.StartAsync()) Assert.NotNull(await StatusAsync(again, "press9"));
        await File.WriteAllTextAsync(
            plant.ConfigFile, file.Replace("{ id: press1,", "{ id: press1, name: Of the file,", StringComparison.Ordinal));
        var refused = await RunAsync(plant, "run", "--urls", $"http://127.0.0.1:{ServerProcess.FreePort()}", "--silo-port", "0");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("! file   machine press1 name: + \"Of the file\"", refused.Output, StringComparison.Ordinal);
        Assert.Contains("! store  machine press1 name: + \"Of the store\"", refused.Output, StringComparison.Ordinal);
        Assert.Contains("store  machine press9: + ", refused.Output, StringComparison.Ordinal);

        var forced = await RunAsync(plant, "config", "import", "--force", "--comment", "the file is right");
        Assert.Equal(0, forced.ExitCode);
        await using var last = await plant.StartAsync();
        Assert.Null(await StatusAsync(last, "press9"));
        Assert.Equal("Of the file", (await last.GetAsync("/api/assets/press1")).GetProperty("name").GetString());
        var revisions = (await last.GetAsync("/api/config/revisions")).GetProperty("items").EnumerateArray().ToList();
        Assert.Equal(["file", "api", "api", "file"], revisions.Select(r => r.GetProperty("source").GetString()));
        Assert.Equal("the file is right", revisions[0].GetProperty("comment").GetString());
    }

    /// <summary>
    /// Also of what was stored between the change and the silos' hearing of it: the live account of the day is the one that its samples
    /// give.
    /// </summary>
    private static async Task LiveIsWhatTheStoreSaysAsync(Oee silo)
    {
        string[] sums = ["run_s", "stop_s", "unknown_s", "good", "reject", "total", "ideal_total_s"];
        await Eventually.TrueAsync("the live account to be that of the samples", TimeSpan.FromSeconds(15), async () =>
        {
            var live = await silo.GetAsync("/api/kpi/current?machine_id=press9&window=day");
            var window = live.GetProperty("window");
            var (from, to) = (window.GetProperty("from").GetString(), window.GetProperty("as_of").GetString());
            var explained = (await silo.GetAsync($"/api/kpi/explain?machine_id=press9&from={from}&to={to}")).GetProperty("kpi");
            return sums.All(s => Math.Abs(live.GetProperty(s).GetDouble() - explained.GetProperty(s).GetDouble()) < 0.000_01);
        });
    }

    /// <summary>A limit of a signal that is no signal of OEE: its event begins, is told of by the other silo, and ends with the
    /// limit.</summary>
    private static async Task RaisesAnEventAsync(Oee first, Oee second)
    {
        // The peer's temperature goes from 20 to 30 and back to 20 every two seconds.
        using var made = await SendAsync(
            first, HttpMethod.Post, "/api/thresholds", new
            {
                id = "hot", machine = "press9", signal = "process.temperature", above = 28, hysteresis = 15, severity = 700, text = "Hot",
            }, null);
        Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        var active = await Eventually.HoldsAsync(
            // The other silo has the limit, and with it the text, within two seconds.
            "the event", TimeSpan.FromSeconds(15), () => second.GetAsync("/api/faults/active?machine_id=press9"),
            f => f.GetProperty("items").EnumerateArray().Any(e => e.GetProperty("text").ValueKind == JsonValueKind.String));
        var raised = active.GetProperty("items")[0];
        Assert.Equal(
            ("threshold", "hot", "Hot", 700),
            (raised.GetProperty("type").GetString(), raised.GetProperty("code").GetString(), raised.GetProperty("text").GetString(),
                raised.GetProperty("severity").GetInt32()));
        // And who looks at the machine sees it: from memory, in either silo.
        var status = await Eventually.HoldsAsync(
            "the limit at the machine", TimeSpan.FromSeconds(5), () => StatusAsync(second, "press9"),
            s => s?.GetProperty("limits").GetArrayLength() == 1);
        var limit = status!.Value.GetProperty("limits")[0];
        Assert.Equal(
            ("hot", "Hot", 700, raised.GetProperty("start").GetString()),
            (limit.GetProperty("id").GetString(), limit.GetProperty("text").GetString(), limit.GetProperty("severity").GetInt32(),
                limit.GetProperty("since").GetString()));
        using var warm = await SendAsync(
            first, HttpMethod.Post, "/api/thresholds",
            new { id = "warm", machine = "press9", signal = "process.temperature", above = 28, hysteresis = 3 }, null);
        Assert.Equal(HttpStatusCode.Created, warm.StatusCode);
        await Eventually.HoldsAsync(
            "events that end by the value", TimeSpan.FromSeconds(15), () => second.GetAsync("/api/faults/history?machine_id=press9"),
            f => f.GetProperty("items").EnumerateArray().Count(
                e => e.GetProperty("code").GetString() == "warm" && !e.GetProperty("active").GetBoolean()) >= 2);
        using var acked = await SendAsync(
            second, HttpMethod.Post, $"/api/faults/{raised.GetProperty("id").GetString()}/ack", new { comment = "seen" }, null);
        Assert.Equal(HttpStatusCode.OK, acked.StatusCode);
        foreach (var id in new[] { "hot", "warm" })
        {
            using var removed = await SendAsync(second, HttpMethod.Delete, $"/api/thresholds/{id}", new { }, "*");
            Assert.Equal(HttpStatusCode.NoContent, removed.StatusCode);
        }

        await Eventually.HoldsAsync(
            "the event to end", TimeSpan.FromSeconds(15), () => first.GetAsync("/api/faults/active?machine_id=press9"),
            f => f.GetProperty("items").GetArrayLength() == 0);
        await Eventually.HoldsAsync(
            "no limit at the machine", TimeSpan.FromSeconds(5), () => StatusAsync(second, "press9"),
            s => s?.GetProperty("limits").GetArrayLength() == 0);
    }

    private static async Task LosesTheRaceAsync(Oee first, Oee second)
    {
        using var read = await first.Http.GetAsync(new Uri(first.Url + "/api/assets/press9"));
        var tag = read.Headers.ETag!.ToString();
        using var without = await SendAsync(first, HttpMethod.Patch, "/api/assets/press9", new { name = "A" }, null);
        Assert.Equal(HttpStatusCode.PreconditionRequired, without.StatusCode);
        using var won = await SendAsync(first, HttpMethod.Patch, "/api/assets/press9", new { name = "A" }, tag);
        using var lost = await SendAsync(second, HttpMethod.Patch, "/api/assets/press9", new { name = "B" }, tag);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.PreconditionFailed), (won.StatusCode, lost.StatusCode));
        await Eventually.HoldsAsync(
            "the name in the other silo", TimeSpan.FromSeconds(2), () => second.GetAsync("/api/assets/press9"),
            a => a.GetProperty("name").GetString() == "A");
        // What OEE depends on, from the beginning of what it published; every window says so.
        using var slow = await SendAsync(
            first, HttpMethod.Patch, "/api/assets/press9?valid_from=2026-01-01T00:00:00Z", new { ideal_cycle_s = 0.07 }, "*");
        slow.EnsureSuccessStatusCode();
        using var wrong = await SendAsync(first, HttpMethod.Patch, "/api/assets/press9", new { ideal_cycle_s = -1 }, "*");
        Assert.Equal(HttpStatusCode.UnprocessableEntity, wrong.StatusCode);
        var error = (await wrong.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("errors")[0];
        Assert.Equal("/ideal_cycle_s", error.GetProperty("pointer").GetString());
    }

    private static async Task RolledBackAsync(TestPlant plant, Oee[] silos)
    {
        var (exitCode, said) = await RunAsync(plant, "config", "rollback", "1");
        Assert.Equal(0, exitCode);
        Assert.Contains("as in revision 1", said, StringComparison.Ordinal);
        foreach (var silo in silos)
        {
            await Eventually.HoldsAsync(
                "the machine to be gone", TimeSpan.FromSeconds(2), () => StatusAsync(silo, "press9"), s => s is null);
            // Gone from what is live; what it did is there.
            var history = await silo.GetAsync("/api/kpi/history?machine_id=press9&window=hour");
            Assert.NotEqual(0, history.GetProperty("items").GetArrayLength());
            var explained = await silo.GetAsync("/api/kpi/explain?machine_id=press9");
            Assert.NotEqual(0, explained.GetProperty("intervals").GetArrayLength());
        }

        var (_, log) = await RunAsync(plant, "config", "log");
        Assert.StartsWith("9  ", log);
        Assert.Contains("rollback", log.Split('\n')[0], StringComparison.Ordinal);
    }

    private static async Task<JsonElement?> StatusAsync(Oee silo, string machine)
    {
        var items = (await silo.GetAsync("/api/machines/status")).GetProperty("items").EnumerateArray();
        foreach (var item in items)
        {
            if (item.GetProperty("machine_id").GetString() == machine) return item;
        }

        return null;
    }

    private static async Task<HttpResponseMessage> SendAsync(Oee silo, HttpMethod method, string path, object body, string? tag)
    {
        using var request = new HttpRequestMessage(method, silo.Url + path) { Content = JsonContent.Create(body) };
        if (tag is not null) request.Headers.TryAddWithoutValidation("If-Match", tag);
        return await silo.Http.SendAsync(request);
    }

    private static Task<(int ExitCode, string Output)> RunAsync(TestPlant plant, params string[] arguments) =>
        OeeAsync([.. arguments, "--config", plant.ConfigFile]);

    private static async Task<(int ExitCode, string Output)> OeeAsync(params string[] arguments)
    {
        await using var process = ServerProcess.Start("dotnet", [Oee.Program, .. arguments]);
        await process.WaitForExitAsync(TimeSpan.FromSeconds(60));
        return (process.ExitCode, process.Output);
    }
}
