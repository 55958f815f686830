using Microsoft.Extensions.Logging;
using OeeOrleans.Grains.Live;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using Orleans.Storage;

namespace OeeOrleans.Grains.Results;

/// <summary>Publishes results somewhere outside: newest figures in, nothing out. Runs until cancelled, on threads of its own.</summary>
public interface IResultsPublisher
{
    /// <summary>The newest figures of a machine or line.</summary>
    void Update(string id, OeeWindow shift);

    Task RunAsync(CancellationToken cancellationToken);
}

/// <summary>Makes the publisher of a plant's results.</summary>
/// <param name="ids">Ids of machines and lines.</param>
/// <param name="nextBdSeq">A number for the next session; remembered by whoever gives it.</param>
public delegate IResultsPublisher ResultsPublisherFactory(IReadOnlyList<string> ids, Func<Task<byte>> nextBdSeq);

/// <summary>
/// The results node of the plant: a grain, so that there is one of it in the cluster; woken by the keeper, so that there is always one.
/// </summary>
internal sealed class ResultsGrain(
    [PersistentState("results")] IPersistentState<ResultsState> state, PlantDirectory plant, TimeProvider clock, ILogger<ResultsGrain> log,
    ResultsPublisherFactory? publishers = null)
    : Grain, IResultsGrain, ILiveObserver
{
    private static readonly TimeSpan Renew = TimeSpan.FromSeconds(ILineGrain.WatchForS / 3.0);

    private readonly CancellationTokenSource _stop = new();
    private IResultsPublisher? _publisher;
    private List<string> _published = [];
    private Task _running = Task.CompletedTask;

    public Task Ensure()
    {
        if (publishers is null) return Task.CompletedTask;
        var ids = plant.Plant.Lines.Select(l => l.Id).Concat(plant.Plant.Machines.Select(m => m.Id)).ToList();
        if (_publisher is not null)
        {
            // A birth says which devices there are: others are born by the next life.
            if (!ids.SequenceEqual(_published)) DeactivateOnIdle();
            return Task.CompletedTask;
        }

        _published = ids;
        var turn = TaskScheduler.Current;
        // The node lives on threads of its own; its numbers are the grain's business.
        _publisher = publishers(
            ids, () => Task.Factory.StartNew(NextBdSeqAsync, CancellationToken.None, TaskCreationOptions.None, turn).Unwrap());
        _running = Task.Run(() => _publisher.RunAsync(_stop.Token));
        this.RegisterGrainTimer(
            _ => WatchAsync(), new GrainTimerCreationOptions { DueTime = TimeSpan.Zero, Period = Renew, KeepAlive = true });
        return Task.CompletedTask;
    }

    public Task OnMachine(MachineUpdate update)
    {
        if (update.Shift is { } shift) _publisher?.Update(update.Status.MachineId, shift);
        return Task.CompletedTask;
    }

    public async Task OnMachines(MachineUpdate[] updates)
    {
        foreach (var update in updates) await OnMachine(update);
    }

    public Task OnLine(LineUpdate update)
    {
        _publisher?.Update(update.LineId, update.Shift);
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        // It says goodbye to the broker.
        await _running.WaitAsync(cancellationToken).ConfigureAwait(
            ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        _stop.Dispose();
    }

    private async Task WatchAsync()
    {
        var self = this.AsReference<ILiveObserver>();
        try
        {
            await Task.WhenAll(plant.Plant.Lines.Select(l => GrainFactory.GetGrain<ILineGrain>(l.Id).Watch(self))).WaitAsync(Renew, clock);
        }
        catch (Exception error)
        {
            Log.ResultsNotSubscribed(log, error.Message, error);
        }
    }

    /// <summary>
    /// The number of the next session, remembered before it is used: a later life never repeats the one before
    /// (tck-id-payloads-nbirth-bdseq).
    /// </summary>
    private async Task<byte> NextBdSeqAsync()
    {
        var next = (byte)(state.State.BdSeq + 1);
        state.State.BdSeq = next;
        try
        {
            await state.WriteStateAsync();
        }
        catch (InconsistentStateException)
        {
            // Another life of this grain wrote it; the next attempt goes on from there.
            await state.ReadStateAsync();
            throw;
        }

        return next;
    }
}

/// <summary>What the results node must remember.</summary>
[GenerateSerializer]
[Alias("oee.results-state")]
internal sealed class ResultsState
{
    /// <summary>`bdSeq` of the newest session.</summary>
    [Id(0)]
    public byte BdSeq { get; set; }
}
