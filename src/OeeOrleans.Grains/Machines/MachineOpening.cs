namespace OeeOrleans.Grains.Machines;

/// <summary>
/// How a machine comes to life: it waits for its turn, is read from the store, and takes in what came meanwhile. Used within the turns of
/// its
/// grain.
/// <code>
/// asleep --(asked, heard, looked at)--> waiting --(turn)--> reading --> open
///    ^                                                         |
///    '------------------(the store is away)--------------------'
/// </code>
/// Batches that come before the reading begins are committed, so they are read; those that come during it are kept, as many as there is
/// room
/// for, and beyond that the machine owes a recomputation from the oldest of them on.
/// </summary>
/// <param name="open">Reads the machine.</param>
/// <param name="opened">Told of what was read and of what came meanwhile.</param>
/// <param name="failed">Told why it could not be read.</param>
internal sealed class MachineOpening(
    MachineAdmission admission, Func<Task<MachineLedger>> open, OpenedMachine opened,
    Action<Exception> failed)
{
    /// <summary>Samples that are kept while the machine is read.</summary>
    private const int MaxKept = 20_000;

    private readonly List<MachineBatch> _kept = [];
    private int _keptSamples;
    private long? _missedUs;

    /// <summary>Whether a device lives is in no table: the newest batch says it, also when its rows are read.</summary>
    private MachineBatch? _said;
    private MachineAdmission.Turn? _turn;
    private Urgency _urgency;
    private Task<MachineLedger>? _opening;
    private bool _reading;

    /// <summary>The newest batch that came before it was open; null when none did.</summary>
    public MachineBatch? Said => _said;

    /// <summary>Opens it and waits for that.</summary>
    public Task<MachineLedger> OpenedAsync()
    {
        Begin(Urgency.Asked);
        return _opening!;
    }

    /// <summary>Opens it, and nobody waits for it. Nothing happens when it is open, or about to be.</summary>
    public void Begin(Urgency urgency)
    {
        if (_opening is null)
        {
            _urgency = urgency;
            _opening = RunAsync();
            // Its failure is told below, and to whoever waits for it.
            _opening.Ignore();
            return;
        }

        if (urgency < _urgency) _urgency = urgency;
        _turn?.Urge(_urgency);
    }

    /// <summary>A committed batch came before the machine was open.</summary>
    public void Hear(MachineBatch batch)
    {
        _said = batch;
        if (_reading) Keep(batch);
        Begin(Urgency.Heard);
    }

    private void Keep(MachineBatch batch)
    {
        _keptSamples += batch.Samples.Length + 1;
        if (_keptSamples <= MaxKept)
        {
            _kept.Add(batch);
            return;
        }

        foreach (ref readonly var sample in batch.Samples.AsSpan()) _missedUs = Math.Min(_missedUs ?? long.MaxValue, sample.TimeUs);
    }

    private async Task<MachineLedger> RunAsync()
    {
        // So that it is known as under way before it can be over.
        await Task.Yield();
        var started = System.Diagnostics.Stopwatch.GetTimestamp();
        _turn = admission.Queue(_urgency);
        await _turn.Entered;
        var (isRead, isOpen) = (false, false);
        try
        {
            _reading = true;
            var ledger = await open();
            isRead = true;
            opened(ledger, _kept, _missedUs, _said);
            isOpen = true;
            GrainMetrics.OpeningSeconds.Observe(System.Diagnostics.Stopwatch.GetElapsedTime(started).TotalSeconds);
            return ledger;
        }
        catch (Exception error)
        {
            failed(error);
            throw;
        }
        finally
        {
            admission.Leave(isRead);
            _kept.Clear();
            (_reading, _keptSamples, _missedUs, _turn) = (false, 0, null, null);
            // Once it is open there is nothing to begin any more.
            if (isOpen) _said = null;
            else _opening = null;
        }
    }
}

/// <summary>A machine was read.</summary>
/// <param name="ledger">What was read.</param>
/// <param name="kept">What came during it, and may or may not be in it.</param>
/// <param name="missedUs">The oldest source time of what could not be kept; null when everything was.</param>
/// <param name="said">The newest batch that came before it was open; null when none did.</param>
internal delegate void OpenedMachine(MachineLedger ledger, IReadOnlyList<MachineBatch> kept, long? missedUs, MachineBatch? said);
