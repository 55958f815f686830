using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Playwright;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>`oee demo` as a newcomer meets it: started once for the class, on embedded parts.</summary>
public sealed class DemoFixture : IAsyncLifetime
{
    private IPlaywright? _playwright;
    private string? _signedIn;

    public string Data { get; } = Directory.CreateTempSubdirectory("oee-demo-").FullName;

    public int Port { get; } = ServerProcess.FreePort();

    public Oee Oee { get; set; } = null!;

    public IBrowser Browser { get; private set; } = null!;

    public Task<Oee> StartAsync() => Oee.StartAsync("demo", Port, "--mqtt-port", "0", "--data", Data);

    /// <summary>As the user that the demo printed; ends on the board.</summary>
    public async Task SignInAsync(IPage page)
    {
        var (user, password) = TestAccess.DemoUser(Oee.Process.Output);
        await page.GotoAsync(Oee.Url + "/sign-in");
        await page.Locator("input[autocomplete=username]").FillAsync(user);
        await page.Locator("input[type=password]").FillAsync(password);
        await page.Locator("button[type=submit]").ClickAsync();
        await page.Locator(".who a[href=account]").WaitForAsync();
    }

    /// <summary>A browser of somebody who signed in before: signing in is limited, as everywhere.</summary>
    public async Task<IBrowserContext> SignedInAsync(BrowserNewContextOptions? options = null)
    {
        options ??= new BrowserNewContextOptions();
        if (_signedIn is null)
        {
            await using var first = await Browser.NewContextAsync();
            await SignInAsync(await first.NewPageAsync());
            _signedIn = await first.StorageStateAsync();
        }

        options.StorageState = _signedIn;
        return await Browser.NewContextAsync(options);
    }

    /// <summary>The days of before are there when their shifts are, and the hours before the start are.</summary>
    public async Task LivedAsync()
    {
        await Eventually.HoldsAsync(
            "fourteen days of history", TimeSpan.FromSeconds(90),
            async () => (await Oee.GetAsync("/api/kpi/history?line_id=line1&window=shift&from=2026-01-01T00:00:00Z"))
                .GetProperty("items").GetArrayLength(), n => n > 20);
        // Told oldest first: what was shortly before the start comes last. Longer than any break, and before anybody could have looked.
        var to = Uri.EscapeDataString(DateTimeOffset.UtcNow.AddMinutes(-10).ToString("O"));
        var from = Uri.EscapeDataString(DateTimeOffset.UtcNow.AddMinutes(-70).ToString("O"));
        foreach (var machine in new[] { "filler1", "packer1", "packer2", "labeller2" })
        {
            await Eventually.HoldsAsync(
                $"the last hour of {machine}", TimeSpan.FromSeconds(90),
                () => Oee.GetAsync($"/api/trend?machine_id={machine}&name=counter.good&from={from}&to={to}"),
                t => t.GetProperty("items").GetArrayLength() > 5);
        }
    }

    public async Task InitializeAsync()
    {
        Oee = await StartAsync();
        _playwright = await Playwright.CreateAsync();
        Browser = await Chromium.LaunchAsync(_playwright);
    }

    public async Task DisposeAsync()
    {
        await Browser.DisposeAsync();
        _playwright?.Dispose();
        await Oee.DisposeAsync();
        Directory.Delete(Data, recursive: true);
    }
}

