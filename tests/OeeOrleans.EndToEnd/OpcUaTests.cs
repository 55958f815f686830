using System.Globalization;
using Npgsql;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>
/// From an OPC UA server nobody here wrote through our edge, mosquitto and our host into PostgreSQL: every value exactly once, whatever is
/// cut meanwhile; and OEE from it.
/// </summary>
public sealed class OpcUaTests(PlantFixture fixture) : IClassFixture<PlantFixture>
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_cut_connection_to_the_server_loses_no_value_and_doubles_none()
    {
        await using var plant = await OpcUaPlant.StartAsync(fixture.Postgres, "");
        await plant.Server.SayAsync(new { op = "run", every = 100 });
        await plant.StoredAsync(30);
        plant.Proxy.Cut();
        await Task.Delay(TimeSpan.FromSeconds(Oee.Seconds / 3.0));
        plant.Proxy.Mend();
        await Task.Delay(TimeSpan.FromSeconds(2));
        var last = await plant.Server.StopCountingAsync();
        await plant.AllStoredAsync(Range(last));
        Assert.Equal(0, await plant.Edge.MetricAsync("opcua_gaps_total"));
        Assert.Equal(1, await plant.Edge.MetricAsync("opcua_reconnects_total"));
    }

    [Fact]
    public async Task A_gap_longer_than_the_server_keeps_its_queues_is_filled_from_its_history()
    {
        await using var plant =
            await OpcUaPlant.StartAsync(fixture.Postgres, "\"history\": [\"Counter0\"]", "keep_alive_s: 1, lifetime_s: 3, ");
        await plant.Server.SayAsync(new { op = "run", every = 100 });
        await plant.StoredAsync(30);
        plant.Proxy.Cut();
        // Five keep-alives into nothing, and then the lifetime, of which this server makes five seconds at least.
        await Task.Delay(Environment.GetEnvironmentVariable("OEE_LONG") == "1" ? TimeSpan.FromMinutes(10) : TimeSpan.FromSeconds(14));
        plant.Proxy.Mend();
        await plant.Edge.MetricAsync("opcua_gaps_total{source=\"plc1\",result=\"filled\"}", filled => filled > 0);
        var last = await plant.Server.StopCountingAsync();
        await plant.AllStoredAsync(Range(last));
    }

    [Fact]
    public async Task What_came_while_the_edge_was_dead_is_fetched_from_the_servers_history()
    {
        await using var plant = await OpcUaPlant.StartAsync(fixture.Postgres, "\"history\": [\"Counter0\"]");
        await plant.Server.SayAsync(new { op = "run", every = 100 });
        await plant.StoredAsync(80);
        await plant.Edge.KillAsync();
        await Task.Delay(TimeSpan.FromSeconds(5));
        await plant.Edge.StartAsync();
        await plant.Edge.MetricAsync("opcua_gaps_total{source=\"plc1\",result=\"filled\"}", filled => filled > 0);
        var last = await plant.Server.StopCountingAsync();
        await plant.AllStoredAsync(Range(last));
    }

    [Fact]
    public async Task Queues_that_overflow_at_the_server_are_filled_from_its_history()
    {
        // Ten values of room at the server, as by default, and three seconds of ten a second.
        await using var plant = await OpcUaPlant.StartAsync(fixture.Postgres, "\"history\": [\"Counter0\"]", queue: 10);
        await plant.Server.SayAsync(new { op = "run", every = 100 });
        await plant.StoredAsync(10);
        plant.Proxy.Cut();
        await Task.Delay(TimeSpan.FromSeconds(5));
        plant.Proxy.Mend();
        await plant.Edge.MetricAsync("opcua_gaps_total{source=\"plc1\",result=\"filled\"}", filled => filled > 0);
        var last = await plant.Server.StopCountingAsync();
        await plant.AllStoredAsync(Range(last));
        Assert.Contains("kept;", plant.Edge.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_stays_away_kills_its_devices_once_and_they_return_with_it()
    {
        await using var plant = await OpcUaPlant.StartAsync(fixture.Postgres, "");
        await plant.Server.SayAsync(new { op = "run", every = 100 });
        await plant.StoredAsync(10);
        plant.Proxy.Cut();
        await Eventually.HoldsAsync(
            "the machine to be offline", Soon, async () => (await plant.Host.GetAsync("/api/machines/status")).GetProperty("items")[0],
            m => !m.GetProperty("connected").GetBoolean());
        Assert.Equal(0, await plant.Edge.MetricAsync("edge_source_up"));
        await Task.Delay(TimeSpan.FromSeconds(6));
        Assert.Equal(0, await plant.Edge.MetricAsync("edge_source_up"));
        plant.Proxy.Mend();
        await plant.Edge.MetricAsync("edge_source_up", up => up == 1);
        var last = await plant.Server.StopCountingAsync();
        await plant.AllStoredAsync(Range(last));
    }

    [Fact]
    public async Task A_gap_of_a_server_without_history_is_said()
    {
        await using var plant = await OpcUaPlant.StartAsync(fixture.Postgres, "");
        await plant.Server.SayAsync(new { op = "run", every = 100 });
        await plant.StoredAsync(10);
        await plant.Server.RestartAsync();
        await plant.Edge.MetricAsync("opcua_gaps_total{source=\"plc1\",result=\"unfilled\"}", gaps => gaps > 0);
        // Counted first, and then said.
        await Eventually.TrueAsync("the gap to be said", Soon, () => Task.FromResult(
            plant.Edge.Output.Contains("ns=2;s=Counter0 missed since", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Bad_quality_arrives_as_bad_without_a_value_and_OEE_comes_out_of_the_server()
    {
        await using var plant = await OpcUaPlant.StartAsync(fixture.Postgres, "");
        await plant.Server.SayAsync(new { op = "set", id = "Scalar.Boolean", value = true });
        await plant.Server.SayAsync(new { op = "run", every = 100 });
        await plant.StoredAsync(50);
        await plant.Server.StopCountingAsync();
        var status = await Eventually.HoldsAsync(
            "the machine to run", Soon, async () => (await plant.Host.GetAsync("/api/machines/status")).GetProperty("items")[0],
            m => m.GetProperty("state").GetString() == "run" && m.GetProperty("good").GetInt64() >= 49);
        Assert.True(status.GetProperty("connected").GetBoolean());
        var kpi = await plant.Host.GetAsync("/api/kpi/current?machine_id=press1");
        Assert.InRange(kpi.GetProperty("oee").GetDouble(), 0.000001, 1);
        await plant.Server.SayAsync(new { op = "set", id = "Counter0", value = 1, status = "BadSensorFailure" });
        await Eventually.HoldsAsync(
            "a bad row", Soon,
            () => plant.ScalarAsync("select count(*) from telemetry where name = 'counter.good' and quality = 0 and value is null"), n =>
                n == 1);
    }

    [Fact]
    public async Task A_command_to_a_device_is_written_to_the_server()
    {
        await using var plant = await OpcUaPlant.StartAsync(fixture.Postgres, "");
        await DeviceCommand.SendAsync(plant.Broker, "process.speed", 12.5);
        await Eventually.HoldsAsync(
            "the value to come back", Soon,
            () => plant.ScalarAsync("select count(*) from telemetry where name = 'process.speed' and value = 12.5"), n => n == 1);
        Assert.Contains("ns=2;s=Analog was written: 0 -> 12.5", plant.Edge.Output, StringComparison.Ordinal);
    }

    private static List<double> Range(long last) => [.. Enumerable.Range(1, (int)last).Select(i => (double)i)];
}
