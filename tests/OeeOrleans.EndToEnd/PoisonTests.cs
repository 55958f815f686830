using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

public sealed class PoisonTests(PlantFixture fixture) : IClassFixture<PlantFixture>
{
    private const int Payloads = 10_000;

    [Fact]
    public async Task Ten_thousand_random_and_mutated_payloads_crash_nothing_and_each_unreadable_one_is_counted_and_kept()
    {
        await using var plant = await TestPlant.CreateAsync(fixture.Postgres);
        await using var oee = await plant.StartAsync();
        await using var sender = ServerProcess.Start(
            "node", [Path.Combine(Oee.Peers, "mutate.mjs"), plant.Broker.Url, "poison", $"{Payloads}"]);
        await sender.WaitForExitAsync(TimeSpan.FromSeconds(90));
        Assert.Contains($"{Payloads}", sender.Output, StringComparison.Ordinal);

        await Eventually.HoldsAsync(
            "every message to be acknowledged", TimeSpan.FromSeconds(60), () => oee.MetricAsync("mqtt_messages_acknowledged_total"),
            n => n >= Payloads);
        var errors = await oee.MetricAsync("decode_errors_total");
        Assert.InRange(errors, Payloads / 4, Payloads);
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

    [Fact]
    public async Task A_count_that_the_database_refuses_is_none_its_machine_has_counted()
    {
        await using var plant = await HostilePlant.CreateAsync(fixture.Postgres);
        await using var oee = await plant.StartAsync();
        await plant.ExecuteAsync("alter table sample add constraint no_beast check (value <> 666)");
        await using var forger = await Forger.StartAsync(plant.BrokerPort);
        await forger.SayAsync("spBv1.0/e2e/NBIRTH/mad1", Forger.NodeBirth(NowMs(), 1));
        await forger.SayAsync("spBv1.0/e2e/DBIRTH/mad1/mad1", Count(1, 100));
        await forger.SayAsync("spBv1.0/e2e/DDATA/mad1/mad1", Count(2, 110));
        await forger.SayAsync("spBv1.0/e2e/DDATA/mad1/mad1", Count(3, 666));
        await Eventually.HoldsAsync(
            "the row to be kept aside", TimeSpan.FromSeconds(20),
            () => plant.ScalarAsync("select count(*) from dead_letter where topic = 'sample mad1/counter.good'"), n => n == 1);
        await Eventually.HoldsAsync(
            "what is stored to be what is counted", TimeSpan.FromSeconds(20),
            async () => (await oee.GetAsync("/api/kpi/current?machine_id=mad1&window=day")).GetProperty("good").GetInt64(), n => n == 10);
        await forger.SayAsync("spBv1.0/e2e/DDATA/mad1/mad1", Count(4, 120));
        await Eventually.HoldsAsync(
            "the next count to follow the last one that is stored", TimeSpan.FromSeconds(20),
            async () => (await oee.GetAsync("/api/kpi/current?machine_id=mad1&window=day")).GetProperty("good").GetInt64(), n => n == 20);
    }

    private static ulong NowMs() => (ulong)DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    private static byte[] Count(byte seq, long good)
    {
        var writer = new SparkplugPayloadWriter().Begin(NowMs(), seq);
        // No two of them in one millisecond: the later one would take the place of the earlier.
        writer.Integer(new MetricHead("counter.good", null, NowMs() + (5UL * seq), SparkplugDataType.Int64), good);
        return writer.Written.ToArray();
    }
}