public sealed class DemoTests(DemoFixture demo) : IClassFixture<DemoFixture>
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(15);

    [Fact]
    public async Task Eight_machines_and_two_lines_have_figures_soon_after_the_start()
    {
        await Eventually.HoldsAsync(
            "8 machines", Soon, async () => (await demo.Oee.GetAsync("/api/machines/status")).GetProperty("items").GetArrayLength(),
            n => n == 8);
        foreach (var line in new[] { "line1", "line2" })
        {
            await Eventually.HoldsAsync(
                $"an OEE of {line}", Soon,
                async () => (await demo.Oee.GetAsync($"/api/kpi/current?line_id={line}")).GetProperty("oee").ValueKind.ToString(),
                k => k == "Number");
        }
    }

    [Fact]
    public async Task The_board_shows_every_machine_and_changes_by_itself()
    {
        var page = await demo.Browser.NewPageAsync(
            new BrowserNewPageOptions { ViewportSize = new ViewportSize { Width = 1440, Height = 900 } });
        await page.GotoAsync(demo.Oee.Url);
        await page.Locator("#machine-packer2 .counts").WaitForAsync();
        Assert.Equal(8, await page.Locator(".m").CountAsync());
        foreach (var machine in new[] { "filler1", "filler2" })
        {
            var counts = page.Locator($"#machine-{machine} .counts");
            var before = await counts.InnerTextAsync();
            // The wireless machine may be away, the fillers may stop for a while; two minutes are more than any of their stops. In a break
            // of the plant nobody counts.
            await Eventually.HoldsAsync(
                $"{machine} to count on, or a break", TimeSpan.FromMinutes(4), async () =>
                    (
                        Counts: await counts.InnerTextAsync(),
                        InBreak: await page.Locator($"#machine-{machine}[data-category=planned_stop]").CountAsync() > 0),
                now => now.Counts != before || now.InBreak);
        }

        // Time alone changes the page as well.
        var clock = page.Locator("header .shift .dim");
        var minute = await clock.InnerTextAsync();
        await Eventually.HoldsAsync("the clock to go on", TimeSpan.FromSeconds(75), () => clock.InnerTextAsync(), now => now != minute);
        Assert.Contains("live", await page.Locator("#live").InnerTextAsync(), StringComparison.Ordinal);
        await page.CloseAsync();
    }

    [Fact]
    public async Task The_board_needs_nothing_from_outside()
    {
        var page = await demo.Browser.NewPageAsync();
        var foreign = new List<string>();
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith(demo.Oee.Url, StringComparison.Ordinal)
                && !request.Url.StartsWith("data:", StringComparison.Ordinal))
            {
                foreign.Add(request.Url);
            }
        };
        await page.GotoAsync(demo.Oee.Url);
        await page.Locator("#machine-filler1").WaitForAsync();
        Assert.Empty(foreign);
        await page.CloseAsync();
    }

    [Fact]
    public async Task Every_page_keeps_to_its_content_security_policy()
    {
        var page = await demo.Browser.NewPageAsync();
        var refused = new ConcurrentQueue<string>();
        page.Console += (_, message) =>
        {
            if (message.Text.Contains("Content Security Policy", StringComparison.Ordinal)) refused.Enqueue($"{page.Url}: {message.Text}");
        };
        var board = await page.GotoAsync(demo.Oee.Url + "/sign-in");
        Assert.DoesNotContain("unsafe", board!.Headers["content-security-policy"], StringComparison.Ordinal);
        await demo.SignInAsync(page);
        await Eventually.TrueAsync("the losses to open", Soon, async () =>
        {
            await page.Locator("#line-line2 button.oee").ClickAsync();
            return await page.Locator("#line-line2 .wf").CountAsync() > 0;
        });
        // Drawn as it is meant, not only not refused.
        Assert.True(await page.Locator("#machine-packer2 .strip rect").CountAsync() > 0);
        Assert.True(await page.EvaluateAsync<bool>("getComputedStyle(document.querySelector('main')).display === 'grid'"));
        await page.GotoAsync(demo.Oee.Url + "/account");
        await page.Locator("form button").WaitForAsync();
        await page.GotoAsync(demo.Oee.Url + "/audit?verify=yes");
        Assert.Contains("Whole:", await page.Locator("[role=status]").InnerTextAsync(), StringComparison.Ordinal);
        if (Environment.GetEnvironmentVariable("OEE_SCREENSHOTS") is { Length: > 0 } folder)
        {
            await page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder, "audit.png"), FullPage = true });
        }

        foreach (var (path, text) in new[] { ("/scalar", "kpi/current"), ("/dashboard", "Grains") })
        {
            await page.GotoAsync(demo.Oee.Url + path);
            await page.GetByText(text).First.WaitForAsync();
        }

        Assert.Empty(refused);
        await page.CloseAsync();
    }

    [Fact]
    public async Task A_wall_screen_shows_one_line_and_a_phone_fits_its_width()
    {
        var wall = await demo.Browser.NewPageAsync(
            new BrowserNewPageOptions { ViewportSize = new ViewportSize { Width = 1920, Height = 1080 } });
        await wall.GotoAsync(demo.Oee.Url + "/?wall=line1");
        await wall.Locator("#machine-filler1").WaitForAsync();
        Assert.Equal(1, await wall.Locator("main section").CountAsync());
        await wall.CloseAsync();
        var phone = await demo.Browser.NewPageAsync(
            new BrowserNewPageOptions { ViewportSize = new ViewportSize { Width = 390, Height = 844 } });
        await phone.GotoAsync(demo.Oee.Url);
        await phone.Locator("#machine-filler1").WaitForAsync();
        Assert.True(
            await phone.EvaluateAsync<bool>("document.documentElement.scrollWidth <= window.innerWidth"),
            "the page is wider than the phone");
        await phone.CloseAsync();
    }

    [Fact]
    public async Task A_click_on_an_oee_explains_it_and_the_parts_add_up()
    {
        var page = await demo.Browser.NewPageAsync(
            new BrowserNewPageOptions { ViewportSize = new ViewportSize { Width = 1440, Height = 1000 } });
        await page.GotoAsync(demo.Oee.Url);
        await page.Locator("#line-line2 .live, #machine-packer2 .counts").WaitForAsync();
        await Eventually.TrueAsync("the explanation to open", Soon, async () =>
        {
            // Until the page is connected a click goes nowhere.
            if (await page.Locator("#line-line1 .why .eq").CountAsync() == 1) return true;
            await page.Locator("#machine-filler1 .why1").ClickAsync();
            await page.Locator("#line-line1 .why .eq").WaitForAsync(new LocatorWaitForOptions { Timeout = 3000 });
            return true;
        });
        Assert.Contains("OEE = A × P × Q", await page.Locator("#line-line1 .why .eq").InnerTextAsync(), StringComparison.Ordinal);
        // For the guides: a picture of what a person sees, where one was asked for.
        if (Environment.GetEnvironmentVariable("OEE_SCREENSHOTS") is { Length: > 0 } folder)
        {
            await page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder, "why.png"), FullPage = true });
        }

        await page.Locator("#line-line1 .why .close").ClickAsync();
        await Eventually.HoldsAsync("the explanation to close", Soon, () => page.Locator(".why").CountAsync(), n => n == 0);
        await page.CloseAsync();

        var explained = await demo.Oee.GetAsync("/api/kpi/explain?machine_id=filler1");
        var losses = explained.GetProperty("losses");
        double S(string name) => losses.GetProperty(name).GetDouble();
        Assert.Equal(
            S("planned_s"),
            S("breakdowns_s")
                + S("setup_s")
                + S("other_stops_s")
                + S("unknown_s")
                + S("small_stops_s")
                + S("reduced_speed_s")
                + S("rejects_s")
                + S("good_s"),
            1e-5);
        var deltas = explained.GetProperty("deltas").EnumerateArray().ToList();
        long Counted(string counter) =>
            deltas.Where(d => d.GetProperty("counter").GetString() == counter).Sum(d => d.GetProperty("delta").GetInt64());
        if (deltas.Count == explained.GetProperty("delta_count").GetInt32())
        {
            Assert.Equal(explained.GetProperty("kpi").GetProperty("good").GetInt64(), Counted("good"));
        }

        Assert.Equal(
            3600,
            explained.GetProperty("intervals")
                .EnumerateArray()
                .Sum(i => (i.GetProperty("to").GetDateTimeOffset() - i.GetProperty("from").GetDateTimeOffset()).TotalSeconds),
            1e-3);
    }

    private static string Iso(DateTimeOffset time) =>
        Uri.EscapeDataString(time.ToString("O", System.Globalization.CultureInfo.InvariantCulture));

    [Fact]
    public async Task The_pareto_adds_up_and_a_person_may_say_why_a_machine_stood()
    {
        var now = DateTimeOffset.UtcNow;
        string Span(string path) =>
            $"{path}&from={Iso(now.AddMinutes(-55))}&to={Iso(now)}";
        var stops = await Eventually.HoldsAsync(
            "a stop that is over", Soon,
            async () =>
                (await demo.Oee.GetAsync(Span("/api/stops?line_id=line1")))
                    .GetProperty("items")
                    .EnumerateArray()
                    .Where(s => !s.GetProperty("open").GetBoolean())
                    .ToList(),
            s => s.Count > 0);
        var stop = stops[0];
        var (id, machine) = (stop.GetProperty("id").GetString()!, stop.GetProperty("machine_id").GetString()!);

        var http = demo.Oee.Http;
        Task<HttpResponseMessage> GiveAsync(object body) =>
            http.PostAsync(new Uri($"{demo.Oee.Url}/api/stops/{id}/reason"), System.Net.Http.Json.JsonContent.Create(body));
        Assert.Equal(HttpStatusCode.BadRequest, (await GiveAsync(new { reason = "no-such-reason" })).StatusCode);
        Assert.Equal(HttpStatusCode.BadRequest, (await GiveAsync(new { reason = "cleaning", at = "2020-01-01T00:00:00Z" })).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await GiveAsync(new { reason = "cleaning", comment = "nozzles", by = "mia" })).StatusCode);

        var losses = await demo.Oee.GetAsync(Span($"/api/losses?machine_id={machine}"));
        var items = losses.GetProperty("items").EnumerateArray().ToList();
        Assert.Contains(items, i => i.GetProperty("reason").GetString() == "cleaning" && i.GetProperty("name").GetString() == "Cleaning");
        var tree = losses.GetProperty("losses");
        double L(string name) => tree.GetProperty(name).GetDouble();
        Assert.Equal(
            L("breakdowns_s") + L("setup_s") + L("other_stops_s") + L("small_stops_s") + Math.Max(0, L("reduced_speed_s")) + L("rejects_s"),
            items.Sum(i => i.GetProperty("lost_s").GetDouble()), 1e-5);
        var audit = (await demo.Oee.GetAsync($"/api/audit?target={id}")).GetProperty("items")[0];
        // Who says so, and with whose key.
        Assert.StartsWith("mia (key:tests-", audit.GetProperty("actor").GetString(), StringComparison.Ordinal);
        Assert.Equal(("stop.reason", machine), (audit.GetProperty("action").GetString(), audit.GetProperty("asset").GetString()));
        Assert.Equal(HttpStatusCode.OK, (await GiveAsync(new { reason = (string?)null })).StatusCode);
        Assert.Equal(
            HttpStatusCode.NotFound,
            (await http.PostAsync(
                new Uri($"{demo.Oee.Url}/api/stops/{machine}-1/reason"),
                System.Net.Http.Json.JsonContent.Create(new { reason = "cleaning" }))).StatusCode);
    }

    [Fact]
    public async Task On_the_board_a_stop_gets_its_reason()
    {
        var page = await demo.Browser.NewPageAsync(
            new BrowserNewPageOptions { ViewportSize = new ViewportSize { Width = 1440, Height = 1100 } });
        await demo.SignInAsync(page);
        await page.Locator("#machine-packer2 .counts").WaitForAsync();
        await Eventually.TrueAsync("the losses to open", Soon, async () =>
        {
            await page.Locator("#line-line2 button.oee").ClickAsync();
            return await page.Locator("#line-line2 .pa .pi").CountAsync() > 0;
        });
        var reasons = page.Locator("#line-line2 .pa button.reason");
        var shift = (await demo.Oee.GetAsync("/api/kpi/current?line_id=line2")).GetProperty("window").GetProperty("from").GetString();
        if ((await demo.Oee.GetAsync($"/api/stops?line_id=line2&from={shift}")).GetProperty("items").GetArrayLength() == 0)
        {
            // The first minutes of a shift: nothing has stood, and the board says so. How a reason is given is tested over HTTP too.
            Assert.Equal(0, await reasons.CountAsync());
            return;
        }

        await reasons.First.ClickAsync();
        await page.Locator("#line-line2 .stops .link").First.ClickAsync();
        await page.Locator("#line-line2 .give select").SelectOptionAsync("changeover");
        await page.Locator("#line-line2 .give input").First.FillAsync("new format");
        if (Environment.GetEnvironmentVariable("OEE_SCREENSHOTS") is { Length: > 0 } folder)
        {
            await page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder, "losses.png"), FullPage = true });
        }

        await page.Locator("#line-line2 .give button[type=submit]").ClickAsync();
        await Eventually.HoldsAsync(
            "the reason in the Pareto", Soon, () => page.Locator("#line-line2 .pa .pi[data-reason=changeover]").CountAsync(), n => n == 1);
        await page.CloseAsync();
    }

    [Fact]
    public async Task A_fault_is_acknowledged_once_and_shelved_until_a_time()
    {
        var faults = await Eventually.HoldsAsync(
            "a fault", Soon, async () => (await demo.Oee.GetAsync("/api/faults/history")).GetProperty("items").EnumerateArray().ToList(),
            f => f.Count > 0);
        var id = faults[0].GetProperty("id").GetString()!;
        var http = demo.Oee.Http;
        async Task<JsonElement> PostAsync(string action, object body)
        {
            using var response = await http.PostAsync(
                new Uri($"{demo.Oee.Url}/api/faults/{id}/{action}"), System.Net.Http.Json.JsonContent.Create(body));
            response.EnsureSuccessStatusCode();
            return JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
        }

        var first = (await PostAsync("ack", new { by = "mia", comment = "seen" })).GetProperty("ack_by").GetString();
        Assert.StartsWith("mia (key:tests-", first, StringComparison.Ordinal);
        Assert.Equal(first, (await PostAsync("ack", new { by = "tom" })).GetProperty("ack_by").GetString());
        Assert.NotEqual(
            JsonValueKind.Null,
            (await PostAsync("shelve", new { until = DateTimeOffset.UtcNow.AddHours(1), by = "mia" })).GetProperty(
                "shelved_until").ValueKind);
        Assert.Equal(
            ["fault.shelve", "fault.ack"],
            (await demo.Oee.GetAsync($"/api/audit?target={id}"))
                .GetProperty("items")
                .EnumerateArray()
                .Select(a => a.GetProperty("action").GetString()));
    }

    [Fact]
    public async Task Live_push_tells_subscribers_of_a_line_about_its_machines_and_figures()
    {
        await using var hub = new HubConnectionBuilder().WithUrl(demo.Oee.Url + "/hubs/live").Build();
        var machines = new ConcurrentBag<string>();
        var scopes = new ConcurrentBag<string>();
        hub.On<JsonElement>("MachineChanged", m => machines.Add(m.GetProperty("machine_id").GetString()!));
        hub.On<JsonElement>("KpiChanged", k => scopes.Add(k.GetProperty("scope").GetString()!));
        await hub.StartAsync();
        await hub.InvokeAsync("SubscribeLine", "line1");
        await Eventually.TrueAsync(
            "updates of machines and of the line", Soon,
            () => Task.FromResult(machines.Distinct().Count() >= 2 && scopes.Contains("line") && scopes.Contains("machine")));
        Assert.DoesNotContain("filler2", machines);
        await Assert.ThrowsAsync<Microsoft.AspNetCore.SignalR.HubException>(() => hub.InvokeAsync("SubscribeLine", "no-such-line"));
    }

    [Theory]
    [InlineData("/api/kpi/current", HttpStatusCode.BadRequest)]
    [InlineData("/api/kpi/current?line_id=none", HttpStatusCode.NotFound)]
    [InlineData("/api/kpi/current?line_id=line1&window=week", HttpStatusCode.BadRequest)]
    [InlineData("/api/trend?machine_id=filler1&name=counter.good&from=yesterday", HttpStatusCode.BadRequest)]
    [InlineData("/api/trend?machine_id=filler1&name=no.such", HttpStatusCode.NotFound)]
    [InlineData("/api/faults/history?cursor=nonsense", HttpStatusCode.BadRequest)]
    [InlineData("/api/assets/none", HttpStatusCode.NotFound)]
    [InlineData("/api/kpi/current?line_id=line2&window=job", HttpStatusCode.BadRequest)]
    [InlineData("/api/losses?machine_id=filler1&from=2020-01-01T00:00:00Z", HttpStatusCode.BadRequest)]
    public async Task A_wrong_request_is_answered_with_problem_details(string path, HttpStatusCode status)
    {
        var http = demo.Oee.Http;
        using var response = await http.GetAsync(new Uri(demo.Oee.Url + path));
        Assert.Equal(status, response.StatusCode);
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
    }

    [Theory]
    [InlineData("/api/kpi/current?machine_id=filler1&window=hour")]
    [InlineData("/api/kpi/current?machine_id=filler1&window=day")]
    [InlineData("/api/kpi/history?line_id=line1&window=hour")]
    [InlineData("/api/kpi/history?machine_id=filler1&window=shift")]
    [InlineData("/api/kpi/current?machine_id=filler1&window=job")]
    [InlineData("/api/kpi/history?machine_id=filler1&window=job")]
    [InlineData("/api/reasons")]
    [InlineData("/api/losses?line_id=line2")]
    [InlineData("/api/faults/active")]
    [InlineData("/api/faults/history?line_id=line1&limit=2")]
    [InlineData("/api/assets")]
    [InlineData("/api/assets/filler1/tags")]
    [InlineData("/api/machines/filler1/timeline")]
    [InlineData("/api/edge-nodes")]
    [InlineData("/openapi/v1.json")]
    [InlineData("/health/live")]
    [InlineData("/health/ready")]
    public async Task Every_endpoint_answers(string path) => Assert.NotEmpty((await demo.Oee.GetAsync(path)).EnumerateObject());

    [Fact]
    public async Task The_description_of_the_api_is_one_that_a_linter_likes_and_is_of_nothing_but_the_api()
    {
        var file = Path.Combine(demo.Data, "openapi.json");
        await File.WriteAllTextAsync(file, await demo.Oee.Http.GetStringAsync(new Uri(demo.Oee.Url + "/openapi/v1.json")));
        await using (var linter = ServerProcess.Start(
            "node", [Path.Combine(Oee.Peers, "node_modules", ".bin", "redocly"), "lint", file],
            environment: new Dictionary<string, string> { ["REDOCLY_TELEMETRY"] = "off", ["REDOCLY_SUPPRESS_UPDATE_NOTICE"] = "true" }))
        {
            await linter.WaitForExitAsync(TimeSpan.FromSeconds(60));
            Assert.True(linter.ExitCode == 0, linter.Output);
            Assert.Contains("is valid", linter.Output, StringComparison.Ordinal);
            Assert.DoesNotContain("You have", linter.Output, StringComparison.Ordinal);
        }

        var document = JsonDocument.Parse(await File.ReadAllTextAsync(file)).RootElement;
        var paths = document.GetProperty("paths").EnumerateObject().ToList();
        Assert.All(paths, p => Assert.StartsWith("/api/", p.Name));
        var operations = paths.SelectMany(p => p.Value.EnumerateObject().Select(o => (Name: $"{o.Name} {p.Name}", o.Value))).ToList();
        Assert.True(operations.Count > 70, $"{operations.Count} operations");
        Assert.All(operations, o => Assert.Equal(
            "application/problem+json",
            o.Value.GetProperty("responses").GetProperty("400").GetProperty("content").EnumerateObject().Single().Name));
        var points = document.GetProperty("paths").GetProperty("/api/trend").GetProperty("get").GetProperty("parameters").EnumerateArray()
            .Single(p => p.GetProperty("name").GetString() == "points").GetProperty("schema");
        Assert.Equal((1, 10_000), (points.GetProperty("minimum").GetInt32(), points.GetProperty("maximum").GetInt32()));
    }

    [Fact]
    public async Task The_reference_page_calls_nobody_outside_and_offers_nothing_that_would()
    {
        var page = await demo.Browser.NewPageAsync();
        var hosts = new ConcurrentDictionary<string, bool>();
        page.Request += (_, request) => hosts[new Uri(request.Url).Authority] = true;
        await demo.SignInAsync(page);
        await page.GotoAsync(demo.Oee.Url + "/scalar");
        await page.GetByText("OEE of the window that is open now").First.WaitForAsync();
        await page.WaitForLoadStateAsync(LoadState.NetworkIdle);
        Assert.Equal([$"127.0.0.1:{demo.Port}"], hosts.Keys.Where(h => h.Length > 0));
        foreach (var offer in new[] { "Ask AI", "Generate SDK", "Deploy", "Open API Client" })
        {
            Assert.Equal(0, await page.GetByText(offer, new() { Exact = true }).CountAsync());
        }
    }

    [Theory]
    [InlineData("/scalar")]
    [InlineData("/dashboard")]
    [InlineData("/metrics")]
    public async Task Every_page_answers(string path)
    {
        var http = demo.Oee.Http;
        Assert.NotEmpty(await http.GetStringAsync(new Uri(demo.Oee.Url + path)));
    }

    [Fact]
    public async Task The_named_metrics_are_there()
    {
        var http = demo.Oee.Http;
        var text = await http.GetStringAsync(new Uri(demo.Oee.Url + "/metrics"));
        foreach (var name in new[]
        {
            "decode_errors_total",
            "ingest_lag_ms",
            "oee_calc_latency_ms",
            "dropped_messages_total",
            "broker_connected_clients",
            "store_write_seconds",
            "edge_clock_skew_seconds",
        })
        {
            Assert.Contains($"# HELP {name} ", text, StringComparison.Ordinal);
        }
    }
}

