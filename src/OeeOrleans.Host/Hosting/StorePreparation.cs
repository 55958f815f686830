using OeeOrleans.Access.Identities;
using OeeOrleans.Access.Keys;
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
    private async Task<PlantDirectory> ReadModelAsync(CancellationToken cancellationToken)
    {
        var stored = await store.ReadModelsAsync(cancellationToken);
        if (stored.Count == 0 && config.Plant.Machines.Any())
        {
            throw new StoreUnavailableException("no silo has written the plant model yet");
        }

        return new PlantDirectory(config.Plant, ModelHistory.Update(stored, config.Plant, UnixMicros.Now(TimeProvider.System)));
    }

    /// <summary>Of several processes that start at once the first one sees what is new; the others find it said.</summary>
    private async Task<PlantDirectory> SaveModelAsync(CancellationToken cancellationToken)
    {
        var stored = await store.ReadModelsAsync(cancellationToken);
        if (!config.AcceptOlderModel && ModelHistory.Reverted(stored, config.Plant) is { Count: > 0 } reverted)
        {
            throw new OlderModelException(reverted);
        }

        var models = ModelHistory.Update(stored, config.Plant, UnixMicros.Now(TimeProvider.System));
        var (digest, change) = PlantChange.Of(config, stored, models, UnixMicros.Now(TimeProvider.System));
        await store.SavePlantAsync(config.Plant, digest, change, cancellationToken);
        if (!models.SequenceEqual(stored)) await store.SaveModelsAsync(models, cancellationToken);
        foreach (var changed in models.Except(stored).Where(m => m.FromUs > 0))
        {
            Log.ModelChanged(log, changed.Machine, changed.Part, UnixMicros.ToIso(changed.FromUs));
        }

        return new PlantDirectory(config.Plant, models);
    }
}

/// <summary>The plant model of the file was replaced by a later one, and a start must not silently write it back.</summary>
internal sealed class OlderModelException(IReadOnlyList<RevertedModel> reverted) : Exception(Text(reverted))
{
    private const int Named = 5;

    private static string Text(IReadOnlyList<RevertedModel> reverted)
    {
        var machines = reverted.Take(Named).Select(r => $"{r.Machine} ({r.Part}, replaced {UnixMicros.ToIso(r.ReplacedUs)})");
        var more = reverted.Count > Named ? $" and {reverted.Count - Named} more" : "";
        return $"the plant model of the file is older than that of the store: {string.Join(", ", machines)}{more}. "
            + "Use the newest file; where a change back is meant, give it a time (valid_from), or start once with --accept-older-model";
    }
}
