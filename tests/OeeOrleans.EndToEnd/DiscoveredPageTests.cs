using Microsoft.Playwright;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>A device that sends and that the plant does not know becomes a machine on the board, in one step.</summary>
public sealed class DiscoveredPageTests(PlantFixture fixture) : IClassFixture<PlantFixture>
{
    private const string Row = "[data-device='e2e/edge9/press9']";

    [Fact]
    public async Task An_engineer_looks_at_it_ignores_it_heeds_it_again_and_adopts_it_and_it_is_live()
    {
        await using var plant = await TestPlant.CreateAsync(fixture.Postgres);
        await using var host = await plant.StartAsync();
        await using var edge = ServerProcess.Start(
            "node",
            [
                Path.Combine(Oee.Peers, "edge-qos1.mjs"), plant.Broker.Url, "e2e", "edge9", "press9", "20", "120", plant.PublishedFile,
            ]);
        using var admin = await Person.MakeAsync(host, "anna", "admin");
        using var playwright = await Playwright.CreateAsync();
        await using var browser = await Chromium.LaunchAsync(playwright);
        var page = await browser.NewPageAsync();
        await page.GotoAsync(host.Url + "/sign-in?to=%2Fdiscovered");
        await page.Locator("input[autocomplete=username]").FillAsync("anna");
        await page.Locator("input[type=password]").FillAsync(Person.Password);
        await page.Locator("button[type=submit]").ClickAsync();

        // It comes by itself, a page that is open already included.
        await page.Locator(Row).WaitForAsync();
        await page.Locator($"{Row} button:has-text('ignore')").ClickAsync();
        await page.Locator(Row).WaitForAsync(new LocatorWaitForOptions { State = WaitForSelectorState.Detached });
        await page.GotoAsync(host.Url + "/discovered?ignored=true");
        await page.Locator($"{Row} button:has-text('heed again')").ClickAsync();
        await page.Locator($"{Row} button:has-text('ignore')").WaitForAsync();
        await page.Locator($"{Row} button:has-text('look')").ClickAsync();
        var metrics = page.Locator("[aria-label=metrics]");
        await metrics.Locator("code:has-text('counter.good')").WaitForAsync();
        // Its values go on while one looks.
        var good = metrics.Locator("tr:has-text('counter.good') .num");
        var before = await good.InnerTextAsync();
        await Eventually.HoldsAsync("another value", TimeSpan.FromSeconds(20), () => good.InnerTextAsync(), v => v != before);

        // What could not be is told, and nothing is made.
        await page.Locator(".fields input").First.FillAsync("Press Nine");
        await page.Locator(".fields button").ClickAsync();
        await page.Locator(".fault:has-text('is not allowed')").WaitForAsync();
        await page.Locator(".fields input").First.FillAsync("press9");
        await page.Locator(".fields button").ClickAsync();
        await page.Locator("[role=status]:has-text('press9 is a machine now')").WaitForAsync();
        await page.GotoAsync(host.Url + "/");
        await page.Locator("#machine-press9").WaitForAsync();
        await Eventually.HoldsAsync(
            "it to be live", TimeSpan.FromSeconds(10),
            () => page.Locator("#machine-press9").GetAttributeAsync("data-category"), c => c is "run" or "stop" or "small_stop");
    }
}
