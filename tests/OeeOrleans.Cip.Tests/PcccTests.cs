using OeeOrleans.Cip.Simulation;

namespace OeeOrleans.Cip.Tests;

/// <summary>Our client at our PLC-5, SLC-500 and MicroLogix: every file, and every length around a command's limit.</summary>
public sealed class PcccTests : IAsyncLifetime
{
    private readonly Dictionary<CipPlc, SimulatedController> _plcs = [];

    public static TheoryData<CipPlc, string, object> Values()
    {
        var data = new TheoryData<CipPlc, string, object>();
        foreach (var plc in new[] { CipPlc.Plc5, CipPlc.Slc500, CipPlc.MicroLogix })
        {
            data.Add(plc, "N7:0", (short)-32768);
            data.Add(plc, "N7:299", (short)32767);
            data.Add(plc, "N7:3/15", true);
            data.Add(plc, "B3:2", (ushort)0xABCD);
            data.Add(plc, "B3:2/5", true);
            data.Add(plc, "B3/37", true);
            data.Add(plc, "F8:1", -1.5f);
            data.Add(plc, "F8:0{60}", Enumerable.Range(0, 60).Select(i => i * 0.5f).ToArray());
            data.Add(plc, "L19:4", int.MinValue);
            data.Add(plc, "L19:4/31", true);
            data.Add(plc, "ST18:3", "odd");
            data.Add(plc, "ST18:0{5}", new[] { "a", "two", new string('x', 82), "", "even" });
            data.Add(plc, "T4:0.ACC", (short)77);
            data.Add(plc, "T4:1.PRE", (short)78);
            data.Add(plc, "T4:1/EN", true);
            data.Add(plc, "C5:2.ACC", (short)79);
            data.Add(plc, "C5:2/CU", true);
            data.Add(plc, "R6:0.POS", (short)80);
            data.Add(plc, "R6:0.LEN", (short)81);
            data.Add(plc, "S:4", (short)5);
            data.Add(plc, "I:1/3", true);
            data.Add(plc, "I:1.2", (ushort)9);
            data.Add(plc, "O:0.1/15", true);
            data.Add(plc, "N7:20{250}", Enumerable.Range(0, 250).Select(i => (short)i).ToArray());
        }

        return data;
    }

    public Task InitializeAsync()
    {
        foreach (var plc in new[] { CipPlc.Plc5, CipPlc.Slc500, CipPlc.MicroLogix })
        {
            var controller = _plcs[plc] = new SimulatedController(new SimulatedControllerOptions { Plc = plc });
            controller.AddFile("O0", 8);
            controller.AddFile("I1", 8);
            foreach (var (file, elements) in new[] { ("S2", 66), ("B3", 10), ("T4", 10), ("C5", 10), ("R6", 10), ("F8", 100) })
            {
                controller.AddFile(file, elements);
            }

            controller.AddFile("N7", 300);
            controller.AddFile("ST18", 8);
            controller.AddFile("L19", 10);
            controller.Start();
        }

        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        foreach (var plc in _plcs.Values) await plc.DisposeAsync();
    }

    [Theory]
    [MemberData(nameof(Values))]
    public async Task What_is_written_stands_in_the_controller_and_is_read_back(CipPlc plc, string text, object value)
    {
        await using var client = await ConnectAsync(plc);
        var address = CipAddress.Parse(text, plc);
        var before = (await client.ReadAsync([address]))[0];
        Assert.Null(before.Error);
        var written = await client.WriteAsync(address, value);
        Assert.Null(written.Error);
        Assert.Equal(before.Value, written.Before);
        var after = (await client.ReadAsync([address]))[0];
        Assert.Equal(value, after.Value);
        Assert.Equal(value.GetType(), after.Value!.GetType());
        Assert.Equal(value, _plcs[plc].Read(text));
    }

