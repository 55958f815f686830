using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage.Plant;

namespace OeeOrleans.Storage.Tests;

/// <summary>The plant as data: revisions, and what follows from them.</summary>
public abstract partial class StoreConformance
{
    [Fact]
    public async Task Revisions_come_back_newest_first_and_the_newest_with_its_models()
    {
        Assert.Null(await Store.Plant.ReadPlantAsync(default));
        Assert.Equal(0, await Store.Plant.ReadNewestRevisionAsync(default));
        ModelVersion[] models = [new("m1", "calendar", 0, "{}"), new("m1", "oee", 0, "{1}"), new("m1", "oee", T0, "{2}")];
        Assert.True(await Store.Plant.SaveRevisionAsync(Write(1, "file") with { Models = [models[0]] }, default));
        Assert.True(await Store.Plant.SaveRevisionAsync(Write(2, "api", T0 + 5) with { Models = models }, default));
        Assert.Equal(models, await Store.ReadModelsAsync(default));
        // What is not given stays.
        Assert.True(await Store.Plant.SaveRevisionAsync(Write(3, "api") with { Models = null }, default));
        var newest = (await Store.Plant.ReadPlantAsync(default))!;
        Assert.Equal((3, "{3}"), (newest.Revision.Revision, newest.Revision.Document));
        Assert.Equal(models, newest.Models);
        Assert.Equal([2, 1], (await Store.Plant.ReadRevisionsAsync(3, 10, default)).Select(r => r.Revision));
        Assert.Equal(Write(2, "api", T0 + 5).Revision, await Store.Plant.ReadRevisionAsync(2, default));
        Assert.Null(await Store.Plant.ReadFileAsync(default));
        Assert.True(await Store.Plant.SaveRevisionAsync(Write(4, "file") with { File = "f" }, default));
        Assert.Equal("f", await Store.Plant.ReadFileAsync(default));
        await Store.Plant.SaveFileAsync("g", Deed("plant.file"), default);
        Assert.Equal("g", await Store.Plant.ReadFileAsync(default));
        Assert.Null(await Store.Plant.ReadRevisionAsync(9, default));
    }

    [Fact]
    public async Task Of_two_that_write_the_same_revision_one_is_told_that_it_was_not_the_first()
    {
        Assert.True(await Store.Plant.SaveRevisionAsync(Write(1, "file"), default));
        var both = await Task.WhenAll(
            Store.Plant.SaveRevisionAsync(Write(2, "api"), default), Store.Plant.SaveRevisionAsync(Write(2, "api"), default));
        Assert.Single(both, won => won);
        Assert.False(await Store.Plant.SaveRevisionAsync(Write(5, "api"), default));
        // What was not done is not said.
        Assert.Equal(2, (await AuditAsync(null)).Count);
    }

    [Fact]
    public async Task What_a_device_said_becomes_the_history_of_the_machine_that_it_is()
    {
        var ids = await Store.ResolveSignalsAsync(
            "g/n/d", [new("Run", "Boolean", null), new("Raw", "Double", null), new("Temp", "Double", "C")], inPlant: false, default);
        await CommitAsync([.. ids.Select(id => Row(id, 1, 1))]);
        var move = new SignalMove("g/n/d", "m1", new Dictionary<string, string?> { ["Run"] = "state.run", ["Raw"] = null });
        Assert.True(await Store.Plant.SaveRevisionAsync(Write(1, "api") with { Moves = [move] }, default));
        Assert.Equal(
            [ids[0], ids[2]],
            await Store.ResolveSignalsAsync("m1", [new("state.run", "Boolean", null), new("Temp", "Double", "C")], inPlant: true, default));
        Assert.Single((await Store.ReadTrendAsync("m1", "state.run", 0, T0 * 2, 10, default))!.Items);
        Assert.NotNull(await Store.ReadTrendAsync("g/n/d", "Raw", 0, T0 * 2, 10, default));
        Assert.Null(await Store.ReadTrendAsync("g/n/d", "Run", 0, T0 * 2, 10, default));
    }

    [Fact]
    public async Task Assets_and_tags_are_those_of_the_newest_revision_and_only_what_differs_is_written()
    {
        PlantModel Of(params string[] machines) => new()
        {
            Site = new Site("s", "S", "UTC"),
            Areas =
            [
                new Area
                {
                    Id = "a",
                    Lines =
                    [
                        new Line
                        {
                            Id = "l",
                            Machines = [.. machines.Select(m => new Machine { Id = m, LineId = "l", Tags = [new("R", $"state.{m}")] })],
                        },
                    ],
                },
            ],
        };
        Assert.True(await Store.Plant.SaveRevisionAsync(Write(1, "file") with { Plant = Of("m1", "m2", "m3") }, default));
        var next = Write(2, "api") with { Before = Of("m1", "m2", "m3"), Plant = Of("m1", "m3", "m4") };
        Assert.True(await Store.Plant.SaveRevisionAsync(next, default));
        Assert.Equal(
            ["s:0", "a:0", "l:0", "m1:0", "m3:1", "m4:2"],
            await TextsAsync("select id || ':' || position from asset order by kind = 'machine', kind = 'line', kind = 'area', id"));
        Assert.Equal(
            ["m1 state.m1", "m3 state.m3", "m4 state.m4"],
            await TextsAsync("select machine_id || ' ' || signal from tag_mapping order by machine_id"));
    }

    private async Task<List<string?>> TextsAsync(string sql) => [.. (await QueryAsync(sql)).Select(r => r[0]?.ToString())];

    private static PlantWrite Write(long revision, string source, long? validFromUs = null) => new(
        new PlantRevision(revision, T0 + revision, "anna", "127.0.0.1", source, "why", validFromUs, $$"""{{{revision}}}"""),
        new PlantModel { Site = new Site("s", "S", "UTC") }, [("c", """{"id":"c"}""")], null, [],
        new AuditEntry(T0 + revision, "anna", "plant.model", "s", "{}"));
}
