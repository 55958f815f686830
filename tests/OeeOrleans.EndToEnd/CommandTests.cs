using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Playwright;
using MQTTnet;
using OeeOrleans.S7.Simulation;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>
/// A write through four eyes: API, host, mosquitto, our edge, and a tag of a simulated PLC; and those who want to write past them.
/// </summary>
public sealed class CommandTests(PlantFixture fixture) : IClassFixture<PlantFixture>, IAsyncLifetime
{
    private const string Speed = "DB1.DBD8:REAL";
    private const string Topic = "spBv1.0/e2e/DCMD/edge1/press1";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    private readonly SimulatedPlc _plc = new();
    private TestPlant _plant = null!;
    private EdgeProcess _edge = null!;
    private Oee _host = null!;
    private Person _anna = null!;
    private Person _bert = null!;

    public async Task InitializeAsync()
    {
        _plc.AddDb(1, 100);
        _plc.Start();
        _plc.Write("DB1.DBX0.0", true);
        _plc.Write(Speed, 10.0);
        _plant = await TestPlant.CreateAsync(fixture.Postgres);
        await File.WriteAllTextAsync(_plant.ConfigFile, (await File.ReadAllTextAsync(_plant.ConfigFile)).Replace(
            "edge_node: e2e/edge1 }",
            "edge_node: e2e/edge1, tags: [ { metric: process.speed, signal: setpoint.speed, unit: m/min, "
                + "write: { min: 0, max: 50, step: 20, states: [ run ] } }, { metric: process.bare, signal: bare, write: {} } ] }\n"
                + "commands: { approve_within_s: 30, answer_within_s: 45 }",
            StringComparison.Ordinal));
        var (code, key) = await RunAsync("commands", "key");
        Assert.Equal(0, code);
        _edge = new EdgeProcess(await _plant.WriteGuardedEdgeAsync(key.Trim().Split('\n')[^1], $$"""
            { id: plc1, url: "s7://127.0.0.1:{{_plc.Port}}?rack=0&slot=1", device: press1, interval_ms: 100,
                tags: [ { address: "DB1.DBX0.0", metric: state.run }, { address: "DB1.DBD4:DINT", metric: counter.good },
                    { address: "{{Speed}}", metric: process.speed, writable: true },
                    { address: "DB1.DBD12:REAL", metric: process.bare, writable: true } ] }
            """));
        _host = await _plant.StartAsync();
        await _edge.StartAsync();
        _anna = await Person.MakeAsync(_host, "anna", "scada");
        _bert = await Person.MakeAsync(_host, "bert", "admin");
        await Eventually.HoldsAsync(
            "the machine to run", Soon, async () => (await _host.GetAsync("/api/machines/status")).GetProperty("items")[0],
            m => m.GetProperty("state").GetString() == "run");
    }

    public async Task DisposeAsync()
    {
        _anna.Dispose();
        _bert.Dispose();
        await _edge.DisposeAsync();
        await _host.DisposeAsync();
        await _plc.DisposeAsync();
        await _plant.DisposeAsync();
    }

    [Fact]
    public async Task Nothing_is_written_without_another_ones_approval_and_with_it_the_tag_is_and_all_of_it_is_told()
    {
        var id = await AskAsync(_anna, 25);
        // Nobody has approved it.
        var own = await _anna.PostAsync($"/api/commands/{id}/approve", new { });
        Assert.Equal(HttpStatusCode.Forbidden, own.Status);
        var late = await AskAgainAsync();
        Assert.Equal(HttpStatusCode.Conflict, late.Status);
        Assert.Contains("under way already", late.Text, StringComparison.Ordinal);
        Assert.Equal(10f, _plc.Read(Speed));
        Assert.Equal("requested", await StateAsync(id));

        var approved = await _bert.PostAsync($"/api/commands/{id}/approve", new { comment = "agreed by phone" });
        Assert.Equal((HttpStatusCode.OK, "sent"), (approved.Status, approved.Json.GetProperty("state").GetString()));
        var done = await DoneAsync(id);
        Assert.Equal("confirmed", done.GetProperty("state").GetString());
        Assert.Equal(25f, _plc.Read(Speed));
        Assert.Equal(
            ("10", "10", "25", "25"), (Raw(done, "shown"), Raw(done, "old"), Raw(done, "value"), Raw(done, "new")));
        Assert.Equal(("anna", "bert", "agreed by phone"), (Text(done, "requested_by"), Text(done, "decided_by"), Text(done, "comment")));
        Assert.Equal(("process.speed", "setpoint.speed", "m/min"), (Text(done, "metric"), Text(done, "signal"), Text(done, "unit")));

        var again = await _bert.PostAsync($"/api/commands/{id}/approve", new { });
        Assert.Equal(HttpStatusCode.Conflict, again.Status);
        var audit = (await _host.GetAsync($"/api/audit?target={id}")).GetProperty("items").EnumerateArray();
        Assert.Equal(
            [("system", "command.send"), ("bert", "command.approve"), ("anna", "command.ask")],
            audit.Select(a => (Text(a, "actor"), Text(a, "action"))));
        var edge = (await _host.GetAsync("/api/audit?actor=edge:e2e/edge1")).GetProperty("items").EnumerateArray().Single();
        var told = edge.GetProperty("detail");
        Assert.Equal(
            (id, "anna", "bert", "signed DCMD"),
            (Text(told, "command"), Text(told, "asked_by"), Text(told, "approved_by"), Text(told, "by")));
        // The edge's own audit has the same line.
        Assert.Equal(id, Text(Assert.Single(await AuditAsync()), "command"));
        Assert.Equal(HttpStatusCode.OK, (await _host.Http.GetAsync(new Uri(_host.Url + "/api/audit/verify"))).StatusCode);
    }