    [Theory]
    [InlineData(CipPlc.Plc5)]
    [InlineData(CipPlc.Slc500)]
    [InlineData(CipPlc.MicroLogix)]
    public async Task A_bit_that_is_written_leaves_its_neighbours_alone(CipPlc plc)
    {
        await using var client = await ConnectAsync(plc);
        _plcs[plc].Write("N7:5", unchecked((short)0xAAAA));
        foreach (var bit in new[] { 0, 1, 14, 15 })
        {
            Assert.Null((await client.WriteAsync(CipAddress.Parse($"N7:5/{bit}", plc), bit % 2 == 0)).Error);
        }

        Assert.Equal((short)0x6AA9, _plcs[plc].Read("N7:5"));
    }

    [Theory]
    [InlineData(CipPlc.Plc5)]
    [InlineData(CipPlc.Slc500)]
    public async Task Every_length_around_a_commands_limit_comes_whole(CipPlc plc)
    {
        await using var client = await ConnectAsync(plc);
        for (var count = 100; count <= 220; count++)
        {
            var values = Enumerable.Range(0, count).Select(i => (short)(count + i)).ToArray();
            var address = CipAddress.Parse($"N7:7{{{count}}}", plc);
            Assert.Null((await client.WriteAsync(address, values)).Error);
            Assert.Equal(values, (await client.ReadAsync([address]))[0].Value);
        }
    }

