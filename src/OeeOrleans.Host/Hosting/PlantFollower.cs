using OeeOrleans.Grains;
using OeeOrleans.Kpi.Plant;

namespace OeeOrleans.Host.Hosting;

/// <summary>When the plant was changed, has the machines look at their model again, also those that say nothing; each silo does, because
/// each knows when it has the change itself.</summary>
internal sealed class PlantFollower(PlantDirectory plant, IGrainFactory grains, ILogger<PlantFollower> log) : BackgroundService
{
    /// <summary>Machines that are asked at a time.</summary>
    private const int AtOnce = 200;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly SemaphoreSlim _changed = new(0);
    private readonly Lock _lock = new();
    private readonly HashSet<string> _waiting = new(StringComparer.Ordinal);
    private bool _othersToPublish;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        plant.Changed += Note;
        try
        {
            while (true)
            {
                await _changed.WaitAsync(stoppingToken);
                await TellAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            return;
        }
        finally
        {
            plant.Changed -= Note;
        }
    }

    private void Note(PlantIndex before)
    {
        var now = plant.Now;
        lock (_lock)
        {
            foreach (var machine in now.Plant.Machines.Concat(before.Plant.Machines))
            {
                if (!ReferenceEquals(now.FindModel(machine.Id), before.FindModel(machine.Id))) _waiting.Add(machine.Id);
            }

            _othersToPublish |= !PublishedBy(now).SequenceEqual(PublishedBy(before));
        }

        _changed.Release();
    }

    private static IEnumerable<string> PublishedBy(PlantIndex index) =>
        index.Plant.Lines.Select(l => l.Id).Concat(index.Plant.Machines.Select(m => m.Id));

    private async Task TellAsync(CancellationToken cancellationToken)
    {
        string[] machines;
        bool publishes;
        lock (_lock)
        {
            machines = [.. _waiting];
            publishes = _othersToPublish;
            _waiting.Clear();
            _othersToPublish = false;
        }

        foreach (var some in machines.Chunk(AtOnce))
        {
            await TryAsync("machines", () => Task.WhenAll(some.Select(async id =>
            {
                // The first call ends the life that has the model before, the second one begins the next.
                await grains.GetGrain<IMachineGrain>(id).Wake();
                await grains.GetGrain<IMachineGrain>(id).Wake();
            })), cancellationToken);
        }

        if (!publishes) return;
        await TryAsync("the results node", async () =>
        {
            await grains.GetGrain<IResultsGrain>(0).Ensure();
            await grains.GetGrain<IResultsGrain>(0).Ensure();
        }, cancellationToken);
    }

    private async Task TryAsync(string whom, Func<Task> work, CancellationToken cancellationToken)
    {
        try
        {
            await work().WaitAsync(Limit, cancellationToken);
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            // Whoever was not reached sees it with its next call.
            Log.ChangeNotTold(log, whom, error.Message, error);
        }
    }
}