    [Fact]
    public async Task A_second_key_of_hers_is_no_second_person()
    {
        // Bert may do both, so only that he is the same stands in the way.
        var id = await AskAsync(_bert, 20);
        using var key = await _bert.KeyAsync("admin");
        var by = await key.PostAsync($"/api/commands/{id}/approve", new { });
        Assert.Equal(HttpStatusCode.Forbidden, by.Status);
        Assert.Contains("another person must approve it", by.Text, StringComparison.Ordinal);
        // Nor one that this key made.
        using var second = await key.KeyAsync("admin");
        Assert.Equal(HttpStatusCode.Forbidden, (await second.PostAsync($"/api/commands/{id}/approve", new { })).Status);
        // The role alone does not do either.
        Assert.Equal(HttpStatusCode.Forbidden, (await _anna.PostAsync($"/api/commands/{id}/approve", new { })).Status);
        Assert.Equal("requested", await StateAsync(id));
        // Taken back by himself, it can not be approved by anybody any more.
        var back = await key.PostAsync($"/api/commands/{id}/reject", new { comment = "no need" });
        Assert.Equal((HttpStatusCode.OK, "refused"), (back.Status, back.Json.GetProperty("state").GetString()));
        using var carl = await Person.MakeAsync(_host, "carl", "admin");
        Assert.Equal(HttpStatusCode.Conflict, (await carl.PostAsync($"/api/commands/{id}/approve", new { })).Status);
        Assert.Equal(10f, _plc.Read(Speed));
    }

