using Microsoft.Playwright;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>The plant is changed on the board: at the field what is wrong, beforehand what would have been, then active or not.</summary>
public sealed class ConfigurePageTests(DemoFixture demo) : IClassFixture<DemoFixture>
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task A_changed_ideal_cycle_is_gathered_tried_and_active_when_somebody_says_so()
    {
        await demo.LivedAsync();
        await using var context = await demo.SignedInAsync();
        var page = await AnewAsync(context, "/configure?at=packer1");
        var revision = await RevisionAsync();
        var ideal = page.Locator("input[aria-label='ideal cycle, s']").First;

        // What cannot be is said at its field, and nothing is gathered.
        await ideal.FillAsync("fast");
        await KeepAsync(page);
        await page.Locator("label:has(input[aria-label='ideal cycle, s']) .fault:has-text('fast')").WaitForAsync();
        Assert.Equal(0, await page.Locator(".draft h2").CountAsync());

        await ideal.FillAsync("2.5");
        await KeepAsync(page);
        await page.Locator(".draft h2:has-text('1 change')").WaitForAsync();
        Assert.Contains("2.5", await page.Locator(".draft .diff").InnerTextAsync(), StringComparison.Ordinal);
        // Gathered is not active, and is there for its author at another browser.
        Assert.Equal(revision, await RevisionAsync());
        var other = await OpenAsync(context, "/configure/reasons");
        await other.Locator(".draft h2:has-text('1 change')").WaitForAsync();

        await page.Locator("button:has-text('try on the last 7 days')").ClickAsync();
        await page.Locator(".draft li:has-text('would read')").WaitForAsync(new() { Timeout = 60_000 });
        var said = await page.Locator(".draft li:has-text('would read')").InnerTextAsync();
        Assert.Matches(@"packer1 would read \d+\.\d % instead of \d+\.\d %", said);

        await page.Locator("input[aria-label=why]").FillAsync("measured on Tuesday");
        await page.Locator("button.go:has-text('activate')").ClickAsync();
        await page.Locator($"[role=status]:has-text('Revision {revision + 1} is active')").WaitForAsync();
        Assert.Equal(0, await page.Locator(".draft h2").CountAsync());
        var asset = await demo.Oee.GetAsync("/api/assets/packer1");
        Assert.Equal(2.5, asset.GetProperty("attributes").GetProperty("ideal_cycle_s").GetDouble());

        // The revision says who, why and what; and the plant goes back to what it was.
        await page.GotoAsync(demo.Oee.Url + "/configure/revisions");
        var row = page.Locator($"[data-revision='{revision + 1}']");
        await row.WaitForAsync();
        Assert.Contains("measured on Tuesday", await row.InnerTextAsync(), StringComparison.Ordinal);
        await row.Locator("button:not([disabled])").ClickAsync();
        await page.Locator(".diff li:has-text('ideal_cycle_s')").WaitForAsync();
        await page.Locator($"[data-revision='{revision}'] button").ClickAsync();
        await page.Locator("button:has-text('make the plant what it was')").ClickAsync();
        await page.Locator($"[role=status]:has-text('is as revision {revision} was')").WaitForAsync();
        asset = await demo.Oee.GetAsync("/api/assets/packer1");
        Assert.Equal(3.0, asset.GetProperty("attributes").GetProperty("ideal_cycle_s").GetDouble());
    }

    [Fact]
    public async Task Tags_are_mapped_while_their_values_arrive_and_the_validator_speaks_at_the_row()
    {
        await using var context = await demo.SignedInAsync();
        var page = await AnewAsync(context, "/configure?at=filler1");
        var good = page.Locator("tr[data-metric='Counts/Good']");
        await good.WaitForAsync();
        var before = await good.Locator(".num b").InnerTextAsync();
        Assert.Matches(@"^\d+$", before);
        await Eventually.HoldsAsync(
            "a value of seconds ago", Soon, () => page.Locator("tr[data-metric='Counts/Good'] td.num.dim").InnerTextAsync(),
            t => t.EndsWith(" s", StringComparison.Ordinal));

        var reject = page.Locator("input[aria-label='signal of Counts/Reject']");
        await reject.FillAsync("counter.good");
        await page.Locator("section[aria-label=tags] button.go").ClickAsync();
        await page.Locator("tr[data-metric='Counts/Reject'] .fault:has-text('comes from two metrics')").WaitForAsync();

        await reject.FillAsync("counter.reject");
        await page.Locator("[data-unmapped='process.speed'] button").ClickAsync();
        await page.Locator("input[aria-label='unit of process.speed']").FillAsync("1/h");
        await page.Locator("section[aria-label=tags] button.go").ClickAsync();
        await page.Locator(".draft .diff:has-text('process.speed')").WaitForAsync();
        await page.Locator("button:has-text('discard')").ClickAsync();
        await page.Locator(".draft h2").WaitForAsync(new() { State = WaitForSelectorState.Detached });
        await page.Locator("[data-unmapped='process.speed']").WaitForAsync();
    }

    [Fact]
    public async Task A_source_is_given_to_an_edge_node_which_says_that_it_reads_it()
    {
        await using var context = await demo.SignedInAsync();
        var node = (await demo.Oee.GetAsync("/api/assets/labeller1")).GetProperty("attributes").GetProperty("edge_node").GetString()!;
        var page = await AnewAsync(context, "/configure/sources?new=source");
        await page.Locator("input[aria-label=id]").FillAsync("mixer-plc");
        await page.Locator("input[aria-label='edge node']").FillAsync(node);
        await page.Locator("input[aria-label=address]").First.FillAsync("s7://nowhere:port");
        await page.Locator("button:has-text('add a row')").ClickAsync();
        await page.Locator("input[aria-label='address, row 1']").FillAsync("counter");
        await page.Locator("input[aria-label='metric, row 1']").FillAsync("counter.good");
        await KeepAsync(page);
        await page.Locator("label:has(input[aria-label=address]) .fault:has-text('s7://nowhere:port')").WaitForAsync();
        await page.Locator("input[aria-label=address]").First.FillAsync("sim://mixer");
        await KeepAsync(page);
        await page.WaitForURLAsync("**/configure/sources?at=mixer-plc");
        await page.Locator("button.go:has-text('activate')").ClickAsync();
        await page.Locator("section[role=status]:has-text('is active')").WaitForAsync();
        await page.Locator($"[role=status]:has-text('{node} reads what is active.')").WaitForAsync();
        // What it reads arrives, and is nobody's yet.
        await Eventually.HoldsAsync(
            "its device to be heard", Soon, () => demo.Oee.GetAsync("/api/discovered"),
            d => d.GetProperty("items").EnumerateArray().Any(i => i.GetProperty("device").GetString() == "mixer-plc"));
        await page.Locator("form.part button:has-text('remove')").ClickAsync();
        await page.Locator(".draft .diff:has-text('mixer-plc')").WaitForAsync();
        await page.Locator("button.go:has-text('activate')").ClickAsync();
        await page.Locator("section[role=status]:has-text('is active')").WaitForAsync();
    }

    [Fact]
    public async Task A_line_with_a_machine_a_reason_a_threshold_and_a_holiday_are_made_together()
    {
        await using var context = await demo.SignedInAsync();
        var page = await AnewAsync(context, "/configure?new=line&at=packaging");
        await page.Locator("input[aria-label=id]").FillAsync("line9");
        await page.Locator("input[aria-label=name]").FillAsync("Packaging 9");
        await KeepAsync(page);
        await page.WaitForURLAsync("**/configure/assets?at=line9");
        await page.Locator(".tree a:has-text('Packaging 9')").WaitForAsync();
        await page.Locator(".tree a:has-text('+ machine')").ClickAsync();
        await page.Locator("input[aria-label=id]").FillAsync("press9");
        Assert.Equal("line9", await page.Locator("select[aria-label='line or cell']").InputValueAsync());
        await KeepAsync(page);
        await page.WaitForURLAsync("**/configure/assets?at=press9");

        await page.GotoAsync(demo.Oee.Url + "/configure/thresholds?new=threshold");
        await page.Locator("input[aria-label=id]").FillAsync("press9-hot");
        await page.Locator("select[aria-label=machine]").SelectOptionAsync("press9");
        await page.Locator("input[aria-label=signal]").FillAsync("process.temperature");
        await KeepAsync(page);
        await page.Locator(".fault:has-text(\"one of 'above' and 'below' is needed\")").WaitForAsync();
        await page.Locator("input[aria-label=above]").FillAsync("75");
        await KeepAsync(page);
        await page.WaitForURLAsync("**/configure/thresholds?at=press9-hot");

        await page.GotoAsync(demo.Oee.Url + "/configure/calendars?at=three-shift");
        await page.Locator("details:has-text('Holidays') button:has-text('add a row')").ClickAsync();
        await page.Locator("input[aria-label='date, row 1']").FillAsync("2027-12-25");
        await page.Locator("select[aria-label='closed, row 1']").SelectOptionAsync("true");
        await KeepAsync(page);
        await page.Locator(".draft .diff:has-text('2027-12-25')").WaitForAsync();
        await page.Locator("button.go:has-text('activate')").ClickAsync();
        await page.Locator("[role=status]:has-text('is active')").WaitForAsync();

        Assert.Equal("line9", (await demo.Oee.GetAsync("/api/assets/press9")).GetProperty("parent_id").GetString());
        Assert.Equal(75, (await demo.Oee.GetAsync("/api/thresholds/press9-hot")).GetProperty("above").GetDouble());
        var calendar = await demo.Oee.GetAsync("/api/calendars/three-shift");
        Assert.Equal("true", calendar.GetProperty("exceptions")[0].GetProperty("closed").ToString(), ignoreCase: true);
        // What the form does not show all of stays: the breaks were not touched.
        Assert.Equal("09:15", calendar.GetProperty("shifts")[0].GetProperty("breaks")[0][1].GetString());
    }

    [Fact]
    public async Task A_user_and_a_key_are_made_changed_and_shut_out()
    {
        await using var context = await demo.SignedInAsync();
        var page = await OpenAsync(context, "/configure/users");
        var form = page.Locator("[aria-label='new user']");
        await form.Locator("input").Nth(0).FillAsync("olga");
        await form.Locator("input").Nth(1).FillAsync("a long pass phrase of hers");
        await form.Locator("input").Nth(2).FillAsync("captain at line1");
        await form.Locator("button.go").ClickAsync();
        await form.Locator(".fault:has-text(\"'captain' is unknown\")").WaitForAsync();
        await form.Locator("input").Nth(2).FillAsync("scada at line1, analytics at demo-site");
        await form.Locator("button.go").ClickAsync();
        await page.Locator("[data-user=olga]:has-text('analytics at demo-site, scada at line1')").WaitForAsync();
        await page.Locator("[data-user=olga] button:has-text('disable')").ClickAsync();
        await page.Locator("[data-user=olga] button:has-text('let in again')").WaitForAsync();
        var users = (await demo.Oee.GetAsync("/api/users")).GetProperty("items").EnumerateArray();
        Assert.NotNull(users.Single(u => u.GetProperty("name").GetString() == "olga").GetProperty("disabled").GetString());

        await page.GotoAsync(demo.Oee.Url + "/configure/keys");
        form = page.Locator("[aria-label='new key']");
        await form.Locator("button.go:not([disabled])").WaitForAsync();
        await form.Locator("input").Nth(0).FillAsync("report");
        await form.Locator("input").Nth(2).FillAsync("analytics at line2");
        await form.Locator("button.go").ClickAsync();
        var key = await form.Locator("code").InnerTextAsync();
        using var http = new HttpClient { BaseAddress = new Uri(demo.Oee.Url) };
        http.DefaultRequestHeaders.Add("X-Api-Key", key);
        Assert.True((await http.GetAsync("/api/machines/status?line_id=line2")).IsSuccessStatusCode);
        Assert.False((await http.GetAsync("/api/machines/status?line_id=line1")).IsSuccessStatusCode);
        await page.Locator("[data-key=report] button:has-text('revoke')").ClickAsync();
        await page.Locator("[data-key=report]:has-text('revoked')").WaitForAsync();
        await Eventually.HoldsAsync(
            "the key to be refused", Soon,
            async () => (int)(await http.GetAsync("/api/machines/status?line_id=line2")).StatusCode, s => s == 401);
    }

    private async Task<IPage> OpenAsync(IBrowserContext context, string path)
    {
        var page = await context.NewPageAsync();
        await page.GotoAsync(demo.Oee.Url + path);
        // Buttons wait for the connection.
        await page.Locator("main button.go:not([disabled])").First.WaitForAsync();
        return page;
    }

    /// <summary>Without what another test left.</summary>
    private async Task<IPage> AnewAsync(IBrowserContext context, string path)
    {
        foreach (var draft in (await demo.Oee.GetAsync("/api/config/drafts")).GetProperty("items").EnumerateArray())
        {
            await demo.Oee.Http.DeleteAsync($"/api/config/drafts/{Uri.EscapeDataString(draft.GetProperty("id").GetString()!)}");
        }

        return await OpenAsync(context, path);
    }

    private static async Task KeepAsync(IPage page) => await page.Locator("form.part button.go:not([disabled])").First.ClickAsync();

    private async Task<long> RevisionAsync() =>
        (await demo.Oee.GetAsync("/api/config/revisions?limit=1")).GetProperty("items")[0].GetProperty("revision").GetInt64();
}
