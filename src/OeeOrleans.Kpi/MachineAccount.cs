using OeeOrleans.Kpi.Accounting;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Kpi.Faults;
using OeeOrleans.Model;

namespace OeeOrleans.Kpi;

/// <summary>What a sample did to an account.</summary>
public enum ApplyOutcome
{
    /// <summary>It counts.</summary>
    Applied,
    /// <summary>The account had it already.</summary>
    NoEffect,
    /// <summary>It is older than what the account can still change; recompute from the store.</summary>
    Late,
}

/// <summary>
/// The incremental face of the engine, for one machine. Three parts: a checkpoint (everything up to some minutes ago, folded), a tail
/// (the samples since, in order, so that a sample that comes a little late is simply put in its place), and a head (checkpoint and
/// tail folded, ready to be asked). The owner stores windows when they end and then releases them, so memory is bounded by open windows
/// and recent samples, not by history. Not safe for concurrent use: a grain owns it.
/// </summary>
public sealed class MachineAccount
{
    /// <summary>The tail reaches back at least this far: the rolling window and some lateness.</summary>
    public const long TailUs = PlantWindows.RollingUs + UnixMicros.PerMinute;

    /// <summary>Samples in the tail at most; a machine that sends more than that in six minutes has a shorter tail.</summary>
    public const int TailCapacity = 32_768;

    /// <summary>Fault events kept at most, beyond those that are active.</summary>
    public const int MaxFaults = 500;

    private readonly ParameterTimeline _parameters;
    private readonly PlantWindows _windows;
    private readonly Fold _checkpoint;
    private readonly List<MachineSample> _tail = [];
    private readonly StateHistory _history;
    private Fold _head;
    private bool _headIsStale;
    private long _releasedUs = long.MinValue;

    /// <param name="machine">Machine id, for the ids of fault events.</param>
    /// <param name="parameters">The machine's OEE parameters.</param>
    /// <param name="windows">The machine's windows.</param>
    /// <param name="startUs">Where accounting begins; samples at or before it are late.</param>
    public MachineAccount(string machine, ParameterTimeline parameters, PlantWindows windows, long startUs)
        : this(machine, parameters, windows, new FoldState { NowUs = startUs, ActiveSinceUs = startUs }, [], [])
    {
    }

    /// <summary>Goes on from a snapshot.</summary>
    public MachineAccount(
        string machine, ParameterTimeline parameters, PlantWindows windows, FoldState snapshot, IEnumerable<FaultEvent> faults,
        IEnumerable<StateChange> changes)
    {
        _parameters = parameters;
        _windows = windows;
        _history = new StateHistory(changes);
        _checkpoint = new Fold(parameters, windows.Calendar, windows, snapshot, new FaultLog(machine, parameters, faults));
        _head = _checkpoint.Clone(history: _history);
    }

    /// <summary>Samples at or before this instant are late.</summary>
    public long CheckpointUs => _checkpoint.State.NowUs;

    /// <summary>Windows that ended at or before this are released and forgotten; all others can be asked for.</summary>
    public long SettledUs => _checkpoint.State.SettledUs;

    /// <summary>The newest instant any sample told of.</summary>
    public long HeadUs => _tail.Count > 0 ? Math.Max(_tail[^1].TimeUs, CheckpointUs) : CheckpointUs;

    /// <summary>
    /// Up to here nothing but late samples can change a window: the checkpoint, or the start of a stop that is not over in it.
    /// </summary>
    public long DecidedUs => _checkpoint.State is { StopFirstUs: >= 0 } s ? Math.Min(s.NowUs, s.StopFirstUs) : _checkpoint.State.NowUs;

    public int TailCount => _tail.Count;

    /// <summary>What is known at the newest sample (not advanced to the present): held values.</summary>
    public FoldState Latest => Head.State;

    /// <summary>Recent fault events, in order of start.</summary>
    public IReadOnlyList<FaultEvent> Faults
    {
        get
        {
            Head.Settle();
            return Head.Faults.Events;
        }
    }

    /// <summary>Every fault that started after this is among <see cref="Faults"/>.</summary>
    public long FaultsCompleteFromUs => Head.Faults.CompleteFromUs;

