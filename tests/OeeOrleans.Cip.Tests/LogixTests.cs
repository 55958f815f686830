using System.Globalization;
using OeeOrleans.Cip.Simulation;

namespace OeeOrleans.Cip.Tests;

/// <summary>Our client at our controller: every type, every way of packing, every size around a limit.</summary>
public sealed class LogixTests : IAsyncLifetime
{
    private readonly SimulatedController _plc = new();

    public Task InitializeAsync()
    {
        _plc.AddTag("Flag", CipDataType.Bool);
        foreach (var (name, type) in Numbers) _plc.AddTag(name, type);
        foreach (var (name, type) in Numbers) _plc.AddTag($"{name}s", type, 1_500);
        _plc.AddTag("Cube", CipDataType.Dint, 3, 4, 5);
        _plc.AddTag("Wide", CipDataType.Sint, 4_200);
        _plc.AddTag("Flags", CipDataType.Bool, 96);
        _plc.AddTag("Text", Texts.Logix);
        _plc.AddTag("Texts", Texts.Logix, 60);
        _plc.AddTag("Short", Texts.Of("STRING20", 20));
        _plc.AddTag("Program:Main.Count", CipDataType.Dint);
        _plc.AddTag("Filler", Machine);
        _plc.AddTag("Fillers", Machine, 3);
        _plc.Start();
        return Task.CompletedTask;
    }

    public async Task DisposeAsync() => await _plc.DisposeAsync();

    private static readonly (string Name, CipDataType Type)[] Numbers =
    [
        ("Sint", CipDataType.Sint), ("Int", CipDataType.Int), ("Dint", CipDataType.Dint), ("Lint", CipDataType.Lint),
        ("Usint", CipDataType.Usint), ("Uint", CipDataType.Uint), ("Udint", CipDataType.Udint), ("Ulint", CipDataType.Ulint),
        ("Real", CipDataType.Real), ("Lreal", CipDataType.Lreal),
    ];

    private static CipTemplate Machine { get; } = Texts.Machine();