/// <summary>Stopping and starting the demo; a fixture of its own, because it does.</summary>
public sealed class DemoRestartTests
{
    [Fact]
    public async Task Ctrl_c_ends_it_in_good_order_and_a_second_start_keeps_the_history()
    {
        var data = Directory.CreateTempSubdirectory("oee-demo-").FullName;
        var port = ServerProcess.FreePort();
        await using (var first = await Oee.StartAsync("demo", port, "--mqtt-port", "0", "--data", data))
        {
            await Eventually.HoldsAsync("counts of the last hour", TimeSpan.FromSeconds(30), () => GoodAsync(first), good => good > 100);
            // A full hour of the history is closed and written with the next flush.
            await Eventually.HoldsAsync(
                "a closed hour", TimeSpan.FromSeconds(40),
                async () => (await first.GetAsync("/api/kpi/history?machine_id=filler1&window=hour")).GetProperty("items").GetArrayLength(),
                n => n >= 2);
            // What it lived through before it was started has been taken in.
            await Eventually.HoldsAsync(
                "the fourteen days", TimeSpan.FromSeconds(60), () => first.GetAsync("/api/machines/status"),
                s => s.GetProperty("items").EnumerateArray().All(m => !m.GetProperty("recomputing").GetBoolean()
                    && m.GetProperty("flags").EnumerateArray().All(f => f.GetString() != "history_incoming")));
            var started = Stopwatch.GetTimestamp();
            await first.Process.StopAsync("INT");
            Assert.True(Stopwatch.GetElapsedTime(started) < TimeSpan.FromSeconds(10), "it took 10 s or more to end");
            Assert.Equal(0, first.Process.ExitCode);
        }

        // The audit of the system by itself: what the live engine stored is what the batch engine makes of the stored samples.
        var audit = await ServerProcess.RunAsync(
            "dotnet", Oee.Program, "replay", "--from-store", "--config",
            Path.Combine(Oee.Root, "src", "OeeOrleans.Host", "demo-plant.yaml"), "--data", data);
        Assert.True(JsonDocument.Parse(audit).RootElement.GetProperty("windows_compared").GetInt32() >= 2_000, audit);

        await using var second = await Oee.StartAsync("demo", port, "--mqtt-port", "0", "--data", data);
        Assert.True(await GoodAsync(second) > 100, "the counts of the first start are gone");
        var from = Uri.EscapeDataString(
            DateTimeOffset.UtcNow.AddMinutes(-50).ToString("O", System.Globalization.CultureInfo.InvariantCulture));
        Assert.NotEqual(
            0,
            (await second.GetAsync($"/api/trend?machine_id=filler1&name=counter.good&from={from}&points=10000"))
                .GetProperty("items")
                .GetArrayLength());
        await second.Process.StopAsync("INT");
        Directory.Delete(data, recursive: true);
    }

    /// <summary>Of the day, because the last hour may be in the shift before.</summary>
    private static async Task<long> GoodAsync(Oee oee)
    {
        var items = (await oee.GetAsync("/api/machines/status"))
            .GetProperty("items")
            .EnumerateArray()
            .Select(m => m.GetProperty("machine_id").GetString());
        long good = 0;
        foreach (var machine in items)
        {
            good += (await oee.GetAsync($"/api/kpi/current?machine_id={machine}&window=day")).GetProperty("good").GetInt64();
        }

        return good;
    }
}
