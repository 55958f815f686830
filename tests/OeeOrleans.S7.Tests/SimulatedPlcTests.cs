using System.Text.Json;
using OeeOrleans.S7.Simulation;
using OeeOrleans.TestServers;

namespace OeeOrleans.S7.Tests;

/// <summary>The simulated PLC, asked by a client nobody here wrote (npm nodes7).</summary>
public sealed class SimulatedPlcTests
{
    [Theory]
    [InlineData(240)]
    [InlineData(480)]
    [InlineData(960)]
    public async Task Another_client_reads_what_is_in_it(int pdu)
    {
        await using var plc = NewPlc(pdu);
        plc.Write("DB1.DBW0:INT", -5);
        plc.Write("DB1.DBD4:REAL", 1.5);
        plc.Write("DB1.DBX8.3", true);
        plc.Write("DB1.DBB10:STRING[20]", "abc");
        plc.Write("MD20:DINT", -70_000);
        plc.Write("IB3", 200);
        plc.Write("DB1.DBD100:DINT[200]", Enumerable.Range(0, 200));
        var values = await AskAsync(plc, new
        {
            read = new
            {
                int_ = "DB1,INT0", real = "DB1,REAL4", bit = "DB1,X8.3", text = "DB1,S10.20", mark = "MDI20", input = "IB3",
                many = "DB1,DINT100.200", none = "DB9,INT0",
            },
        });
        Assert.Equal(-5, values.GetProperty("int_").GetInt32());
        Assert.Equal(1.5, values.GetProperty("real").GetDouble());
        Assert.True(values.GetProperty("bit").GetBoolean());
        Assert.Equal("abc", values.GetProperty("text").GetString());
        Assert.Equal(-70_000, values.GetProperty("mark").GetInt32());
        Assert.Equal(200, values.GetProperty("input").GetInt32());
        Assert.Equal(Enumerable.Range(0, 200), values.GetProperty("many").EnumerateArray().Select(v => v.GetInt32()));
        Assert.StartsWith("BAD", values.GetProperty("none").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Another_client_writes_into_it()
    {
        await using var plc = NewPlc(480);
        await AskAsync(plc, new
        {
            write = new Dictionary<string, object[]>
            {
                ["a"] = ["DB1,INT0", -9], ["b"] = ["DB1,REAL4", 2.5], ["c"] = ["DB1,X8.3", true], ["d"] = ["DB1,S10.20", "xyz"],
            },
        });
        Assert.Equal((short)-9, plc.Read("DB1.DBW0:INT"));
        Assert.Equal(2.5f, plc.Read("DB1.DBD4:REAL"));
        Assert.Equal(true, plc.Read("DB1.DBX8.3"));
        Assert.Equal(false, plc.Read("DB1.DBX8.2"));
        Assert.Equal("xyz", plc.Read("DB1.DBB10:STRING[20]"));
    }

    [Fact]
    public async Task What_was_in_it_is_there_after_power_was_off_and_the_port_is_the_same()
    {
        await using var plc = NewPlc(480);
        plc.Write("DB1.DBW0:INT", 7);
        var port = plc.Port;
        await plc.StopAsync();
        plc.Start();
        Assert.Equal(port, plc.Port);
        Assert.Equal((short)7, plc.Read("DB1.DBW0:INT"));
        Assert.Equal(7, (await AskAsync(plc, new { read = new { a = "DB1,INT0" } })).GetProperty("a").GetInt32());
    }

    private static SimulatedPlc NewPlc(int pdu)
    {
        var plc = new SimulatedPlc(new SimulatedPlcOptions { PduLength = pdu });
        plc.AddDb(1, 2_000);
        plc.Start();
        return plc;
    }

    private static async Task<JsonElement> AskAsync(SimulatedPlc plc, object what)
    {
        var options = JsonSerializer.SerializeToNode(what)!.AsObject();
        options["port"] = plc.Port;
        var output = await ServerProcess.RunAsync(
            "node", Path.Combine(Repository.Root, "tests", "peers", "s7-client.mjs"), options.ToJsonString());
        return JsonDocument.Parse(output.Trim().Split('\n')[^1]).RootElement;
    }
}
