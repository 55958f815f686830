using System.Globalization;
using Microsoft.Playwright;
using OeeOrleans.TestServers;
using Xunit.Abstractions;

namespace OeeOrleans.EndToEnd;

/// <summary>Signals over time, drawn by a browser over the fourteen days that the demo begins with.</summary>
public sealed class TrendsPageTests(DemoFixture demo, ITestOutputHelper output) : IClassFixture<DemoFixture>
{
    private const string Chart = "#trend";
    private const string ViewOf = "(() => { const t = document.getElementById('trend').oeeTrend; return [t.from, t.to]; })()";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_drag_zooms_to_the_samples_and_what_is_looked_at_is_a_link()
    {
        await using var context = await demo.SignedInAsync();
        var page = await OpenAsync(context, "/trends?s=filler1:counter.good&s=packer1:cycle.time&span=24h");
        var before = await page.EvaluateAsync<double[]>(ViewOf);
        var box = await BoxAsync(page);
        await page.Mouse.MoveAsync(box.X + (box.Width * 0.5f), box.Y + 50);
        await page.Mouse.DownAsync();
        await page.Mouse.MoveAsync(box.X + (box.Width * 0.6f), box.Y + 50, new MouseMoveOptions { Steps = 5 });
        await page.Mouse.UpAsync();
        await page.WaitForURLAsync(url => url.Contains("&from=20", StringComparison.Ordinal));
        var after = await page.EvaluateAsync<double[]>(ViewOf);
        Assert.InRange((after[1] - after[0]) / (before[1] - before[0]), 0.08, 0.12);
        await page.Locator(".trendname:has-text('samples, raw')").Nth(1).WaitForAsync();

        // The same for whoever gets the link, and the figures are those of the API.
        var link = page.Url;
        Assert.DoesNotContain("span=", link, StringComparison.Ordinal);
        var other = await OpenAsync(context, link[demo.Oee.Url.Length..]);
        var same = await other.EvaluateAsync<double[]>(ViewOf);
        Assert.Equal(after[0], same[0], 1.0);
        Assert.Equal(after[1], same[1], 1.0);
        var iso = same.Select(ms => DateTimeOffset.FromUnixTimeMilliseconds((long)ms).ToString("O", CultureInfo.InvariantCulture)).ToList();
        var trend = await demo.Oee.GetAsync(
            $"/api/trend?machine_id=filler1&name=counter.good&points=10000&from={Uri.EscapeDataString(iso[0])}&to={Uri.EscapeDataString(iso[1])}");
        var samples = trend.GetProperty("items").EnumerateArray().ToList();
        Assert.True(trend.GetProperty("raw").GetBoolean());
        Assert.NotEmpty(samples);
        var row = await other.Locator("[aria-label=figures] tbody tr").First.Locator("td").AllInnerTextsAsync();
        Assert.Equal(samples.Count.ToString("#,0", CultureInfo.InvariantCulture).Replace(',', '\u202f'), row[1]);
        Assert.Equal(samples.Max(s => s.GetProperty("max").GetDouble()), Number(row[4]));
    }

    [Fact]
    public async Task Keys_and_buttons_move_it_and_bring_it_back_and_the_pointer_reads_all_signals()
    {
        await using var context = await demo.SignedInAsync();
        var page = await OpenAsync(context, "/trends?s=filler1:counter.good&s=packer1:counter.good&span=8h");
        var home = await page.EvaluateAsync<double[]>(ViewOf);
        await page.Locator(Chart).FocusAsync();
        await page.Keyboard.PressAsync("ArrowLeft");
        var left = await page.EvaluateAsync<double[]>(ViewOf);
        Assert.Equal(2.0, (home[0] - left[0]) / 3.6e6, 0.1);
        await page.Locator("[data-trend=in]").ClickAsync();
        var near = await page.EvaluateAsync<double[]>(ViewOf);
        Assert.Equal(4.0, (near[1] - near[0]) / 3.6e6, 0.1);
        await page.WaitForURLAsync(url => url.Contains("&from=20", StringComparison.Ordinal));

        var box = await BoxAsync(page);
        await page.Mouse.MoveAsync(box.X + (box.Width * 0.5f), box.Y + 50);
        await page.Locator("#trend-read:has-text('at ')").WaitForAsync();
        Assert.Matches(
            @"^at (\S+ )?\d\d:\d\d:\d\d: [\d\u202f]+( pcs)?, [\d\u202f]+( pcs)?$", await page.Locator("#trend-read").InnerTextAsync());

        await page.Keyboard.PressAsync("0");
        await Eventually.HoldsAsync(
            "the span of the beginning", Soon, () => page.EvaluateAsync<double[]>(ViewOf), v => Math.Abs(v[0] - home[0]) < 60_000);
    }

