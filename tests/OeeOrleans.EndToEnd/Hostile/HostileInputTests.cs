using System.Globalization;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>No input halts the plant: whatever one edge node says, the others are stored on, and after a restart too.</summary>
public sealed class HostileInputTests(PlantFixture fixture) : IClassFixture<PlantFixture>
{
    private const int Rate = 20;

    /// <summary>A full run (OEE_E2E_SECONDS=60) sends 100,000.</summary>
    private static int Messages => Oee.Seconds >= 60 ? 100_000 : 10_000;

    /// <summary>
    /// The embedded broker holds publishers back; mosquitto takes whatever comes. This is about what messages say, not about a flood.
    /// </summary>
    private const double PerSecond = 1_500;

    [Theory]
    [InlineData("postgres")]
    [InlineData("sqlite")]
    public async Task A_metric_name_of_6000_characters_is_kept_aside_and_its_node_is_stored_on(string store)
    {
        await using var plant = await PlantAsync(store);
        await using var oee = await plant.StartAsync();
        await using var edge = plant.StartHealthyEdge(Rate, 20);
        await Eventually.HoldsAsync("samples", TimeSpan.FromSeconds(20), async () => (await plant.StoredAsync()).Count, n => n > Rate);
        await using (var forger = await Forger.StartAsync(plant))
        {
            var writer = new SparkplugPayloadWriter().Begin(NowMs(), 77);
            writer.Double(new MetricHead(new string('x', 6_000), null, NowMs(), SparkplugDataType.Double), 1);
            await forger.SayAsync("spBv1.0/e2e/DDATA/edge1/press1", writer.Written.ToArray());
        }

        await Eventually.HoldsAsync(
            "the offender to be kept aside", TimeSpan.FromSeconds(5),
            () =>
                plant.ScalarAsync("select count(*) from dead_letter where topic = 'spBv1.0/e2e/DDATA/edge1/press1' and size > 6000"), n =>
                    n == 1);
        await StoredWithinAsync(plant, edge, TimeSpan.FromSeconds(5));
        Assert.Equal(1, await plant.ScalarAsync("select count(*) from dead_letter"));
    }

    [Theory]
    [InlineData("postgres", "9998-03-04T05:06:07Z")]
    [InlineData("postgres", "2096-03-04T05:06:07Z")]
    [InlineData("sqlite", "9998-03-04T05:06:07Z")]
    [InlineData("sqlite", "2096-03-04T05:06:07Z")]
    public async Task A_state_from_the_far_future_is_stored_flagged_and_a_restart_stays_small(string store, string time)
    {
        await using var plant = await PlantAsync(store);
        var oee = await plant.StartAsync();
        await using var ending = new Ending(() => oee.DisposeAsync());
        await using (var forger = await Forger.StartAsync(plant))
        {
            var at = (ulong)DateTimeOffset.Parse(time, CultureInfo.InvariantCulture).ToUnixTimeMilliseconds();
            await forger.SayAsync("spBv1.0/e2e/NBIRTH/mad1", Forger.NodeBirth(NowMs(), 1));
            await forger.SayAsync("spBv1.0/e2e/DBIRTH/mad1/mad1", Forger.Run(NowMs(), 1, NowMs() - 2000, running: true));
            await forger.SayAsync("spBv1.0/e2e/DDATA/mad1/mad1", Forger.Run(NowMs() + 1, 2, at, running: false));
            await forger.SayAsync("spBv1.0/e2e/DDATA/mad1/mad1", Forger.Run(NowMs() + 2, 3, NowMs(), running: true));
        }

        // Three real ones, and the one from the future, flagged.
        await Eventually.HoldsAsync(
            "the samples", TimeSpan.FromSeconds(10), () =>
                plant.ScalarAsync("select count(*) from sample where quality >= 64"), n => n == 3);
        await oee.Process.KillAsync();
        await oee.DisposeAsync();
        oee = await plant.StartAsync();
        var state = await Eventually.HoldsAsync(
            "the machine after the restart", TimeSpan.FromSeconds(20),
            () => StateAsync(oee, "mad1"), s => s != "unknown");
        Assert.Equal("run", state);
        Assert.InRange(await oee.MetricAsync("system_runtime_dotnet_process_memory_working_set") / 1e6, 1, 400);
        await oee.DisposeAsync();
    }

