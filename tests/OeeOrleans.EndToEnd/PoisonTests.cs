using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

public sealed class PoisonTests(PlantFixture fixture) : IClassFixture<PlantFixture>
{
    private const int Count = 10_000;

    [Fact]
    public async Task Ten_thousand_random_and_mutated_payloads_crash_nothing_and_each_unreadable_one_is_counted_and_kept()
    {
        await using var plant = await TestPlant.CreateAsync(fixture.Postgres);
        await using var oee = await plant.StartAsync();
        await using var sender = ServerProcess.Start(
            "node", [Path.Combine(Oee.Peers, "mutate.mjs"), plant.Broker.Url, "poison", $"{Count}"]);
        await sender.WaitForExitAsync(TimeSpan.FromSeconds(90));
        Assert.Contains($"{Count}", sender.Output, StringComparison.Ordinal);

        await Eventually.HoldsAsync(
            "every message to be acknowledged", TimeSpan.FromSeconds(60), () => oee.MetricAsync("mqtt_messages_acknowledged_total"),
            n => n >= Count);
        var errors = await oee.MetricAsync("decode_errors_total");
        Assert.InRange(errors, Count / 4, Count);
        Assert.Equal(errors, await plant.ScalarAsync("select count(*) from dead_letter"));
        Assert.Equal(0, await plant.ScalarAsync("select count(*) from dead_letter where reason = '' or size <> length(payload)"));
        // Not one line per message: once per topic and minute.
        Assert.True(
            oee.Process.Output.Split('\n').Count(l => l.Contains("unreadable message", StringComparison.Ordinal)) < 600,
            "the log is flooded");
        Assert.Equal("live", (await oee.GetAsync("/health/live")).GetProperty("status").GetString());

        await using var edge = plant.StartQos1Edge(20, 2);
        await edge.WaitForExitAsync(TimeSpan.FromSeconds(30));
        await Eventually.HoldsAsync(
            "good data to be stored afterwards", TimeSpan.FromSeconds(20), async () => (await plant.StoredAsync()).Count,
            n => n == plant.Published().Count);
    }
}
