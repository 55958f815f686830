using OeeOrleans.Cip.Simulation;

namespace OeeOrleans.Cip.Tests;

/// <summary>The table of tags: kept, used again, and thrown away when the program changed; and reading by number.</summary>
public sealed class TableTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("cip-table-").FullName;
    private readonly SimulatedController _plc = new();

    private string File => Path.Combine(_folder, "sub", "tags.json");

    public Task InitializeAsync()
    {
        for (var i = 0; i < 200; i++) _plc.AddTag($"Tag{i}", CipDataType.Dint);
        for (var i = 0; i < 200; i++) _plc.Write($"Tag{i}", i);
        _plc.AddTag("Program:Main.Count", CipDataType.Dint);
        _plc.AddTag("Filler", Texts.Machine());
        _plc.AddTag("Flags", CipDataType.Bool, 96);
        _plc.AddTag("Big", CipDataType.Dint, 3_000);
        _plc.Write("Program:Main.Count", 1_000);
        _plc.Write("Filler.Good", 2_000);
        _plc.Write("Flags[40]", true);
        _plc.Start();
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _plc.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task The_table_of_a_session_is_that_of_the_next_one()
    {
        await using (var first = await ConnectAsync())
        {
            Assert.Equal(203, (await first.ListTagsAsync(null)).Count);
            Assert.Null(first.TableNotKept);
        }

        // What is in the file is believed: the controller is not asked for it.
        var kept = await System.IO.File.ReadAllTextAsync(File);
        await System.IO.File.WriteAllTextAsync(File, kept.Replace("Tag199", "Kept99", StringComparison.Ordinal));
        var templates = 0;
        _plc.Faults.Mutate = frame =>
        {
            if (frame.Length > 46 && frame[46] == 0xCC) templates++;
            return frame;
        };
        await using var second = await ConnectAsync();
        var tags = await second.ListTagsAsync(null);
        Assert.Equal(0, templates);
        Assert.Contains(tags, t => t.Name == "Kept99");
        Assert.Equal("MACHINE", tags.Single(t => t.Name == "Filler").Type.Name);
    }

    [Theory]
    [InlineData("edit")]
    [InlineData("download")]
    [InlineData("broken")]
    public async Task A_table_of_another_program_or_none_is_asked_for_anew(string why)
    {
        await using (var first = await ConnectAsync()) await first.ListTagsAsync(null);
        if (why == "edit") _plc.AddTag("New", CipDataType.Real);
        if (why == "download") _plc.Download();
        if (why == "broken") await System.IO.File.WriteAllTextAsync(File, "{\"Identity\":");
        else await System.IO.File.WriteAllTextAsync(
            File, (await System.IO.File.ReadAllTextAsync(File)).Replace("Tag199", "Kept99", StringComparison.Ordinal));
        await using var second = await ConnectAsync();
        var names = (await second.ListTagsAsync(null)).Select(t => t.Name).ToHashSet();
        Assert.DoesNotContain("Kept99", names);
        Assert.Contains("Tag199", names);
        Assert.Equal(why == "edit", names.Contains("New"));
    }

    [Fact]
    public async Task A_file_that_cannot_be_written_is_said_and_costs_nothing_else()
    {
        System.IO.File.WriteAllText(Path.Combine(_folder, "sub"), "a file where the folder would be");
        await using var plc = await ConnectAsync();
        Assert.Equal(203, (await plc.ListTagsAsync(null)).Count);
        Assert.Contains("sub", plc.TableNotKept, StringComparison.Ordinal);
    }

    [Fact]
    public async Task By_number_the_same_is_read_as_by_name()
    {
        await using var plc = await ConnectAsync();
        var plan = plc.Plan([.. Addresses]);
        for (var i = 0; i < 3; i++)
        {
            await plc.ReadAsync(plan);
            Check(plan);
        }

        Assert.True(plan.IsByNumber);
        Assert.Contains("there is no such tag", plan.ResultOf(Addresses.Count - 1).Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(500)]
    [InlineData(4_000)]
    public async Task After_a_download_the_numbers_of_before_are_not_used(int size)
    {
        await using var plc = await ConnectAsync(size);
        var plan = plc.Plan([.. Addresses]);
        await plc.ReadAsync(plan);
        for (var i = 0; i < 5; i++)
        {
            _plc.Download();
            await plc.ReadAsync(plan);
            Check(plan);
        }

        Assert.True(plan.IsByNumber);
    }

    [Fact]
    public async Task While_the_program_is_changed_again_and_again_tags_are_read_by_name()
    {
        await using var plc = await ConnectAsync();
        var plan = plc.Plan([.. Addresses]);
        await plc.ReadAsync(plan);
        _plc.Faults.Mutate = frame =>
        {
            // With every packed answer.
            if (frame.Length > 46 && frame[46] == 0x8A) _plc.Download();
            return frame;
        };
        await plc.ReadAsync(plan);
        Check(plan);
        Assert.False(plan.IsByNumber);
    }

    [Fact]
    public async Task A_write_goes_to_the_tag_of_that_name_whatever_its_number_became()
    {
        await using var plc = await ConnectAsync();
        // Between the reading of what stood there and the write the program is downloaded.
        _plc.Faults.Mutate = frame =>
        {
            if (frame.Length > 46 && frame[46] == 0x8A) _plc.Download();
            return frame;
        };
        Assert.Null((await plc.WriteAsync(LogixTests.Parse("Tag7"), 777)).Error);
        Assert.Null((await plc.WriteAsync(LogixTests.Parse("Tag8.0"), true)).Error);
        _plc.Faults.Mutate = null;
        Assert.Equal(
            Enumerable.Range(0, 200).Select(i => i switch { 7 => 777, 8 => 9, _ => i }).Cast<object>(),
            Enumerable.Range(0, 200).Select(i => _plc.Read($"Tag{i}")));
    }

    [Fact]
    public async Task A_tag_that_becomes_another_amid_its_fragments_is_read_anew()
    {
        await using var plc = await ConnectAsync(500);
        var plan = plc.Plan([LogixTests.Parse("Big{2000}")]);
        await plc.ReadAsync(plan);
        var answers = 0;
        _plc.Faults.Mutate = frame =>
        {
            if (++answers != 5) return frame;
            _plc.RemoveTag("Big");
            _plc.AddTag("Big", CipDataType.Real, 3_000);
            _plc.Write("Big[0]", 1.5);
            return frame;
        };
        await plc.ReadAsync(plan);
        Assert.Equal(1.5f, Assert.IsType<float[]>(plan.ValueOf(0))[0]);
    }

    [Fact]
    public async Task A_structure_that_was_changed_by_an_edit_is_read_by_its_new_template()
    {
        foreach (var byNumber in new[] { true, false })
        {
            await using var plc = await CipClient.ConnectAsync(LogixTests.Options(_plc.Port) with { ByNumber = byNumber });
            var plan = plc.Plan([LogixTests.Parse("Filler")]);
            await plc.ReadAsync(plan);
            _plc.RemoveTag("Filler");
            string[] names = byNumber ? ["Good", "Bad"] : ["Bad", "Ugly"];
            var edited = new CipTemplate(
                "MACHINE2", (ushort)(byNumber ? 0x7777 : 0x7778), 8,
                [new CipMember(names[0], new CipType(CipDataType.Dint), 0), new CipMember(names[1], new CipType(CipDataType.Dint), 4)]);
            _plc.AddTag("Filler", edited);
            _plc.Write($"Filler.{names[1]}", 5);
            await plc.ReadAsync(plan);
            var value = Assert.IsType<CipStructure>(plan.ValueOf(0));
            Assert.Equal(names, value.Keys);
            Assert.Equal([0, 5], value.Values);
        }
    }

    [Fact]
    public async Task Where_there_is_no_list_of_tags_names_are_used()
    {
        await using var small = new SimulatedController(new SimulatedControllerOptions { HasTagList = false });
        small.AddTag("A", CipDataType.Dint);
        small.Start();
        await using var plc = await CipClient.ConnectAsync(LogixTests.Options(small.Port) with { ByNumber = true, TableFile = File });
        var plan = plc.Plan([LogixTests.Parse("A"), LogixTests.Parse("B")]);
        await plc.ReadAsync(plan);
        Assert.Equal([true, false], new[] { 0, 1 }.Select(i => plan.StatusOf(i).IsGood));
        Assert.False(plan.IsByNumber);
        Assert.False(System.IO.File.Exists(File));
    }

    private static List<CipAddress> Addresses { get; } =
    [
        .. Enumerable.Range(0, 200).Select(i => LogixTests.Parse($"Tag{i}")), LogixTests.Parse("Program:Main.Count"),
        LogixTests.Parse("Filler.Good"), LogixTests.Parse("Flags[40]"), LogixTests.Parse("Tag5.0"), LogixTests.Parse("Big{2000}"),
        LogixTests.Parse("Nobody"),
    ];

    private static void Check(CipReadPlan plan)
    {
        Assert.Equal(Enumerable.Range(0, 200).Cast<object>(), Enumerable.Range(0, 200).Select(plan.ValueOf));
        Assert.Equal([1_000, 2_000, true, true], new[] { 200, 201, 202, 203 }.Select(plan.ValueOf));
        Assert.Equal(new int[2_000], plan.ValueOf(204));
    }

    private Task<CipClient> ConnectAsync(int size = 4_000) => CipClient.ConnectAsync(
        LogixTests.Options(_plc.Port) with { TableFile = File, ByNumber = true, ConnectionSize = size });
}
