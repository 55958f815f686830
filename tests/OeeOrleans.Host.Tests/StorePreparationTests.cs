using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.Access.Keys;
using OeeOrleans.Configuration;
using OeeOrleans.Host.Config;
using OeeOrleans.Host.Hosting;
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

    /// <summary>Details, newest first.</summary>
    private async Task<List<JsonElement>> ChangesAsync() =>
    [
        .. (await _store.Access.SearchAuditAsync(new AuditQuery(10) { Action = PlantChanges.Action }, CancellationToken.None))
            .Select(e => JsonDocument.Parse(e.Entry.Detail).RootElement),
    ];

    private static OeeConfig Cycle(int seconds) => ConfigFile.Parse(
        $$"""
        site: { id: s, name: S, time_zone: UTC }
        areas: [{ id: a, lines: [{ id: l, machines: [{ id: press1, ideal_cycle_s: {{seconds}} }] }] }]
        """,
        "plant.yaml");

    private Task StartAsync(OeeConfig config) =>
        new StorePreparation(_store, config, _key, writes: true, NullLogger.Instance).RunAsync(CancellationToken.None);
}