    /// <summary>Changes of the held state since the start of the shift, for timelines.</summary>
    public IReadOnlyList<StateChange> Changes
    {
        get
        {
            _ = Head;
            return _history.Changes;
        }
    }

    /// <summary>The state to store: everything up to <see cref="CheckpointUs"/>.</summary>
    public FoldState Checkpoint => _checkpoint.State;

    /// <summary>Fault events as of <see cref="CheckpointUs"/>, to store with it.</summary>
    public IReadOnlyList<FaultEvent> CheckpointFaults => _checkpoint.Faults.Events;

    private Fold Head
    {
        get
        {
            if (_headIsStale) Refold();
            return _head;
        }
    }

    /// <summary>Applies one sample; idempotent by (signal, source time, value).</summary>
    public ApplyOutcome Apply(in MachineSample sample)
    {
        if (sample.TimeUs <= _checkpoint.State.NowUs) return ApplyOutcome.Late;
        if (sample.Quality == Quality.Retracted) return Retract(sample);
        if (_tail.Count == 0 || SampleOrder.Compare(_tail[^1], sample) < 0)
        {
            _tail.Add(sample);
            if (!_headIsStale)
            {
                _head.AdvanceTo(sample.TimeUs);
                _head.Apply(sample);
            }
        }
        else
        {
            var at = FindSlot(sample);
            if (at < _tail.Count && SampleOrder.Compare(_tail[at], sample) == 0)
            {
                if (_tail[at].Equals(sample)) return ApplyOutcome.NoEffect;
                _tail[at] = sample;
            }
            else
            {
                _tail.Insert(at, sample);
            }

            // Folded again when somebody asks: a batch of late samples costs one fold.
            _headIsStale = true;
        }

        if (_tail.Count >= TailCapacity || (_tail.Count >= 64 && _tail[^1].TimeUs - _tail[0].TimeUs > 2 * TailUs)) AdvanceCheckpoint();
        return ApplyOutcome.Applied;
    }

    /// <summary>The account at an instant after the newest sample: state, sums of any window. A sample at a window's end is outside
    /// of it, so the present is at least a microsecond after the newest sample.</summary>
    public AccountView At(long asOfUs)
    {
        var fold = Head.Clone();
        fold.AdvanceTo(Math.Max(asOfUs, HeadUs + 1));
        fold.Settle();
        return new AccountView(fold, _parameters);
    }

    /// <summary>
    /// Sums of [from, to) where from lies in the tail and need not be a boundary of a window; null when it is older than that.
    /// </summary>
    public (OeeSums Sums, OeeKpis Kpis)? Span(long fromUs, long toUs)
    {
        if (fromUs < _checkpoint.State.NowUs) return null;
        var fold = _checkpoint.Clone(new SpanGrid(_windows, fromUs));
        // The cell that is open in the checkpoint was made without this boundary.
        if (fold.State.Cells[^1] is var cell && cell.ToUs > fromUs && cell.FromUs < fromUs) cell.ToUs = fromUs;
        foreach (var sample in _tail)
        {
            if (sample.TimeUs > toUs) break;
            fold.AdvanceTo(sample.TimeUs);
            fold.Apply(sample);
        }

        fold.AdvanceTo(toUs);
        fold.Settle();
        var sums = fold.Sums(fromUs, toUs);
        return (sums, Ratios.Of(sums, _parameters.At(toUs - 1), fold.IdealKnown));
    }

