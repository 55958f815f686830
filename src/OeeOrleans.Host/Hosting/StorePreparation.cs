using OeeOrleans.Access.Identities;
using OeeOrleans.Access.Keys;
using OeeOrleans.Configuration;
using OeeOrleans.Host.Config;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Storage;

namespace OeeOrleans.Host.Hosting;

/// <summary>Brings the store up to date before anything else starts: schema, plant model, history of the model.</summary>
internal sealed class StorePreparation(IStore store, OeeConfig config, PlantKey key, bool writes, ILogger log)
{
    private static readonly TimeSpan Retry = TimeSpan.FromSeconds(2);

    /// <summary>The database may come up later than we do; meanwhile our HTTP address says so, whatever the roles.</summary>
    /// <exception cref="StoreUnavailableException">Waiting does not help.</exception>
    /// <exception cref="OlderModelException">The file's model is one that was replaced.</exception>
    public async Task<PlantDirectory> RunAsync(CancellationToken cancellationToken)
    {
        WaitingRoom? room = null;
        try
        {
            while (true)
            {
                try
                {
                    await store.MigrateAsync(cancellationToken);
                    await AccessRefresher.CheckKeyAsync(store.Access, key, TimeProvider.System, cancellationToken);
                    return writes
                        ? await store.AloneAsync(() => SaveModelAsync(cancellationToken), cancellationToken)
                        : await ReadModelAsync(cancellationToken);
                }
                catch (StoreUnavailableException error) when (!error.NeedsOperator)
                {
                    if (room is null) Log.WaitingForStore(log, error.Message);
                    room ??= await WaitingRoom.OpenAsync(config, cancellationToken);
                    room?.Reason = error.Message;
                    await Task.Delay(Retry, cancellationToken);
                }
            }
        }
        finally
        {
            if (room is not null) await room.DisposeAsync();
        }
    }

    /// <summary>A gateway by itself takes what the silos have said.</summary>
    private async Task<PlantDirectory> ReadModelAsync(CancellationToken cancellationToken) =>
        await new PlantChanges(store, TimeProvider.System).ReadAsync(cancellationToken) is { } state
            ? DirectoryOf(state)
            : throw new StoreUnavailableException("no silo has written the plant model yet");

    private async Task<PlantDirectory> SaveModelAsync(CancellationToken cancellationToken)
    {
        var import = new PlantImport(store, TimeProvider.System)
        {
            AcceptOlderModel = config.AcceptOlderModel,
            OnConflict = config.KeepStoredPlant ? ImportConflict.KeepStored : ImportConflict.Stop,
        };
        var (state, before) = await import.RunAsync(
            config.Document, new PlantAuthor("system", "configuration file", ""), isPlantFile: true, cancellationToken);
        foreach (var changed in state.Models.Except(before?.Models ?? []).Where(m => m.FromUs > 0))
        {
            Log.ModelChanged(log, changed.Machine, changed.Part, UnixMicros.ToIso(changed.FromUs));
        }

        return DirectoryOf(state);
    }

    private static PlantDirectory DirectoryOf(PlantState state) => new(state.Plant, state.Models, state.Revision.Revision);
}