    [Fact]
    public async Task Elements_that_lie_close_are_read_by_one_command_and_one_that_is_not_there_spoils_no_other()
    {
        await using var client = await ConnectAsync(CipPlc.Slc500);
        for (var i = 0; i < 100; i++) _plcs[CipPlc.Slc500].Write($"N7:{i}", i);
        var plan = client.Plan([.. Enumerable.Range(0, 100).Select(i => CipAddress.Parse($"N7:{i}", CipPlc.Slc500))]);
        Assert.Equal(1, plan.RequestCount);
        await client.ReadAsync(plan);
        Assert.Equal(Enumerable.Range(0, 100).Select(i => (short)i), Enumerable.Range(0, 100).Select(i => (short)plan.ValueOf(i)));
        string[] some = ["N7:299", "N7:300", "N9:0", "F7:0", "N7:298", "T4:0.ACC"];
        var results = await client.ReadAsync([.. some.Select(t => CipAddress.Parse(t, CipPlc.Slc500))]);
        Assert.Equal([true, false, false, false, true, true], results.Select(r => r.Error is null));
        Assert.Contains("beyond its end", results[1].Error, StringComparison.Ordinal);
        Assert.Contains("no such file", results[2].Error, StringComparison.Ordinal);
        Assert.Contains("data type asked for is not that of the file", results[3].Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_bad_address_does_not_keep_the_others_apart()
    {
        var plc = _plcs[CipPlc.Slc500];
        await using var client = await ConnectAsync(CipPlc.Slc500);
        string[] some = [.. Enumerable.Range(200, 100).Select(i => $"N7:{i}"), "N7:300"];
        var plan = client.Plan([.. some.Select(t => CipAddress.Parse(t, CipPlc.Slc500))]);
        await client.ReadAsync(plan);
        await client.ReadAsync(plan);
        Assert.Equal(2, plan.RequestCount);
        var before = plc.Requests;
        await client.ReadAsync(plan);
        Assert.Equal(2, plc.Requests - before);
        Assert.Equal([true, false], new[] { 0, 100 }.Select(i => plan.StatusOf(i).IsGood));
    }

    [Fact]
    public async Task A_timer_is_read_whole()
    {
        _plcs[CipPlc.Slc500].Write("T4:3.PRE", 100);
        _plcs[CipPlc.Slc500].Write("T4:3/DN", true);
        await using var client = await ConnectAsync(CipPlc.Slc500);
        var timer = Assert.IsType<CipStructure>((await client.ReadAsync([CipAddress.Parse("T4:3", CipPlc.Slc500)]))[0].Value);
        Assert.Equal(["PRE", "ACC", "EN", "TT", "DN"], timer.Keys);
        Assert.Equal(((short)100, (short)0, false, true), (timer["PRE"], timer["ACC"], timer["EN"], timer["DN"]));
    }

    [Fact]
    public async Task A_controller_that_answers_less_than_it_is_asked_for_is_asked_for_less()
    {
        var plc = _plcs[CipPlc.Slc500];
        for (var i = 0; i < 250; i++) plc.Write($"N7:{i}", i);
        await using var client = await ConnectAsync(CipPlc.Slc500);
        // As if its packets ended there.
        plc.Faults.Mutate = Shortened;
        var values = (await client.ReadAsync([CipAddress.Parse("N7:0{250}", CipPlc.Slc500)]))[0];
        Assert.Equal(Enumerable.Range(0, 250).Select(i => (short)i), (short[])values.Value!);
    }

    [Theory]
    [InlineData("F8:99")]
    [InlineData("F8:3{97}")]
    [InlineData("L19:0")]
    [InlineData("ST18:7")]
    [InlineData("T4:9")]
    [InlineData("N7:299")]
    public async Task A_PLC5_that_counts_elements_where_words_are_meant_is_understood(string text)
    {
        _plcs[CipPlc.Plc5].Faults.CountsElements = true;
        for (var i = 0; i < 100; i++) _plcs[CipPlc.Plc5].Write($"F8:{i}", i * 0.5);
        _plcs[CipPlc.Plc5].Write("ST18:7", "the last");
        await using var client = await ConnectAsync(CipPlc.Plc5);
        var address = CipAddress.Parse(text, CipPlc.Plc5);
        var read = (await client.ReadAsync([address]))[0];
        Assert.Null(read.Error);
        Assert.Equal(_plcs[CipPlc.Plc5].Read(text), read.Value);
        if (read.Value is CipStructure) return;
        Assert.Null((await client.WriteAsync(address, read.Value!)).Error);
        Assert.Equal(read.Value, _plcs[CipPlc.Plc5].Read(text));
    }

    [Theory]
    [InlineData("N7:0", 40000, "-32768 to 32767 fits")]
    [InlineData("N7:0{3}", new[] { 1, 2 }, "3 are needed")]
    [InlineData("ST18:0", 5, "does not fit ST")]
    [InlineData("ST18:0{2}", new[] { "one" }, "2 elements are needed")]
    [InlineData("T4:0", 5, "member by member")]
    [InlineData("B3:0/1", 2, "0 to 1 fits")]
    public async Task A_value_that_does_not_fit_is_not_written_and_says_what_does(string text, object value, string said)
    {
        await using var client = await ConnectAsync(CipPlc.Slc500);
        var result = await client.WriteAsync(CipAddress.Parse(text, CipPlc.Slc500), value);
        Assert.Contains(said, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Data_files_have_no_list_and_addresses_of_another_family_are_refused()
    {
        await using var client = await ConnectAsync(CipPlc.Slc500);
        var error = await Assert.ThrowsAsync<CipException>(() => client.ListTagsAsync(null));
        Assert.Contains("read by address", error.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => client.Plan([CipAddress.Parse("Tag", CipPlc.ControlLogix)]));
    }

    /// <summary>An answer of more than 180 bytes of data is cut off there.</summary>
    private static byte[] Shortened(byte[] frame)
    {
        const int Head = 40 + 4 + 7 + 4;
        if (frame.Length <= Head + 180) return frame;
        var cut = frame[..(Head + 180)];
        var length = cut.Length - 24;
        (cut[2], cut[3]) = ((byte)length, (byte)(length >> 8));
        (cut[38], cut[39]) = ((byte)(length - 16), (byte)((length - 16) >> 8));
        return cut;
    }

    private Task<CipClient> ConnectAsync(CipPlc plc) =>
        CipClient.ConnectAsync(new CipClientOptions { Host = "127.0.0.1", Port = _plcs[plc].Port, Plc = plc });
}
