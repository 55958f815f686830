using System.Collections.Concurrent;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using OeeOrleans.TestServers;
using Xunit.Abstractions;

namespace OeeOrleans.EndToEnd;

/// <summary>The board's other pages, over the fourteen days that the demo begins with.</summary>
public sealed class BoardPagesTests(DemoFixture demo, ITestOutputHelper output) : IClassFixture<DemoFixture>
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);

    /// <summary>Path of a page, and what is there when it has something to say.</summary>
    private static readonly Dictionary<string, (string Path, string Ready)> Pages = new()
    {
        ["now"] = ("/", ".m"),
        ["history"] = ("/history?at=line1&days=30", ".columns a"),
        ["history-site"] = ("/history?at=demo-site&by=day&days=30", ".columns a"),
        ["history-machine"] = ("/history?at=filler1&by=week&days=30", ".columns a"),
        ["machine"] = ("/machine?at=filler1&days=7", ".day .strip rect"),
        ["losses"] = ("/losses?at=line1&span=week", ".wf"),
        ["trends"] = ("/trends?s=filler1:process.temperature&s=filler1:cycle.time&s=packer1:cycle.time&span=8h", "#trend[data-ready]"),
        ["plant"] = ("/plant", ".wrong, [aria-label='the system'] tbody tr"),
        ["discovered"] = ("/discovered", "[aria-label=devices]"),
        ["configure"] = ("/configure?at=filler1", "form.part"),
        ["configure-calendars"] = ("/configure/calendars", ".week rect"),
        ["configure-reasons"] = ("/configure/reasons", "form.part"),
        ["configure-thresholds"] = ("/configure/thresholds?new=threshold", "form.part"),
        ["configure-sources"] = ("/configure/sources?new=source", "form.part"),
        ["configure-users"] = ("/configure/users", "[data-user=demo]"),
        ["configure-keys"] = ("/configure/keys", "[aria-label='new key']"),
        ["configure-revisions"] = ("/configure/revisions", "[data-revision='1']"),
        ["approvals"] = ("/approvals", ".stack .card"),
    };

    public static TheoryData<string, int, int, ColorScheme> Looks()
    {
        var looks = new TheoryData<string, int, int, ColorScheme>();
        foreach (var name in Pages.Keys)
        {
            looks.Add(name, 1440, 980, ColorScheme.Light);
            looks.Add(name, 390, 844, ColorScheme.Dark);
        }

        looks.Add("plant", 1920, 1080, ColorScheme.Dark);
        looks.Add("history", 1920, 1080, ColorScheme.Dark);
        return looks;
    }

    [Theory]
    [MemberData(nameof(Looks))]
    public async Task A_page_keeps_to_its_policy_and_is_for_everybody(string name, int width, int height, ColorScheme scheme)
    {
        await demo.LivedAsync();
        await using var context = await demo.SignedInAsync(new BrowserNewContextOptions
        {
            ViewportSize = new ViewportSize { Width = width, Height = height }, ColorScheme = scheme,
        });
        var page = await context.NewPageAsync();
        var wrong = new ConcurrentQueue<string>();
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning") wrong.Enqueue(message.Text);
        };
        page.PageError += (_, error) => wrong.Enqueue(error);
        await page.GotoAsync(demo.Oee.Url + Pages[name].Path);
        await page.Locator(Pages[name].Ready).First.WaitForAsync();
        var painted = await page.EvaluateAsync<double>("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0");
        output.WriteLine($"{name} {width} {scheme}: first contentful paint after {painted:F0} ms");
        if (Environment.GetEnvironmentVariable("OEE_SCREENSHOTS") is { Length: > 0 } folder)
        {
            await page.ScreenshotAsync(new PageScreenshotOptions
            {
                Path = Path.Combine(folder, $"{name}-{width}-{scheme.ToString().ToLowerInvariant()}.png"), FullPage = true,
            });
        }

        // Nothing is wider than the screen but what scrolls by itself.
        Assert.InRange(await page.EvaluateAsync<int>("document.documentElement.scrollWidth"), 1, width);
        Assert.Equal("", string.Join('\n', wrong));
        var found = (await page.RunAxe()).Violations.Where(v => v.Impact is "serious" or "critical");
        Assert.Equal("", string.Join('\n', found.Select(v => $"{v.Id}: {string.Join("; ", v.Nodes.Take(3).Select(n => n.Html))}")));
    }

    [Fact]
    public async Task The_figures_of_the_history_are_those_of_the_API_and_a_click_leads_to_why()
    {
        await using var context = await demo.SignedInAsync();
        var page = await context.NewPageAsync();
        await page.GotoAsync(demo.Oee.Url + "/history?at=line1&by=day&days=7");
        await page.Locator(".rows tbody tr").First.WaitForAsync();
        var windows = (await demo.Oee.GetAsync("/api/kpi/history?line_id=line1&window=day")).GetProperty("items").EnumerateArray().ToList();
        var rows = await page.Locator(".rows tbody tr").AllInnerTextsAsync();
        // Newest first; the newest one is open and goes on.
        var closed = windows[^2];
        Assert.Contains(
            (closed.GetProperty("oee").GetDouble() * 100).ToString("0.0", System.Globalization.CultureInfo.InvariantCulture), rows[1],
            StringComparison.Ordinal);
        await page.Locator(".columns a").First.ClickAsync();
        await page.Locator(".wf").WaitForAsync();
        Assert.Contains("/losses?at=line1&from=", page.Url, StringComparison.Ordinal);
        Assert.Contains("Good time", await page.Locator(".wf").InnerTextAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_scope_goes_with_its_viewer_from_page_to_page_and_stands_in_the_address()
    {
        await using var context = await demo.SignedInAsync();
        var page = await context.NewPageAsync();
        await page.GotoAsync(demo.Oee.Url + "/history?at=line2");
        await page.Locator(".pick select").SelectOptionAsync("packer2");
        await page.Locator(".pick button").ClickAsync();
        await page.WaitForURLAsync("**/history?at=packer2**");
        await page.Locator("header nav a[href^=losses]").ClickAsync();
        await page.WaitForURLAsync("**/losses?at=packer2");
        await page.Locator(".where h1").WaitForAsync();
        Assert.Equal("packer2", await page.Locator(".pick select").InputValueAsync());
        // Of what there is not, or not for this viewer, the first line is shown.
        await page.GotoAsync(demo.Oee.Url + "/history?at=nowhere&by=nonsense&days=-1");
        Assert.Equal("line1", await page.Locator(".pick select").InputValueAsync());
    }
}
