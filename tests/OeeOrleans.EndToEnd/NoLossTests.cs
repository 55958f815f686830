using System.Text.Json;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>Nothing is lost and nothing counted twice, whatever dies: edge nodes from npm, mosquitto, PostgreSQL, and `oee run`.</summary>
public sealed class NoLossTests(PlantFixture fixture) : IClassFixture<PlantFixture>
{
    private const int Rate = 20;

    [Fact]
    public async Task Killed_three_times_the_store_holds_exactly_what_was_published()
    {
        await using var plant = await TestPlant.CreateAsync(fixture.Postgres);
        var oee = await plant.StartAsync();
        await using var ending = new Ending(() => oee.DisposeAsync());
        await using var edge = plant.StartQos1Edge(Rate, Oee.Seconds);
        for (var kill = 1; kill <= 3; kill++)
        {
            await WaitForPublishedAsync(plant, Oee.Seconds * Rate * kill / 4);
            await oee.Process.KillAsync();
            await oee.DisposeAsync();
            oee = await plant.StartAsync();
        }

        await AssertExactAsync(plant, edge, oee);
        await oee.DisposeAsync();
    }

    [Fact]
    public async Task Database_away_for_a_while_the_store_holds_exactly_what_was_published()
    {
        await using var plant = await TestPlant.CreateAsync(fixture.Postgres);
        await using var oee = await plant.StartAsync();
        await using var edge = plant.StartQos1Edge(Rate, Oee.Seconds);
        await WaitForPublishedAsync(plant, Oee.Seconds * Rate / 4);
        await fixture.Postgres.StopAsync();
        try
        {
            // Live endpoints answer from memory; history says that it cannot, and when to ask again.
            Assert.Equal(
                "press1", (await oee.GetAsync("/api/machines/status")).GetProperty("items")[0].GetProperty("machine_id").GetString());
            Assert.Contains(
                "503", (await Assert.ThrowsAsync<HttpRequestException>(() => oee.GetAsync("/api/kpi/history?machine_id=press1"))).Message,
                StringComparison.Ordinal);
            Assert.Contains(
                "503", (await Assert.ThrowsAsync<HttpRequestException>(() => oee.GetAsync("/health/ready"))).Message,
                StringComparison.Ordinal);
            // A third of the run without a database: 20 s of 60.
            await WaitForPublishedAsync(plant, (Oee.Seconds * Rate / 4) + (Oee.Seconds * Rate / 3));
            // What cannot be stored yet is shown all the same.
            await Eventually.HoldsAsync(
                "the machine to be live without the database", TimeSpan.FromSeconds(15), () => SeenAgoAsync(oee), s => s < 2);
        }
        finally
        {
            await fixture.Postgres.ResumeAsync();
        }

        await AssertExactAsync(plant, edge, oee);
    }

    [Fact]
    public async Task Broker_restarted_the_store_holds_exactly_what_was_published()
    {
        await using var plant = await TestPlant.CreateAsync(fixture.Postgres);
        await using var oee = await plant.StartAsync();
        await using var edge = plant.StartQos1Edge(Rate, Oee.Seconds);
        await WaitForPublishedAsync(plant, Oee.Seconds * Rate / 3);
        await plant.Broker.StopAsync();
        await plant.Broker.ResumeAsync();
        await AssertExactAsync(plant, edge, oee, reconnected: true);
    }

    [Fact]
    public async Task Aliases_that_change_with_every_birth_never_put_a_value_on_another_signal()
    {
        await using var plant = await TestPlant.CreateAsync(fixture.Postgres);
        var oee = await plant.StartAsync();
        await using var ending = new Ending(() => oee.DisposeAsync());
        await using var edge = plant.StartQos1Edge(Rate, Oee.Seconds, shuffle: true);
        for (var kill = 1; kill <= 2; kill++)
        {
            await WaitForPublishedAsync(plant, Oee.Seconds * Rate * kill / 3);
            await oee.Process.KillAsync();
            await oee.DisposeAsync();
            oee = await plant.StartAsync();
        }

        await AssertExactAsync(plant, edge, oee, reconnected: true);
        await oee.DisposeAsync();
    }

