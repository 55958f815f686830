using System.Text.Json;
using OeeOrleans.Cip;
using OeeOrleans.Cip.Simulation;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>From simulated Rockwell controllers through our edge, mosquitto and our host into PostgreSQL and the API; and by
/// hand.</summary>
public sealed class CipTests(PlantFixture fixture) : IClassFixture<PlantFixture>
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(CipPlc.ControlLogix, "Running", "Good", "Speed")]
    [InlineData(CipPlc.Slc500, "B3:0/0", "C5:0.ACC", "F8:1")]
    public async Task OEE_comes_out_of_the_controller_and_a_command_goes_into_it(CipPlc kind, string run, string good, string speed)
    {
        await using var plant = await TestPlant.CreateAsync(fixture.Postgres);
        await using var plc = NewPlc(kind);
        await using var edge = new EdgeProcess(await plant.WriteEdgeOfMachineAsync(
            $$"""
            { id: plc1, url: "cip://127.0.0.1:{{plc.Port}}?plc={{kind.ToString().ToLowerInvariant()}}", device: press1, interval_ms: 100,
                tags: [ { address: "{{run}}", metric: state.run }, { address: "{{good}}", metric: counter.good },
                    { address: "{{speed}}", metric: process.speed, writable: true } ] }
            """));
        await using var host = await plant.StartAsync();
        await edge.StartAsync();
        async Task<JsonElement> StatusAsync() => (await host.GetAsync("/api/machines/status")).GetProperty("items")[0];
        plc.Write(run, true);
        for (var i = 1; i <= 10; i++)
        {
            plc.Write(good, i);
            await Eventually.HoldsAsync($"{i} pieces at the API", Soon, StatusAsync, m => m.GetProperty("good").GetInt64() == i);
        }

        Assert.Equal("run", (await StatusAsync()).GetProperty("state").GetString());
        Assert.InRange((await host.GetAsync("/api/kpi/current?machine_id=press1")).GetProperty("oee").GetDouble(), 0.000001, 1);
        await DeviceCommand.SendAsync(plant.Broker.Url, "process.speed", 12.5);
        await Eventually.TrueAsync("the value to be written", Soon, () => Task.FromResult(plc.Read(speed) is 12.5f));

        // A plug that is pulled: dead until it is back, and nothing is invented.
        await plc.StopAsync();
        await Eventually.HoldsAsync("the machine to be offline", Soon, StatusAsync, m => !m.GetProperty("connected").GetBoolean());
        plc.Write(good, 12);
        plc.Start();
        await Eventually.HoldsAsync(
            "the machine to be back", Soon, StatusAsync,
            m => m.GetProperty("connected").GetBoolean() && m.GetProperty("good").GetInt64() == 12);
        Assert.Equal(
            0, await plant.ScalarAsync("select count(*) from telemetry where name = 'counter.good' and (value = 11 or value > 12)"));
    }

    [Fact]
    public async Task By_hand_tags_are_listed_read_and_written()
    {
        await using var plc = NewPlc(CipPlc.ControlLogix);
        var source = $"cip://127.0.0.1:{plc.Port}/1,0?plc=controllogix";
        var listed = await OeeAsync("browse", source);
        Assert.Contains(listed, t => t.GetProperty("address").GetString() == "Good" && t.GetProperty("type").GetString() == "DINT");
        Assert.Contains(listed, t => t.GetProperty("address").GetString() == "Program:Main.Sums");
        var written = await OeeAsync("write", source, "Good=-5", "Program:Main.Sums{3}=[1,2,-3]", "Nobody=1");
        Assert.Equal([true, true, false], written.Select(w => w.GetProperty("ok").GetBoolean()));
        Assert.Equal(-5, plc.Read("Good"));
        var read = await OeeAsync("read", source, "Good", "Program:Main.Sums{3}", "Nobody");
        Assert.Equal("-5", read[0].GetProperty("value").GetRawText());
        // Bytes with a sign are numbers with one.
        Assert.Equal("[1,2,-3]", read[1].GetProperty("value").GetRawText());
        Assert.Contains("no such tag", read[2].GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_proposal_names_signals_and_leaves_arrays_out()
    {
        await using var plc = NewPlc(CipPlc.ControlLogix);
        await using var process = ServerProcess.Start(
            "dotnet", [Repository.Oee, "tags", "propose", "--source", $"cip://127.0.0.1:{plc.Port}", "--device", "filler1"]);
        await Eventually.TrueAsync("oee to end", Soon, () => Task.FromResult(process.HasExited));
        Assert.Contains("{ address: \"Running\", metric: \"state.run\" }", process.Output, StringComparison.Ordinal);
        Assert.Contains("{ address: \"Good\", metric: \"counter.good\" }", process.Output, StringComparison.Ordinal);
        Assert.Contains("{ address: \"Speed\", metric: \"process.speed\" }", process.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("Sums", process.Output, StringComparison.Ordinal);
    }

    private static SimulatedController NewPlc(CipPlc kind)
    {
        var plc = new SimulatedController(new SimulatedControllerOptions { Plc = kind });
        if (kind == CipPlc.Slc500)
        {
            foreach (var (file, elements) in new[] { ("B3", 10), ("C5", 10), ("F8", 10) }) plc.AddFile(file, elements);
        }
        else
        {
            plc.AddTag("Running", CipDataType.Bool);
            plc.AddTag("Good", CipDataType.Dint);
            plc.AddTag("Speed", CipDataType.Real);
            plc.AddTag("Program:Main.Sums", CipDataType.Sint, 10);
        }

        plc.Start();
        return plc;
    }

    private static async Task<List<JsonElement>> OeeAsync(string what, string source, params string[] arguments)
    {
        await using var process = ServerProcess.Start("dotnet", [Repository.Oee, "tags", what, "--source", source, .. arguments]);
        await Eventually.TrueAsync("oee to end", Soon, () => Task.FromResult(process.HasExited));
        return [.. process.Output.Split('\n').Where(l => l.StartsWith('{')).Select(l => JsonDocument.Parse(l).RootElement)];
    }
}