    [Fact]
    public async Task Limits_are_held_when_it_is_asked_for_and_again_when_it_is_sent()
    {
        foreach (var (value, status, says) in new (object Value, HttpStatusCode Status, string Says)[]
        {
            (51, HttpStatusCode.BadRequest, "51 is more than 50, the most for 'setpoint.speed'"),
            (-1, HttpStatusCode.BadRequest, "-1 is less than 0"),
            ("fast", HttpStatusCode.BadRequest, "must be a number"),
            (31, HttpStatusCode.Conflict, "may be changed by 20 at a time; from 10 to 31 is 21"),
        })
        {
            var refused = await AskAgainAsync(value);
            Assert.Equal(status, refused.Status);
            Assert.Contains(says, refused.Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        }

        var other = await _anna.PostAsync(
            "/api/commands", new { machine_id = "press1", metric = "counter.good", value = 1, reason = "reset" });
        Assert.Equal(HttpStatusCode.BadRequest, other.Status);
        Assert.Contains("may not be written; 'setpoint.speed', 'bare' may", Text(other.Json, "detail"), StringComparison.Ordinal);

        // What was in order when it was asked for is not any more when it is approved.
        var id = await AskAsync(_anna, 25);
        _plc.Write("DB1.DBX0.0", false);
        await Eventually.HoldsAsync(
            "the machine to stand", Soon, async () => (await _host.GetAsync("/api/machines/status")).GetProperty("items")[0],
            m => m.GetProperty("state").GetString() == "stop");
        var approved = await _bert.PostAsync($"/api/commands/{id}/approve", new { });
        Assert.Equal((HttpStatusCode.OK, "refused"), (approved.Status, approved.Json.GetProperty("state").GetString()));
        Assert.Contains("in the states run of its machine", Text(approved.Json, "detail"), StringComparison.Ordinal);
        Assert.Equal(10f, _plc.Read(Speed));
    }

    [Fact]
    public async Task What_nobody_approves_in_time_expires_and_what_the_PLC_does_not_show_fails()
    {
        var id = await AskAsync(_anna, 12);
        var expired = await Eventually.HoldsAsync("its time to be over", Soon, () => CommandAsync(id), c => Text(c, "state") == "expired");
        Assert.Equal("nobody approved it in time", Text(expired, "detail"));
        Assert.Equal(HttpStatusCode.Conflict, (await _bert.PostAsync($"/api/commands/{id}/approve", new { })).Status);

        // A program that sets the tag in every cycle has the last word.
        using var ends = new CancellationTokenSource();
        var program = ProgramAsync(Speed, 10.0, ends.Token);
        var overruled = await AskAsync(_anna, 13);
        await _bert.PostAsync($"/api/commands/{overruled}/approve", new { });
        var failed = await DoneAsync(overruled);
        await ends.CancelAsync();
        await program;
        Assert.Equal(("failed", "10"), (Text(failed, "state"), Raw(failed, "new")));
        Assert.Contains("the PLC shows something else", Text(failed, "detail"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_broker_is_no_way_around_it()
    {
        // Somebody who hears and says everything at the broker.
        using var spy = new MqttClientFactory().CreateMqttClient();
        var heard = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        spy.ApplicationMessageReceivedAsync += args =>
        {
            heard.TrySetResult(System.Buffers.BuffersExtensions.ToArray(args.ApplicationMessage.Payload));
            return Task.CompletedTask;
        };
        await spy.ConnectAsync(new MqttClientOptionsBuilder().WithConnectionUri(new Uri(_plant.Broker.Url)).WithClientId("spy").Build());
        await spy.SubscribeAsync(Topic);

        await DeviceCommand.SendAsync(_plant.Broker.Url, "process.speed", 40);
        await Eventually.HoldsAsync("a plain command in the edge's audit", Soon, AuditAsync, l => l.Count == 1);
        heard = new(TaskCreationOptions.RunContinuationsAsynchronously);
        var id = await AskAsync(_anna, 15);
        await _bert.PostAsync($"/api/commands/{id}/approve", new { });
        Assert.Equal("confirmed", Text(await DoneAsync(id), "state"));

        // The very command once more, and one that was changed on the way.
        var signed = await heard.Task.WaitAsync(Soon);
        _plc.Write(Speed, 11.0);
        await spy.PublishAsync(new MqttApplicationMessageBuilder().WithTopic(Topic).WithPayload(signed).Build());
        await Eventually.HoldsAsync("a copy in the edge's audit", Soon, AuditAsync, l => l.Count == 3);
        var changed = signed.ToArray();
        changed[^20] = changed[^20] == (byte)'A' ? (byte)'B' : (byte)'A';
        await spy.PublishAsync(new MqttApplicationMessageBuilder().WithTopic(Topic).WithPayload(changed).Build());
        var audit = await Eventually.HoldsAsync("a forgery in the edge's audit", Soon, AuditAsync, l => l.Count == 4);
        Assert.Equal(11f, _plc.Read(Speed));
        Assert.Equal([false, true, false, false], audit.Select(l => l.GetProperty("ok").GetBoolean()));
        Assert.Contains("it is not signed", Text(audit[0], "error"), StringComparison.Ordinal);
        Assert.Contains("it is a copy", Text(audit[2], "error"), StringComparison.Ordinal);
        Assert.Contains("none of the host's keys", Text(audit[3], "error"), StringComparison.Ordinal);
        // What they tried is in the plant's audit too, and changes nothing of what became of the command.
        await Eventually.HoldsAsync(
            "all of it in the plant's audit", Soon,
            () => _plant.ScalarAsync("select count(*) from audit_log where actor = 'edge:e2e/edge1' and action like 'plc.%'"), n => n == 4);
        Assert.Equal("confirmed", await StateAsync(id));
    }

    [Fact]
    public async Task An_edge_that_is_not_there_is_told_at_once_and_nothing_waits_for_it()
    {
        var (id, bare) = (await AskAsync(_anna, 15), await AskAsync(_anna, 7, "bare"));
        await _edge.KillAsync();
        await OnlineAsync(false);
        // A machine that is not there is in none of the states that its tag may be written in.
        var approved = await _bert.PostAsync($"/api/commands/{id}/approve", new { });
        Assert.Equal("refused", Text(approved.Json, "state"));
        var failed = await _bert.PostAsync($"/api/commands/{bare}/approve", new { });
        Assert.Equal("failed", Text(failed.Json, "state"));
        Assert.Matches("the (edge node e2e/edge1|device e2e/edge1/press1) is not there", Text(failed.Json, "detail"));
        await _edge.StartAsync();
        await OnlineAsync(true);
        Assert.Equal((10f, 0f), (_plc.Read(Speed), _plc.Read("DB1.DBD12:REAL")));
    }

    [Fact]
    public async Task An_edge_that_dies_while_it_writes_says_so_when_it_is_back()
    {
        var id = await AskAsync(_anna, 7, "bare");
        // What was read is not what was written: it looks for two seconds, and dies then.
        using var ends = new CancellationTokenSource();
        var program = ProgramAsync("DB1.DBD12:REAL", 0.0, ends.Token);
        await _bert.PostAsync($"/api/commands/{id}/approve", new { });
        var file = Path.Combine(_plant.EdgeDirectory, "writes-e2e-edge1.jsonl");
        await Eventually.TrueAsync("it to begin", Soon, () => Task.FromResult(File.Exists(file)));
        await _edge.KillAsync();
        await ends.CancelAsync();
        await program;
        await _edge.StartAsync();
        var failed = await DoneAsync(id);
        Assert.Equal("failed", Text(failed, "state"));
        Assert.Contains("not known whether it was carried out", Text(failed, "detail"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_may_not_ask_any_more_has_not_asked()
    {
        var id = await AskAsync(_anna, 15);
        using var admin = new Person(_host.Url, TestAccess.Client());
        await admin.PatchAsync("/api/users/anna", new { disabled = true });
        var approved = await _bert.PostAsync($"/api/commands/{id}/approve", new { });
        Assert.Equal("refused", Text(approved.Json, "state"));
        Assert.Contains("anna may not ask for it any more", Text(approved.Json, "detail"), StringComparison.Ordinal);
        // A key behind which nobody stands is no second person.
        var other = await AskAsync(_bert, 12);
        var by = await admin.PostAsync($"/api/commands/{other}/approve", new { });
        Assert.Equal(HttpStatusCode.Forbidden, by.Status);
        Assert.Contains("nobody knows who stands behind key:tests", by.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task On_the_board_the_second_person_sees_now_and_asked_side_by_side_and_sends_it()
    {
        var id = await AskAsync(_anna, 25);
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await Chromium.LaunchAsync(playwright);
        async Task<IPage> SignInAsync(string name)
        {
            var page = await (await browser.NewContextAsync()).NewPageAsync();
            await page.GotoAsync(_host.Url + "/sign-in?to=%2Fapprovals");
            await page.Locator("input[autocomplete=username]").FillAsync(name);
            await page.Locator("input[type=password]").FillAsync(Person.Password);
            await page.Locator("button[type=submit]").ClickAsync();
            await page.Locator($"[data-command='{id}']").WaitForAsync();
            return page;
        }

        // Who asked sees it, and cannot approve it.
        var anna = await SignInAsync("anna");
        await anna.Locator("button:has-text('take back')").WaitForAsync();
        Assert.Equal(0, await anna.Locator("button:has-text('approve')").CountAsync());
        var bert = await SignInAsync("bert");
        var card = await bert.Locator($"[data-command='{id}']").InnerTextAsync();
        string[] told = ["10", "25", "m/min", "allowed 0 to 50", "steps of at most 20", "only in run", "“thicker film”", "anna"];
        Assert.Equal([], told.Where(t => !card.Contains(t, StringComparison.Ordinal)));

        Assert.Equal("1", await bert.Locator("header nav .n").InnerTextAsync());
        await bert.Locator("button:has-text('approve and send')").ClickAsync();
        Assert.Equal("confirmed", Text(await DoneAsync(id), "state"));
        Assert.Equal(25f, _plc.Read(Speed));
        await bert.GotoAsync(_host.Url + "/approvals?show=done");
        await bert.Locator($"[data-command='{id}'][data-state=confirmed]").WaitForAsync();
        await bert.Locator("[aria-label=audit] td:has-text('approves anna’s setpoint.speed = 25 on press1')").WaitForAsync();
        if (Environment.GetEnvironmentVariable("OEE_SCREENSHOTS") is { Length: > 0 } folder)
        {
            await bert.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder, "approvals-done.png"), FullPage = true });
        }
    }

    /// <summary>A PLC's program that sets a tag in every cycle.</summary>
    private Task ProgramAsync(string address, double value, CancellationToken ends) => Task.Run(
        async () =>
        {
            while (!ends.IsCancellationRequested)
            {
                _plc.Write(address, value);
                await Task.Delay(20, CancellationToken.None);
            }
        },
        CancellationToken.None);

    private Task OnlineAsync(bool isOnline) => Eventually.HoldsAsync(
        "the machine to come or go", Soon, async () => (await _host.GetAsync("/api/machines/status")).GetProperty("items")[0],
        m => m.GetProperty("connected").GetBoolean() == isOnline);

    private async Task<string> AskAsync(Person who, object value, string metric = "setpoint.speed")
    {
        var asked = await Eventually.HoldsAsync(
            "it to be taken", Soon,
            () => who.PostAsync("/api/commands", new { machine_id = "press1", metric, value, reason = "thicker film" }),
            a => a.Status == HttpStatusCode.Accepted);
        return asked.Json.GetProperty("id").GetString()!;
    }

    private Task<Answer> AskAgainAsync(object? value = null) => _anna.PostAsync(
        "/api/commands", new { machine_id = "press1", metric = "setpoint.speed", value = value ?? 11, reason = "again" });

    private Task<JsonElement> CommandAsync(string id) => _host.GetAsync($"/api/commands/{id}");

    private async Task<string?> StateAsync(string id) => Text(await CommandAsync(id), "state");

    private Task<JsonElement> DoneAsync(string id) => Eventually.HoldsAsync(
        "an answer", Soon, () => CommandAsync(id), c => c.GetProperty("answered_at").ValueKind == JsonValueKind.String);

    private async Task<List<JsonElement>> AuditAsync()
    {
        var file = Path.Combine(_plant.EdgeDirectory, "writes-e2e-edge1.jsonl");
        if (!File.Exists(file)) return [];
        // That one began is a line of its own.
        var lines = (await File.ReadAllLinesAsync(file)).Select(l => JsonDocument.Parse(l).RootElement);
        return [.. lines.Where(l => Text(l, "error") != "begun")];
    }

    private async Task<(int Code, string Output)> RunAsync(params string[] arguments)
    {
        await using var process = ServerProcess.Start("dotnet", [Oee.Program, .. arguments, "--config", _plant.ConfigFile]);
        await process.WaitForExitAsync(Soon);
        return (process.ExitCode, process.Output);
    }

    private static string? Text(JsonElement json, string name) => json.GetProperty(name).GetString();

    private static string Raw(JsonElement json, string name) => json.GetProperty(name).GetRawText();
}

/// <summary>An answer of the API.</summary>
internal sealed record Answer(HttpStatusCode Status, string Text)
{
    public JsonElement Json => JsonDocument.Parse(Text).RootElement;
}

/// <summary>Somebody who speaks to the API.</summary>
internal sealed class Person(string url, HttpClient http) : IDisposable
{
    public const string Password = "the second password";

    /// <summary>A user of the plant's own, signed in.</summary>
    public static async Task<Person> MakeAsync(Oee host, string name, string role)
    {
        const string first = "the first password";
        using var administrator = new Person(host.Url, TestAccess.Client());
        await administrator.PostAsync("/api/users", new { name, password = first, grants = new[] { new { role, at = "e2e" } } });
        using var known = await SignedInAsync(host.Url, name, first);
        using var changed = await known._http.PutAsJsonAsync(
            new Uri(host.Url + "/api/me/password"), new { old = first, @new = Password });
        changed.EnsureSuccessStatusCode();
        return await SignedInAsync(host.Url, name, Password);
    }

    private readonly HttpClient _http = http;

    public async Task<Answer> PostAsync(string path, object body)
    {
        using var response = await _http.PostAsJsonAsync(new Uri(url + path), body);
        return new Answer(response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    public async Task PatchAsync(string path, object body)
    {
        using var response = await _http.PatchAsJsonAsync(new Uri(url + path), body);
        response.EnsureSuccessStatusCode();
    }

    /// <summary>The same person with an API key.</summary>
    public async Task<Person> KeyAsync(string role)
    {
        var made = await PostAsync("/api/keys", new { name = $"k-{Guid.NewGuid():N}", grants = new[] { new { role, at = "e2e" } } });
        return new Person(url, TestAccess.Client(made.Json.GetProperty("key").GetString()));
    }

    public void Dispose() => _http.Dispose();

    private static async Task<Person> SignedInAsync(string url, string user, string password)
    {
        using var nobody = new Person(url, new HttpClient());
        var token = (await nobody.PostAsync("/api/auth/token", new { user, password })).Json.GetProperty("access_token").GetString();
        var http = new HttpClient { Timeout = TimeSpan.FromSeconds(20) };
        http.DefaultRequestHeaders.Add("Authorization", $"Bearer {token}");
        return new Person(url, http);
    }
}