    [Fact]
    public async Task At_qos_0_counts_recover_and_what_was_missed_is_reported()
    {
        await using var plant = await TestPlant.CreateAsync(fixture.Postgres);
        var oee = await plant.StartAsync();
        await using var ending = new Ending(() => oee.DisposeAsync());
        await using var edge = ServerProcess.Start(
            "node", [Path.Combine(Oee.Peers, "edge-qos0.mjs"), plant.Broker.Url, "e2e", "edge1", "press1", $"{Rate}", $"{Oee.Seconds}"]);
        double missed = 0, rebirths = 0;
        for (var kill = 1; kill <= 3; kill++)
        {
            var target = Oee.Seconds * Rate * kill / 4;
            await Eventually.TrueAsync(
                "counts to grow", TimeSpan.FromSeconds(60),
                async () => await plant.ScalarAsync("select coalesce(max(value), 0) from telemetry where name = 'counter.good'") >= target);
            missed += await oee.MetricAsync("sparkplug_missed_messages_total");
            rebirths += await oee.MetricAsync("sparkplug_rebirth_requests_total");
            await oee.Process.KillAsync();
            await oee.DisposeAsync();
            oee = await plant.StartAsync();
        }

        var good = (await ReportAsync(edge)).GetProperty("good").GetInt64();
        await Eventually.HoldsAsync(
            "the machine's count to equal the counter", TimeSpan.FromSeconds(30), () => GoodAsync(oee), g => g == good);
        missed += await oee.MetricAsync("sparkplug_missed_messages_total");
        Assert.True(missed > 0, "no missed message was reported, though oee was down three times");
        // Asked for after the reorder timeout.
        await Eventually.HoldsAsync(
            "a rebirth to be asked for", TimeSpan.FromSeconds(10),
            async () => rebirths + await oee.MetricAsync("sparkplug_rebirth_requests_total"), n => n > 0);
        await oee.DisposeAsync();
    }

    private static async Task AssertExactAsync(TestPlant plant, ServerProcess edge, Oee oee, bool reconnected = false)
    {
        var report = await ReportAsync(edge);
        var published = plant.Published();
        Assert.True(published.Count > Oee.Seconds * Rate, $"the edge published {published.Count} values only");
        await Eventually.HoldsAsync(
            "every published value to be stored", TimeSpan.FromSeconds(60), async () => (await plant.StoredAsync()).Count,
            count => count >= published.Count);
        var stored = await plant.StoredAsync();
        if (!reconnected) Assert.True(report.GetProperty("births").GetInt32() == 1, $"a rebirth was asked for: {oee.Process.Output}");
        Assert.Empty(published.Except(stored));
        Assert.Empty(stored.Except(published));
        Assert.Equal(published.Count, stored.Count);
        var good = report.GetProperty("good").GetInt64();
        await Eventually.HoldsAsync(
            "the machine's good count to equal the counter's difference", TimeSpan.FromSeconds(30), () => GoodAsync(oee), g => g == good);
    }

    private static async Task<double> SeenAgoAsync(Oee oee) =>
        (DateTimeOffset.UtcNow - (await oee.GetAsync("/api/machines/status")).GetProperty("items")[0]
            .GetProperty("last_seen")
            .GetDateTimeOffset()).TotalSeconds;

    private static async Task<long> GoodAsync(Oee oee) =>
        (await oee.GetAsync("/api/kpi/current?machine_id=press1&window=day")).GetProperty("good").GetInt64();

    private static async Task<JsonElement> ReportAsync(ServerProcess edge)
    {
        await Eventually.TrueAsync(
            "the edge to finish", TimeSpan.FromSeconds(Oee.Seconds + 90),
            () => Task.FromResult(edge.Output.Contains("\"good\"", StringComparison.Ordinal)));
        return JsonDocument.Parse(edge.Output.Split('\n').First(l => l.StartsWith('{'))).RootElement;
    }

    private static Task WaitForPublishedAsync(TestPlant plant, int values) => Eventually.TrueAsync(
        $"{values} values to be published", TimeSpan.FromSeconds(Oee.Seconds + 30), () =>
            Task.FromResult(File.Exists(plant.PublishedFile) && File.ReadLines(plant.PublishedFile).Count() >= values));
}
