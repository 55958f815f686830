using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.Access.Keys;
using OeeOrleans.Configuration;
using OeeOrleans.Host.Config;
using OeeOrleans.Host.Hosting;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Host.Tests;

/// <summary>A start with a plant model that was replaced since.</summary>
public sealed class StorePreparationTests : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("oee-model-").FullName;
    private readonly PlantKey _key = PlantKey.Random();
    private IStore _store = null!;

    public Task InitializeAsync()
    {
        _store = StoreFactory.Sqlite(Path.Combine(_directory, "oee.db"), NullLoggerFactory.Instance);
        return Task.CompletedTask;
    }

    public async Task DisposeAsync()
    {
        await _store.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task An_older_model_is_not_written_back_until_somebody_means_it()
    {
        await StartAsync(Cycle(1));
        await StartAsync(Cycle(2));
        var stored = await _store.ReadModelsAsync(CancellationToken.None);
        var refused = await Assert.ThrowsAsync<OlderModelException>(() => StartAsync(Cycle(1)));
        Assert.Contains("press1", refused.Message, StringComparison.Ordinal);
        Assert.Contains("--accept-older-model", refused.Message, StringComparison.Ordinal);
        Assert.Equal(stored, await _store.ReadModelsAsync(CancellationToken.None));

        await StartAsync(Cycle(1) with { AcceptOlderModel = true });
        var parameters = (await _store.ReadModelsAsync(CancellationToken.None)).Where(m => m.Part == "oee").ToList();
        Assert.Equal(3, parameters.Count);
        Assert.Equal(parameters[0].Model, parameters[2].Model);
    }

    [Fact]
    public async Task The_same_model_is_no_older_one()
    {
        await StartAsync(Cycle(1));
        await StartAsync(Cycle(1));
        await StartAsync(Cycle(2));
        await StartAsync(Cycle(2));
        Assert.Equal(2, (await _store.ReadModelsAsync(CancellationToken.None)).Count(m => m.Part == "oee"));
    }

    [Fact]
    public async Task A_start_with_another_model_stands_in_the_audit_log_and_one_with_the_same_does_not()
    {
        await StartAsync(Cycle(1));
        await StartAsync(Cycle(1));
        Assert.Equal("[]", Assert.Single(await ChangesAsync()).GetProperty("changed").GetRawText());
        await StartAsync(Cycle(2));
        await StartAsync(Cycle(2));
        var changes = await ChangesAsync();
        Assert.Equal(2, changes.Count);
        var changed = Assert.Single(changes[0].GetProperty("changed").EnumerateArray());
        Assert.Equal(("press1", "oee"), (changed.GetProperty("machine").GetString(), changed.GetProperty("part").GetString()));
        Assert.Equal((2, 1), (changes[0].GetProperty("revision").GetInt32(), changes[1].GetProperty("revision").GetInt32()));
    }

    [Fact]
    public async Task A_file_that_did_not_change_leaves_alone_what_another_file_brought()
    {
        await StartAsync(Cycle(1));
        await ImportAsync(Cycle(2), isPlantFile: false);
        var kept = await StartAsync(Cycle(1));
        Assert.Equal(2, kept.Plant.Machines.Single().Oee.IdealCycleS);
        await Assert.ThrowsAsync<PlantConflictException>(() => StartAsync(Cycle(3)));
    }

    [Fact]
    public async Task A_plant_that_was_restored_is_not_overwritten_by_a_file_that_nobody_compared_with_it()
    {
        await _store.MigrateAsync(default);
        await ImportAsync(Cycle(2), isPlantFile: false);
        var conflict = await Assert.ThrowsAsync<PlantConflictException>(() => StartAsync(Cycle(1)));
        Assert.Contains("ideal_cycle_s: 2 -> 1", conflict.Message, StringComparison.Ordinal);
        // The same is no conflict, and is remembered.
        Assert.Equal(2, (await StartAsync(Cycle(2))).Plant.Machines.Single().Oee.IdealCycleS);
        Assert.Equal(3, (await StartAsync(Cycle(3))).Plant.Machines.Single().Oee.IdealCycleS);
    }

    [Fact]
    public async Task Whoever_keeps_the_stores_plant_is_not_asked_again()
    {
        await StartAsync(Cycle(1));
        await ImportAsync(Cycle(2), isPlantFile: false);
        await Assert.ThrowsAsync<PlantConflictException>(() => StartAsync(Cycle(3)));
        await ImportAsync(Cycle(3), isPlantFile: true, ImportConflict.KeepStored);
        Assert.Equal(2, (await StartAsync(Cycle(3))).Plant.Machines.Single().Oee.IdealCycleS);
    }

    [Fact]
    public async Task A_machine_that_the_file_does_not_have_any_more_is_retired_and_one_that_it_has_again_is_not()
    {
        await StartAsync(Two);
        var one = await StartAsync(Cycle(1));
        Assert.Equal("press2", Assert.Single(one.Plant.Retired).Machine.Id);
        Assert.NotNull(one.Now.FindModel("press2"));
        Assert.Empty((await StartAsync(Two)).Plant.Retired);
    }

    [Fact]
    public async Task Of_silos_that_start_at_once_one_imports_and_all_have_the_same()
    {
        await _store.MigrateAsync(default);
        var all = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => StartAsync(Cycle(1))));
        Assert.All(all, p => Assert.Equal(1, p.Now.Revision));
        Assert.Equal(1, await _store.Plant.ReadNewestRevisionAsync(default));
    }

    [Fact]
    public async Task A_later_file_does_not_touch_the_history_of_what_it_says_nothing_new_of()
    {
        const string Since = "valid_from: 2026-01-05T06:00:00Z";
        await StartAsync(Cycle(1));
        await StartAsync(Cycle(2, Since));
        await StartAsync(Cycle(3));
        // Back to what says a time in the past, from now on.
        await RollBack.RunAsync(
            _store, new PlantChanges(_store, TimeProvider.System), 2, new PlantAuthor("test", "test", ""), null, default);
        var before = await _store.ReadModelsAsync(default);
        Assert.Equal(4, before.Count(m => m.Part == "oee"));
        await ImportAsync(Cycle(2, $"{Since}, name: Another"), isPlantFile: true, ImportConflict.TakeFile);
        Assert.Equal(before, await _store.ReadModelsAsync(default));
    }

    private static OeeConfig Two => ConfigFile.Parse(
        """
        site: { id: s, name: S, time_zone: UTC }
        areas: [{ id: a, lines: [{ id: l, machines: [{ id: press1, ideal_cycle_s: 1 }, { id: press2, ideal_cycle_s: 1 }] }] }]
        """,
        "plant.yaml");

    private Task ImportAsync(OeeConfig config, bool isPlantFile, ImportConflict conflict = ImportConflict.Stop) =>
        new PlantImport(_store, TimeProvider.System) { OnConflict = conflict }.RunAsync(
            config.Document, new PlantAuthor("test", "test", ""), isPlantFile, CancellationToken.None);

    /// <summary>Details, newest first.</summary>
    private async Task<List<JsonElement>> ChangesAsync() =>
    [
        .. (await _store.Access.SearchAuditAsync(new AuditQuery(10) { Action = PlantChanges.Action }, CancellationToken.None))
            .Select(e => JsonDocument.Parse(e.Entry.Detail).RootElement),
    ];

    private static OeeConfig Cycle(int seconds, string more = "") => ConfigFile.Parse(
        $$"""
        site: { id: s, name: S, time_zone: UTC }
        areas: [{ id: a, lines: [{ id: l, machines: [{ id: press1, ideal_cycle_s: {{seconds}}{{(more.Length > 0 ? ", " : "")}}{{more}} }] }] }]
        """,
        "plant.yaml");

    private Task<PlantDirectory> StartAsync(OeeConfig config) =>
        new StorePreparation(_store, config, _key, writes: true, NullLogger.Instance).RunAsync(CancellationToken.None);
}
