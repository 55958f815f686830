using Npgsql;
using OeeOrleans.S7.Simulation;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>A machine whose PLC is read by OPC UA and, while that is down, by S7: one counter for the plant, whoever tells it.</summary>
public sealed class FallbackTests(PlantFixture fixture) : IClassFixture<PlantFixture>
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(250);

    [Theory]
    [InlineData("")]
    [InlineData("\"history\": [\"Counter0\"]")]
    public async Task The_second_source_takes_over_and_hands_back_and_the_counter_never_goes_back(string server)
    {
        await using var plant = await TestPlant.CreateAsync(fixture.Postgres);
        await using var opcUa = await OpcUaPeer.StartAsync(server);
        await using var proxy = new ChaosProxy(opcUa.Port);
        await using var plc = new SimulatedPlc();
        plc.AddDb(1, 20);
        plc.Start();
        await using var edge = new EdgeProcess(await plant.WriteEdgeOfMachineAsync(
            $$"""
            { id: plc1, url: "opc.tcp://127.0.0.1:{{proxy.Port}}/UA", trust: first_use, device: press1, interval_ms: 100,
              keep_alive_s: 1, lifetime_s: 3, fallback: plc1s7, fallback_after_s: 3, hand_back_after_s: 5,
              tags: [ { address: "ns={{opcUa.NamespaceIndex}};s=Counter0", metric: counter.good, queue_size: 100 } ] }
            """,
            $$"""
            { id: plc1s7, url: "s7://127.0.0.1:{{plc.Port}}?slot=1", interval_ms: 100,
              tags: [ { address: "DB1.DBD0:DINT", metric: counter.good } ] }
            """));
        await using var host = await plant.StartAsync();
        await edge.StartAsync();
        var count = 0;
        using var ended = new CancellationTokenSource();
        var counting = CountAsync();
        await SpeakingAsync(1);
        await CountedAsync(count + 8);
        proxy.Cut();
        await SpeakingAsync(2);
        Assert.Equal(1, await edge.MetricAsync("edge_fallback_active"));
        await CountedAsync(count + 20);
        proxy.Mend();
        await SpeakingAsync(3);
        await CountedAsync(count + 12);
        await ended.CancelAsync();
        await counting;
        await CountedAsync(count);
        await Eventually.HoldsAsync(
            "the machine's count", Soon,
            async () => (await host.GetAsync("/api/machines/status")).GetProperty("items")[0].GetProperty("good").GetInt64(),
            good => good == count);

        var values = await ValuesAsync();
        Assert.Equal(values.Order(), values);
        // Whoever begins to speak says what is there, which may be what the other's history has from a moment before.
        Assert.InRange(values.Count - values.Distinct().Count(), 0, 2);
        // Polled four times as fast as it changes; and what nobody could see before the switch is in the history.
        if (server.Length > 0) Assert.Equal(Enumerable.Range(0, count + 1).Select(i => (double)i).Skip((int)values[0]), values.Distinct());
        Assert.Equal(0, await plant.ScalarAsync("select count(*) from telemetry where name = 'counter.good' and quality < 64"));
        Assert.Equal(2, await edge.MetricAsync("edge_fallback_switches_total"));
        Assert.Equal(0, await edge.MetricAsync("edge_fallback_active"));
        Assert.Contains("source plc1s7 speaks now instead of plc1", edge.Output, StringComparison.Ordinal);
        Assert.Contains("source plc1 speaks again instead of plc1s7", edge.Output, StringComparison.Ordinal);

        // One PLC with two doors.
        async Task CountAsync()
        {
            while (!ended.IsCancellationRequested)
            {
                plc.Write("DB1.DBD0:DINT", ++count);
                await opcUa.SayAsync(new { op = "set", id = "Counter0", value = count });
                await Task.Delay(Between, ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }

        Task SpeakingAsync(int times) => Eventually.HoldsAsync(
            $"source.active to be told {times} times", Soon,
            () => plant.ScalarAsync("select count(*) from telemetry where name = 'source.active'"), n => n >= times);

        Task CountedAsync(int value) => Eventually.HoldsAsync(
            $"{value} pieces to be stored", Soon,
            () => plant.ScalarAsync("select coalesce(max(value), 0)::bigint from telemetry where name = 'counter.good'"), n => n >= value);

        async Task<List<double>> ValuesAsync()
        {
            await using var connection = new NpgsqlConnection(plant.Connection);
            await connection.OpenAsync();
            await using var command = new NpgsqlCommand("select value from telemetry where name = 'counter.good' order by ts", connection);
            await using var reader = await command.ExecuteReaderAsync();
            var found = new List<double>();
            while (await reader.ReadAsync()) found.Add(reader.GetDouble(0));
            return found;
        }
    }
}