    [Fact]
    public async Task A_signal_is_added_and_taken_away_and_the_samples_can_be_had_as_a_file()
    {
        await using var context = await demo.SignedInAsync();
        var page = await OpenAsync(context, "/trends?at=packer2&s=filler1:cycle.time&span=1h");
        await page.Locator("select[name=s]").SelectOptionAsync("packer2:state.run");
        await page.Locator("button:has-text('add')").ClickAsync();
        await page.Locator(".trendname:has-text('state.run')").WaitForAsync();
        Assert.Equal(2, await page.Locator(".trendname").CountAsync());
        Assert.Contains("s=filler1%3Acycle.time", page.Url, StringComparison.Ordinal);
        var waiting = page.WaitForDownloadAsync();
        await page.Locator("[aria-label=export] p:has-text('Filler 1') a:has-text('csv')").ClickAsync();
        await using var file = await (await waiting).CreateReadStreamAsync();
        using var reader = new StreamReader(file);
        var lines = (await reader.ReadToEndAsync()).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.True(lines.Length > 1);
        Assert.All(lines.Skip(1), l => Assert.Contains("cycle.time", l, StringComparison.Ordinal));
        await page.Locator("[aria-label^='take Filler 1']").ClickAsync();
        await page.Locator(".trendname:has-text('cycle.time')").WaitForAsync(new() { State = WaitForSelectorState.Detached });
        Assert.Equal(1, await page.Locator(".trendname").CountAsync());
    }

    [Fact]
    public async Task What_is_not_there_or_cannot_be_meant_is_said()
    {
        await using var context = await demo.SignedInAsync();
        var page = await context.NewPageAsync();
        foreach (var (query, said) in new[]
        {
            ("s=filler1:no.such", "has no signal 'no.such'"), ("s=nowhere:x", "there is no machine 'nowhere'"),
            ("s=filler1:cycle.time&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "'from' must be before 'to'"),
            ("s=filler1:cycle.time&from=yesterday", "'yesterday' is not a time"),
            ("s=filler1:cycle.time&from=2020-01-01T00:00", "at most 366 days"),
        })
        {
            await page.GotoAsync($"{demo.Oee.Url}/trends?{query}");
            Assert.Contains(said, await page.Locator("[role=alert]").First.InnerTextAsync(), StringComparison.Ordinal);
        }
    }

    /// <summary>A ratio to the same browser at rest, so that a slow machine is not a slow chart.</summary>
    [LongFact]
    public async Task Ten_thousand_points_move_with_as_many_frames_as_the_browser_makes_at_rest()
    {
        await using var context = await demo.SignedInAsync();
        var machines = new[] { "filler1", "packer1", "packer2", "labeller2" };
        var page = await OpenAsync(context, $"/trends?{string.Join('&', machines.Select(m => $"s={m}:counter.good"))}&span=7d");
        var points = int.Parse((await page.Locator(Chart).GetAttributeAsync("data-ready"))!, CultureInfo.InvariantCulture);
        Assert.InRange(points, 10_000, 40_000);
        await page.EvaluateAsync(
            "() => { window.frames1 = []; let last = performance.now(); const f = t => { window.frames1.push(t - last); last = t; "
                + "requestAnimationFrame(f); }; requestAnimationFrame(f); }");
        await page.WaitForFunctionAsync("() => window.frames1.length > 120");
        var rest = await FramesAsync(page);
        var box = await BoxAsync(page);
        await page.Keyboard.DownAsync("Shift");
        await page.Mouse.MoveAsync(box.X + (box.Width * 0.4f), box.Y + 50);
        await page.Mouse.DownAsync();
        var from = await page.EvaluateAsync<double[]>(ViewOf);
        for (var i = 0; i < 340; i++)
        {
            await page.Mouse.MoveAsync(box.X + (box.Width * (0.4f + (0.3f * MathF.Sin(i / 40f)))), box.Y + 50);
        }

        var panned = await FramesAsync(page);
        Assert.NotEqual(from, await page.EvaluateAsync<double[]>(ViewOf));
        output.WriteLine($"{points} points: a frame every {panned:F1} ms while panning, {rest:F1} ms at rest");
        Assert.InRange(panned / rest, 0, 1.1);
    }

    private async Task<IPage> OpenAsync(IBrowserContext context, string path)
    {
        await demo.LivedAsync();
        var page = await context.NewPageAsync();
        await page.GotoAsync(demo.Oee.Url + path);
        await page.Locator($"{Chart}[data-ready]").WaitForAsync();
        return page;
    }

    private static async Task<LocatorBoundingBoxResult> BoxAsync(IPage page) => (await page.Locator(Chart).BoundingBoxAsync())!;

    private static async Task<double> FramesAsync(IPage page)
    {
        var frames = await page.EvaluateAsync<double[]>("window.frames1.splice(0).sort((a, b) => a - b)");
        return frames[frames.Length / 2];
    }

    private static double Number(string text) =>
        double.Parse(text.Replace("\u202f", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
}