    [Theory]
    [InlineData("postgres", 17)]
    [InlineData("sqlite", 4711)]
    public async Task Odd_topics_names_times_and_sequences_never_delay_a_healthy_node_on_the_same_partition(string store, int seed)
    {
        await using var plant = await PlantAsync(store);
        var oee = await plant.StartAsync();
        await using var ending = new Ending(() => oee.DisposeAsync());
        await using var edge = plant.StartHealthyEdge(Rate, Oee.Seconds >= 60 ? 300 : 60);
        await Eventually.HoldsAsync("samples", TimeSpan.FromSeconds(20), async () => (await plant.StoredAsync()).Count, n => n > Rate);
        // What the embedded broker refuses at its door has its fate there.
        async Task<double> FatesAsync() =>
            await oee.MetricAsync("mqtt_messages_acknowledged_total") + await oee.MetricAsync("broker_refused_total");
        var before = await FatesAsync();
        using var sent = new CancellationTokenSource();
        var sending = SendAsync(plant, seed, sent);
        while (!sent.IsCancellationRequested) await AssertFreshAsync(plant, TimeSpan.FromSeconds(10));
        await sending;
        await Eventually.HoldsAsync(
            "every message to have its fate", TimeSpan.FromSeconds(60), FatesAsync, n => n >= before + Messages * 0.9);
        await AssertFreshAsync(plant, TimeSpan.FromSeconds(10));
        Assert.True(await plant.ScalarAsync("select count(*) from dead_letter") > 0, "nothing was refused");
        Assert.Equal("live", (await oee.GetAsync("/health/live")).GetProperty("status").GetString());

        // What is stored now is read again by the next life.
        await oee.Process.KillAsync();
        await oee.DisposeAsync();
        oee = await plant.StartAsync();
        await Eventually.HoldsAsync(
            "fresh samples", TimeSpan.FromSeconds(20), () => BehindAsync(plant, TimeSpan.FromSeconds(3)), n => n == 0);
        Assert.InRange(await oee.MetricAsync("system_runtime_dotnet_process_memory_working_set") / 1e6, 1, 600);
        await oee.DisposeAsync();
    }

    private static async Task<string> StateAsync(Oee oee, string machine)
    {
        var all = (await oee.GetAsync("/api/machines/status")).GetProperty("items").EnumerateArray();
        return all.Single(m => m.GetProperty("machine_id").GetString() == machine).GetProperty("state").GetString()!;
    }

    private static ulong NowMs() => (ulong)DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    private static async Task SendAsync(HostilePlant plant, int seed, CancellationTokenSource sent)
    {
        try
        {
            await using var forger = await Forger.StartAsync(plant);
            var messages = new HostileMessages(seed);
            var open = new List<Task>();
            var started = System.Diagnostics.Stopwatch.StartNew();
            for (var i = 0; i < Messages; i++)
            {
                var early = (i / PerSecond) - started.Elapsed.TotalSeconds;
                if (early > 0.01) await Task.Delay(TimeSpan.FromSeconds(early));
                var (topic, payload) = messages.Next();
                open.Add(await forger.QueueAsync(topic, payload));
            }

            await Task.WhenAll(open);
        }
        finally
        {
            await sent.CancelAsync();
        }
    }

    /// <summary>Published longer ago than this and not stored.</summary>
    private static async Task<int> BehindAsync(HostilePlant plant, TimeSpan limit)
    {
        var until = (long)NowMs() - (long)limit.TotalMilliseconds;
        var due = plant.Published().Where(p => p.Ms < until).ToList();
        return due.Except(await plant.StoredAsync()).Count();
    }

    private static async Task AssertFreshAsync(HostilePlant plant, TimeSpan limit)
    {
        Assert.Equal(0, await BehindAsync(plant, limit));
        await Task.Delay(200);
    }

    private static async Task StoredWithinAsync(HostilePlant plant, ServerProcess edge, TimeSpan limit)
    {
        while (!edge.Output.Contains("\"good\"", StringComparison.Ordinal) && !edge.HasExited) await AssertFreshAsync(plant, limit);
        await Eventually.HoldsAsync("the last samples", limit, () => BehindAsync(plant, TimeSpan.Zero), n => n == 0);
    }

    private async Task<HostilePlant> PlantAsync(string store) =>
        await HostilePlant.CreateAsync(store == "postgres" ? fixture.Postgres : null);
}
