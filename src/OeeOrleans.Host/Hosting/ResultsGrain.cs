using OeeOrleans.Edge;
using OeeOrleans.Edge.Results;
using OeeOrleans.Grains;
using OeeOrleans.Grains.Live;
using OeeOrleans.Grains.Plant;
using Orleans.Storage;

namespace OeeOrleans.Host.Hosting;

/// <summary>The results node of the plant: a grain, so that there is one of it in the cluster; woken by the keeper, so that there is always one.</summary>
internal sealed class ResultsGrain(
    [PersistentState("results")] IPersistentState<ResultsState> state, PlantDirectory plant, TimeProvider clock, ILogger<ResultsGrain> log, ResultsSettings? settings = null)
    : Grain, IResultsGrain, ILiveObserver
{
    private static readonly TimeSpan Renew = TimeSpan.FromSeconds(ILineGrain.WatchForS / 3.0);

    private readonly CancellationTokenSource _stop = new();
    private ResultsNode? _node;
    private Task _running = Task.CompletedTask;

    public Task Ensure()
    {
        if (settings is null || _node is not null) return Task.CompletedTask;
        var ids = plant.Plant.Lines.Select(l => l.Id).Concat(plant.Plant.Machines.Select(m => m.Id)).ToList();
        var turn = TaskScheduler.Current;
        // The node lives on threads of its own; its numbers are the grain's business.
        _node = new ResultsNode(settings.Group, settings.Node, ids, settings.Broker, () => Task.Factory.StartNew(NextBdSeqAsync, CancellationToken.None, TaskCreationOptions.None, turn).Unwrap(), clock, log);
        _running = Task.Run(() => _node.RunAsync(_stop.Token));
        this.RegisterGrainTimer(_ => WatchAsync(), new GrainTimerCreationOptions { DueTime = TimeSpan.Zero, Period = Renew, KeepAlive = true });
        return Task.CompletedTask;
    }

    public Task OnMachine(MachineUpdate update)
    {
        if (update.Shift is { } shift) _node?.Update(update.Status.MachineId, shift);
        return Task.CompletedTask;
    }

    public Task OnLine(LineUpdate update)
    {
        _node?.Update(update.LineId, update.Shift);
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        // It says goodbye to the broker.
        await _running.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
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
            Log.ResultsNotSubscribed(log, error.Message);
        }
    }

    /// <summary>The number of the next session, remembered before it is used: a later life never repeats the one before (tck-id-payloads-nbirth-bdseq).</summary>
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

/// <summary>Under which name results are published, and where.</summary>
internal sealed record ResultsSettings(string Group, string Node, EdgeBroker Broker);
