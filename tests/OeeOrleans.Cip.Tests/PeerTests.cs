using System.Text.Json;
using OeeOrleans.Cip.Simulation;
using OeeOrleans.TestServers;

namespace OeeOrleans.Cip.Tests;

/// <summary>The simulated controller, asked by clients nobody here wrote (npm st-ethernet-ip and nodepccc).</summary>
public sealed class PeerTests
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Another_client_reads_what_is_in_it(bool connected)
    {
        await using var plc = NewPlc();
        plc.Write("Dint", -70_000);
        plc.Write("Sint", -5);
        plc.Write("Int", 1_234);
        plc.Write("Real", 1.5);
        plc.Write("Flag", true);
        plc.Write("Program:Main.Count", 9);
        plc.Write("Filler.Good", 7);
        plc.Write("Text", "abc");
        plc.Write("Dints[7]", 77);
        var answer = await AskAsync(new
        {
            port = plc.Port, connected, list = true,
            read = new[] { "Dint", "Sint", "Int", "Real", "Flag", "Program:Main.Count", "Filler.Good", "Text", "Dints[7]", "Nobody" },
        });
        var values = answer.GetProperty("values");
        Assert.Equal(-70_000, values.GetProperty("Dint").GetInt32());
        Assert.Equal(-5, values.GetProperty("Sint").GetInt32());
        Assert.Equal(1_234, values.GetProperty("Int").GetInt32());
        Assert.Equal(1.5, values.GetProperty("Real").GetDouble());
        Assert.True(values.GetProperty("Flag").GetBoolean());
        Assert.Equal(9, values.GetProperty("Program:Main.Count").GetInt32());
        Assert.Equal(7, values.GetProperty("Filler.Good").GetInt32());
        Assert.Equal("abc", values.GetProperty("Text").GetString());
        Assert.Equal(77, values.GetProperty("Dints[7]").GetInt32());
        Assert.StartsWith("BAD", values.GetProperty("Nobody").GetString(), StringComparison.Ordinal);
        Assert.Equal("1756-L85E simulated", answer.GetProperty("name").GetString());
        var tags = answer.GetProperty("tags").EnumerateArray().Select(t => $"{t.GetProperty("name")} {t.GetProperty("type")}").ToList();
        Assert.Superset(
            new HashSet<string> { "Dint DINT", "Real REAL", "Filler MACHINE", "Text STRING", "Count DINT" }, tags.ToHashSet());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Another_client_writes_into_it(bool connected)
    {
        await using var plc = NewPlc();
        await AskAsync(new
        {
            port = plc.Port, connected, list = true,
            write = new Dictionary<string, object> { ["Dint"] = -9, ["Real"] = 2.5, ["Flag"] = true, ["Text"] = "xyz", ["Dints[3]"] = 4 },
        });
        Assert.Equal(
            [-9, 2.5f, true, "xyz", 4], new[] { "Dint", "Real", "Flag", "Text", "Dints[3]" }.Select(plc.Read));
    }

    [Fact]
    public async Task Another_client_reads_and_writes_data_files()
    {
        await using var plc = new SimulatedController(new SimulatedControllerOptions { Plc = CipPlc.Slc500 });
        foreach (var (file, elements) in new[] { ("N7", 100), ("F8", 20), ("B3", 10), ("ST18", 4), ("T4", 4) }) plc.AddFile(file, elements);
        plc.Start();
        plc.Write("N7:3", -5);
        plc.Write("F8:1", 1.5);
        plc.Write("B3:1/4", true);
        plc.Write("ST18:2", "odd");
        var values = await AskAsync(new
        {
            port = plc.Port, pccc = true, read = new[] { "N7:3", "F8:1", "B3:1/4", "ST18:2", "N7:40" },
            write = new Dictionary<string, object> { ["N7:40"] = 44, ["F8:2"] = 2.5, ["N7:41/3"] = true },
        });
        Assert.Equal(-5, values.GetProperty("N7:3").GetInt32());
        Assert.Equal(1.5, values.GetProperty("F8:1").GetDouble());
        Assert.True(values.GetProperty("B3:1/4").GetBoolean());
        Assert.Equal("odd", values.GetProperty("ST18:2").GetString());
        Assert.Equal(44, values.GetProperty("N7:40").GetInt32());
        Assert.Equal([(short)44, 2.5f, (short)8], new[] { "N7:40", "F8:2", "N7:41" }.Select(plc.Read));
    }

    private static SimulatedController NewPlc()
    {
        var plc = new SimulatedController();
        foreach (var (name, type) in new[]
        {
            ("Flag", CipDataType.Bool), ("Sint", CipDataType.Sint), ("Int", CipDataType.Int), ("Dint", CipDataType.Dint),
            ("Real", CipDataType.Real), ("Program:Main.Count", CipDataType.Dint),
        }) plc.AddTag(name, type);
        plc.AddTag("Dints", CipDataType.Dint, 100);
        plc.AddTag("Text", Texts.Logix);
        plc.AddTag("Filler", Texts.Machine());
        plc.Start();
        return plc;
    }

    private static async Task<JsonElement> AskAsync(object options)
    {
        var script = Path.Combine(Repository.Root, "tests", "peers", "cip-client.mjs");
        await using var process = ServerProcess.Start("node", [script, JsonSerializer.Serialize(options)]);
        await Eventually.TrueAsync("the other client to end", TimeSpan.FromSeconds(60), () => Task.FromResult(process.HasExited));
        var line = process.Output.Split('\n').FirstOrDefault(l => l.StartsWith('{'))
            ?? throw new InvalidOperationException(process.Output);
        return JsonDocument.Parse(line).RootElement;
    }
}