    /// <summary>Windows, stops and jobs that ended at or before an instant are stored: what no other window needs is forgotten.</summary>
    public void Release(long untilUs)
    {
        _releasedUs = Math.Max(_releasedUs, untilUs);
        var state = _checkpoint.State;
        var settled = Math.Min(_releasedUs, DecidedUs);
        if (settled <= state.SettledUs) return;
        if (state.SettledUs > long.MinValue
            && _windows.Next(state.SettledUs) > settled
            && NothingOver(state, settled)
            && NothingOver(_head.State, settled))
        {
            (state.SettledUs, _head.State.SettledUs) = (settled, settled);
            return;
        }

        var keep = _windows.OpenBoundaries(settled);
        var job = state.Jobs.Append(state.Job ?? new JobSpan(long.MaxValue, null, null, null)).FirstOrDefault(
            j => j.ToUs is not { } end || end > settled);
        if (job.FromUs < settled && job.FromUs > 0) keep = [.. keep.Append(job.FromUs).Distinct().Order()];
        Trim(_checkpoint, settled, keep);
        if (_headIsStale) return;
        Trim(_head, settled, keep);
        // Up to the checkpoint both have the same cells: one copy of what nothing can change any more is enough.
        var firstOpen = state.Cells.FindIndex(c => c.ToUs > state.NowUs || (state.StopFirstUs >= 0 && c.ToUs > state.StopFirstUs));
        var openFromUs = state.Cells[firstOpen].FromUs;
        _head.State.Cells = [.. state.Cells.Take(firstOpen), .. _head.State.Cells.Where(c => c.FromUs >= openFromUs)];
    }

    /// <summary>Whether nothing waits to be forgotten.</summary>
    private static bool NothingOver(FoldState state, long settledUs) =>
        !state.Stops.Exists(s => s.EndUs <= settledUs) && !state.Jobs.Exists(j => j.ToUs <= settledUs);

    private ApplyOutcome Retract(in MachineSample sample)
    {
        var at = FindSlot(sample);
        if (at >= _tail.Count || SampleOrder.Compare(_tail[at], sample) != 0) return ApplyOutcome.NoEffect;
        _tail.RemoveAt(at);
        _headIsStale = true;
        return ApplyOutcome.Applied;
    }

    private int FindSlot(in MachineSample sample)
    {
        int lo = 0, hi = _tail.Count;
        while (lo < hi)
        {
            var mid = (lo + hi) >>> 1;
            if (SampleOrder.Compare(_tail[mid], sample) < 0) lo = mid + 1;
            else hi = mid;
        }

        return lo;
    }

    private void Refold()
    {
        _history.CutAfter(_checkpoint.State.NowUs);
        var head = _checkpoint.Clone(history: _history);
        foreach (var sample in _tail)
        {
            head.AdvanceTo(sample.TimeUs);
            head.Apply(sample);
        }

        (_head, _headIsStale) = (head, false);
    }

    /// <summary>Folds the older part of the tail into the checkpoint, instant by instant.</summary>
    private void AdvanceCheckpoint()
    {
        var keepFrom = _tail[^1].TimeUs - TailUs;
        var count = _tail.Count >= TailCapacity ? _tail.Count / 2 : 0;
        while (count < _tail.Count && _tail[count].TimeUs < keepFrom) count++;
        // Samples of one instant stay together.
        while (count > 0 && count < _tail.Count && _tail[count].TimeUs == _tail[count - 1].TimeUs) count++;
        if (count == 0 || count >= _tail.Count) return;
        // What leaves the tail can be noted for timelines no more.
        if (_headIsStale) Refold();
        for (var i = 0; i < count; i++)
        {
            _checkpoint.AdvanceTo(_tail[i].TimeUs);
            _checkpoint.Apply(_tail[i]);
        }

        _tail.RemoveRange(0, count);
    }

    private void Trim(Fold fold, long settledUs, long[] keep)
    {
        var state = fold.State;
        state.SettledUs = settledUs;
        state.Cells = CellCompaction.Of(state.Cells, settledUs, keep);
        state.Stops.RemoveAll(s => s.EndUs <= settledUs);
        state.Jobs.RemoveAll(j => j.ToUs <= settledUs);
        var shownFrom = _windows.Shift(settledUs)?.FromUs ?? settledUs - UnixMicros.PerDay;
        _history.Forget(shownFrom);
        fold.Faults.Forget(Math.Min(settledUs, shownFrom), MaxFaults);
    }

    private sealed class SpanGrid(PlantWindows windows, long extraUs) : ICellGrid
    {
        public long Next(long timeUs)
        {
            var next = windows.Next(timeUs);
            return extraUs > timeUs && extraUs < next ? extraUs : next;
        }
    }
}