    public static TheoryData<string, object> Values() => new()
    {
        { "Flag", true }, { "Sint", (sbyte)-128 }, { "Int", (short)-32768 }, { "Dint", int.MinValue }, { "Lint", long.MinValue },
        { "Usint", (byte)255 }, { "Uint", (ushort)65535 }, { "Udint", uint.MaxValue }, { "Ulint", ulong.MaxValue },
        { "Real", -1.5f }, { "Lreal", Math.PI }, { "Text", "Füller 1" }, { "Short", "twenty letters, no 1" },
        { "Dints[1499]", 7 }, { "Cube[2,3,4]", 8 }, { "Flags[37]", true }, { "Dint.31", true }, { "Dints[3].5", true },
        { "Program:Main.Count", 9 }, { "Filler.Good", 10 }, { "Fillers[2].Nested.Speed", 2.5f }, { "Filler.Running", true },
        { "Filler.Name", "a name" }, { "Filler.Hours[3]", (short)4 }, { "Filler.Hours{5}", new short[] { 1, 2, 3, 4, 5 } },
        { "Reals[700]{40}", Enumerable.Range(0, 40).Select(i => i / 2f).ToArray() },
        { "Flags[30]{40}", Enumerable.Repeat(true, 40).ToArray() },
        { "Texts[58]{2}", new[] { "one", "" } }, { "Cube[1,0,0]{20}", Enumerable.Range(1, 20).ToArray() },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public async Task What_is_written_stands_in_the_controller_and_is_read_back(string tag, object value)
    {
        foreach (var options in Ways(_plc.Port))
        {
            await using var plc = await CipClient.ConnectAsync(options);
            var address = CipAddress.Parse(tag, plc.Plc);
            var before = (await plc.ReadAsync([address]))[0];
            Assert.Null(before.Error);
            var written = await plc.WriteAsync(address, value);
            Assert.Null(written.Error);
            Assert.Equal(before.Value, written.Before);
            var after = (await plc.ReadAsync([address]))[0];
            Assert.Equal(value, after.Value);
            Assert.Equal(value.GetType(), after.Value!.GetType());
            if (!tag.StartsWith("Flags[30]", StringComparison.Ordinal)) Assert.Equal(value, _plc.Read(tag));
            // And the next way finds something else.
            if (value is bool) _plc.Write(tag, false);
        }
    }

    [Fact]
    public async Task A_bit_that_is_written_leaves_its_neighbours_alone()
    {
        await using var plc = await ConnectAsync();
        _plc.Write("Dint", unchecked((int)0xAAAAAAAA));
        foreach (var bit in new[] { 0, 1, 30, 31 }) Assert.Null((await plc.WriteAsync(Parse($"Dint.{bit}"), bit % 2 == 0)).Error);
        Assert.Equal(unchecked((int)0x6AAAAAA9), _plc.Read("Dint"));
        _plc.Write("Flags[35]", true);
        Assert.Null((await plc.WriteAsync(Parse("Flags[36]"), true)).Error);
        Assert.Equal([true, true, false], new[] { 35, 36, 37 }.Select(i => _plc.Read($"Flags[{i}]")));
    }

    [Theory]
    [InlineData(480, 510)]
    [InlineData(960, 1030)]
    [InlineData(3_970, 4_000)]
    public async Task Arrays_of_every_length_around_a_packets_limit_come_whole(int from, int to)
    {
        foreach (var options in Ways(_plc.Port))
        {
            await using var plc = await CipClient.ConnectAsync(options);
            var random = new Random(from);
            for (var count = from; count < to; count++)
            {
                var values = Enumerable.Range(0, count).Select(_ => (sbyte)random.Next(-128, 128)).ToArray();
                Assert.Null((await plc.WriteAsync(Parse($"Wide{{{count}}}"), values)).Error);
                Assert.Equal(values, (await plc.ReadAsync([Parse($"Wide{{{count}}}")]))[0].Value);
            }
        }
    }

    [Fact]
    public async Task Large_arrays_are_written_and_read_in_fragments()
    {
        foreach (var options in Ways(_plc.Port))
        {
            await using var plc = await CipClient.ConnectAsync(options);
            var values = Enumerable.Range(0, 1_500).Select(i => (long)i << 40).ToArray();
            Assert.Null((await plc.WriteAsync(Parse("Lints{1500}"), values)).Error);
            Assert.Equal(values, (await plc.ReadAsync([Parse("Lints{1500}")]))[0].Value);
            var texts = Enumerable.Range(0, 60).Select(i => new string((char)('A' + (i % 26)), i)).ToArray();
            Assert.Null((await plc.WriteAsync(Parse("Texts{60}"), texts)).Error);
            Assert.Equal(texts, (await plc.ReadAsync([Parse("Texts{60}")]))[0].Value);
        }
    }

    [Fact]
    public async Task One_bad_tag_spoils_no_other_and_says_what_to_look_at()
    {
        _plc.Write("Dint", 5);
        foreach (var options in Ways(_plc.Port))
        {
            await using var plc = await CipClient.ConnectAsync(options);
            var results = await plc.ReadAsync([.. new[] { "Dint", "Nobody", "Dints[1500]", "Dint.40", "Real.1", "Dint" }.Select(Parse)]);
            Assert.Equal(5, results[0].Value);
            Assert.Equal(5, results[5].Value);
            Assert.Contains("there is no such tag", results[1].Error, StringComparison.Ordinal);
            Assert.Contains("beyond the end", results[2].Error, StringComparison.Ordinal);
            Assert.Contains("there is no bit 40", results[3].Error, StringComparison.Ordinal);
            Assert.Contains("REAL has no bits", results[4].Error, StringComparison.Ordinal);
            Assert.All(results.Skip(1).Take(4), r => Assert.Null(r.Value));
        }
    }

    [Fact]
    public async Task A_tag_that_is_of_another_type_after_a_download_is_read_as_that()
    {
        await using var plc = await ConnectAsync();
        var plan = plc.Plan([Parse("Flags[40]"), Parse("Dints[40]"), Parse("Filler")]);
        await plc.ReadAsync(plan);
        Assert.Equal([false, 0], new[] { plan.ValueOf(0), plan.ValueOf(1) });
        foreach (var tag in new[] { "Flags", "Dints", "Filler" }) _plc.RemoveTag(tag);
        _plc.AddTag("Flags", CipDataType.Int, 50);
        _plc.AddTag("Dints", CipDataType.Bool, 64);
        _plc.AddTag("Filler", CipDataType.Lint);
        _plc.Write("Flags[40]", 7);
        _plc.Write("Dints[40]", true);
        await plc.ReadAsync(plan);
        Assert.Equal([(short)7, true, 0L], new[] { plan.ValueOf(0), plan.ValueOf(1), plan.ValueOf(2) });
        Assert.Equal(["INT", "BOOL", "LINT"], new[] { 0, 1, 2 }.Select(i => plan.TypeOf(i)!.Name));
    }

    [Fact]
    public async Task A_structure_is_read_whole_by_its_template()
    {
        _plc.Write("Fillers[1].Good", 7);
        _plc.Write("Fillers[1].Running", true);
        _plc.Write("Fillers[1].Nested.Speed", 2.5f);
        _plc.Write("Fillers[1].Name", "second");
        await using var plc = await ConnectAsync();
        var result = (await plc.ReadAsync([Parse("Fillers[1]")]))[0];
        Assert.Null(result.Error);
        Assert.Equal("MACHINE", result.Type!.Name);
        var value = Assert.IsType<CipStructure>(result.Value);
        Assert.Equal(["Running", "Fault", "Good", "Nested", "Hours", "Name"], value.Keys);
        Assert.Equal((true, false, 7, "second"), (value["Running"], value["Fault"], value["Good"], value["name"]));
        Assert.Equal(2.5f, Assert.IsType<CipStructure>(value["Nested"])["Speed"]);
        Assert.Equal(new short[5], value["Hours"]);
        var all = Assert.IsType<object[]>((await plc.ReadAsync([Parse("Fillers{3}")]))[0].Value);
        Assert.Equal(["", "second", ""], all.Select(s => ((CipStructure)s)["Name"]));
        var refused = await plc.WriteAsync(Parse("Filler"), 1);
        Assert.Contains("member by member", refused.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Sint", 128, "-128 to 127 fits")]
    [InlineData("Usint", -1, "0 to 255 fits")]
    [InlineData("Dint", 1.5, "-2147483648 to 2147483647 fits")]
    [InlineData("Dint", true, "does not fit DINT")]
    [InlineData("Real", 1e39, "up to 3.4e38 fits")]
    [InlineData("Real", "x", "a number fits")]
    [InlineData("Flag", 2, "0 to 1 fits")]
    [InlineData("Short", "more than twenty letters", "up to 20 characters fit")]
    [InlineData("Text", "\u20AC", "Latin-1")]
    [InlineData("Text", 5, "a text fits")]
    [InlineData("Dints{3}", 5, "3 elements are needed")]
    [InlineData("Dints{3}", new[] { 1, 2 }, "2 elements were given; 3 are needed")]
    [InlineData("Real.1", true, "REAL has no bit 1")]
    public async Task A_value_that_does_not_fit_is_not_written_and_says_what_does(string tag, object value, string said)
    {
        await using var plc = await ConnectAsync();
        var result = await plc.WriteAsync(Parse(tag), value);
        Assert.Contains(said, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_thousand_tags_are_read_in_few_packets()
    {
        await using var plc = await ConnectAsync();
        var plan = plc.Plan([.. Enumerable.Range(0, 1_000).Select(i => Parse($"Dints[{i}]"))]);
        for (var i = 0; i < 1_000; i++) _plc.Write($"Dints[{i}]", i);
        await plc.ReadAsync(plan);
        Assert.InRange(plan.RequestCount, 1, 8);
        Assert.Equal(Enumerable.Range(0, 1_000), Enumerable.Range(0, 1_000).Select(i => (int)plan.ValueOf(i)));
    }

    [Fact]
    public async Task Tags_that_are_alike_in_bytes_are_told_apart()
    {
        await using var plc = await ConnectAsync();
        _plc.Write("Dints[1]", 7);
        _plc.Write("Flags[1]", true);
        _plc.Write("Flags[37]", true);
        // Element 1 is the bytes 28 01, which a count may look like.
        var results = await plc.ReadAsync([.. new[] { "Dints{1401}", "Dints[1]", "Dints{14}", "Flags[1]", "Flags[1].5" }.Select(Parse)]);
        Assert.Equal(1_401, Assert.IsType<int[]>(results[0].Value).Length);
        Assert.Equal(7, results[1].Value);
        Assert.Equal(14, Assert.IsType<int[]>(results[2].Value).Length);
        Assert.Equal(true, results[3].Value);
        Assert.Equal(true, results[4].Value);
        results = await plc.ReadAsync([.. new[] { "Dints[1]", "Flags[1].5", "Flags[1]", "Dints{280}", "Dints{2801}" }.Select(Parse)]);
        Assert.Equal([7, true, true], results.Take(3).Select(r => r.Value));
        Assert.Equal(280, Assert.IsType<int[]>(results[3].Value).Length);
        Assert.Contains("beyond the end", results[4].Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_not_known_of_an_element_is_not_written_as_false()
    {
        await using var plc = await ConnectAsync();
        _plc.Write("Flags[1]", true);
        Assert.Contains("every element needs a value", (await plc.WriteAsync(Parse("Flags{3}"), new object?[] { true, null, true })).Error,
            StringComparison.Ordinal);
        Assert.Equal(true, _plc.Read("Flags[1]"));
    }

    [Fact]
    public async Task A_tag_whose_name_does_not_fit_into_a_message_spoils_no_other()
    {
        await using var plc = await CipClient.ConnectAsync(Options(_plc.Port) with { ConnectionSize = 100 });
        var name = string.Join('.', Enumerable.Repeat("AVeryLongMemberName", 6));
        var results = await plc.ReadAsync([Parse("Dint"), Parse(name), Parse("Dints{40}")]);
        Assert.Equal([true, false, true], results.Select(r => r.Error is null));
        Assert.Contains("too long", results[1].Error, StringComparison.Ordinal);
        Assert.Contains("too long", (await plc.WriteAsync(Parse(name), 1)).Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_BOOL_array_that_comes_later_is_found()
    {
        await using var plc = await ConnectAsync();
        var plan = plc.Plan([Parse("Late[40]")]);
        await plc.ReadAsync(plan);
        Assert.False(plan.StatusOf(0).IsGood);
        _plc.AddTag("Late", CipDataType.Bool, 64);
        _plc.Write("Late[40]", true);
        for (var i = 0; i < 60 && !plan.StatusOf(0).IsGood; i++) await plc.ReadAsync(plan);
        Assert.Equal(true, plan.ValueOf(0));
    }

    [Fact]
    public async Task Tags_of_the_controller_and_of_its_programs_are_listed_with_their_types()
    {
        await using var plc = await ConnectAsync();
        Assert.Equal(["Main"], await plc.ListProgramsAsync());
        var tags = (await plc.ListTagsAsync(null)).ToDictionary(t => t.Name, t => t);
        Assert.Equal(29, tags.Count);
        Assert.Equal("DINT", tags["Cube"].Type.Name);
        Assert.Equal([3, 4, 5], tags["Cube"].Dimensions);
        Assert.Equal(("BOOL", 96), (tags["Flags"].Type.Name, tags["Flags"].Dimensions[0]));
        Assert.Equal(("MACHINE", 3), (tags["Fillers"].Type.Name, tags["Fillers"].Dimensions[0]));
        Assert.Equal("STRING", tags["Text"].Type.Name);
        Assert.Equal("Program:Main.Count", Assert.Single(await plc.ListTagsAsync("Main")).Address);
    }

    [Fact]
    public async Task It_says_who_it_is()
    {
        await using var plc = await ConnectAsync();
        Assert.Equal("1756-L85E simulated", (await plc.IdentifyAsync())!.ProductName);
        var options = Options(_plc.Port);
        Assert.Equal(new Version(33, 11), (await CipDiscovery.AskAsync(options)).Revision);
        var found = await CipDiscovery.FindAsync(System.Net.IPAddress.Loopback, TimeSpan.FromSeconds(1), _plc.Port);
        Assert.Equal((ushort)14, Assert.Single(found).Identity.DeviceType);
    }

    internal static CipClientOptions Options(int port) => new() { Host = "127.0.0.1", Port = port };

    internal static CipAddress Parse(string text) => CipAddress.Parse(text, CipPlc.ControlLogix);

    private Task<CipClient> ConnectAsync() => CipClient.ConnectAsync(Options(_plc.Port));

    /// <summary>Large and small connections, none, and none with a route.</summary>
    private static IEnumerable<CipClientOptions> Ways(int port) =>
    [
        Options(port), Options(port) with { ConnectionSize = 500, Jobs = 1 }, Options(port) with { Connected = false },
        Options(port) with { Connected = false, Route = CipRoute.Parse("1,0") }, Options(port) with { Route = CipRoute.Parse("1,0") },
    ];
}
