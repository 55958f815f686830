using OeeOrleans.Kpi.Accounting;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Kpi.Faults;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

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
/// tail folded, ready to be asked). Memory is bounded by open windows and recent samples, not by history.
/// Not safe for concurrent use: a grain owns it.
/// </summary>
public sealed class MachineAccount
{
    /// <summary>The tail reaches back at least this far: the rolling window and some lateness.</summary>
    public const long TailUs = PlantWindows.RollingUs + UnixMicros.PerMinute;

    /// <summary>Samples in the tail at most; a machine that sends more than that in six minutes has a shorter tail.</summary>
    public const int TailCapacity = 8192;

    /// <summary>Cells, timeline and ended faults are kept this long: any shift and day that may be open.</summary>
    public const long KeepUs = 26 * UnixMicros.PerHour;

    private readonly OeeParameters _parameters;
    private readonly PlantWindows _windows;
    private readonly Fold _checkpoint;
    private readonly List<MachineSample> _tail = [];
    private Fold _head;

    /// <param name="machine">Machine id, for the ids of fault events.</param>
    /// <param name="parameters">The machine's OEE parameters.</param>
    /// <param name="windows">The machine's windows.</param>
    /// <param name="startUs">Where accounting begins; samples at or before it are late.</param>
    public MachineAccount(string machine, OeeParameters parameters, PlantWindows windows, long startUs)
        : this(machine, parameters, windows, new FoldState { NowUs = startUs, ActiveSinceUs = startUs }, [])
    {
    }

    /// <summary>Goes on from a snapshot.</summary>
    public MachineAccount(string machine, OeeParameters parameters, PlantWindows windows, FoldState snapshot, IEnumerable<FaultEvent> faults)
    {
        _parameters = parameters;
        _windows = windows;
        var log = new FaultLog(machine, UnixMicros.FromSeconds(parameters.FaultDedupeS), faults);
        _checkpoint = new Fold(parameters, windows.Calendar, windows, snapshot, log) { KeepChanges = true };
        _head = _checkpoint.Clone();
    }

    /// <summary>Samples at or before this instant are late.</summary>
    public long CheckpointUs => _checkpoint.State.NowUs;

    /// <summary>The newest instant any sample told of.</summary>
    public long HeadUs => _head.State.NowUs;

    public int TailCount => _tail.Count;

    /// <summary>What is known at the newest sample (not advanced to the present): held values.</summary>
    public FoldState Latest => _head.State;

    /// <summary>Recent fault events, in order of start.</summary>
    public IReadOnlyList<FaultEvent> Faults
    {
        get
        {
            _head.Settle();
            return _head.Faults.Events;
        }
    }

    /// <summary>The state to store: everything up to <see cref="CheckpointUs"/>.</summary>
    public FoldState Checkpoint => _checkpoint.State;

    /// <summary>Fault events as of <see cref="CheckpointUs"/>, to store with it.</summary>
    public IReadOnlyList<FaultEvent> CheckpointFaults => _checkpoint.Faults.Events;

    /// <summary>Applies one sample; idempotent by (signal, source time, value).</summary>
    public ApplyOutcome Apply(in MachineSample sample)
    {
        if (sample.TimeUs <= _checkpoint.State.NowUs) return ApplyOutcome.Late;
        if (_tail.Count == 0 || SampleOrder.Compare(_tail[^1], sample) < 0)
        {
            _tail.Add(sample);
            if (sample.TimeUs >= _head.State.NowUs)
            {
                _head.AdvanceTo(sample.TimeUs);
                _head.Apply(sample);
            }
            else
            {
                Refold();
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

            Refold();
        }

        if (_tail.Count >= TailCapacity || (_tail.Count >= 64 && _tail[^1].TimeUs - _tail[0].TimeUs > 2 * TailUs)) AdvanceCheckpoint();
        return ApplyOutcome.Applied;
    }

    /// <summary>The account at an instant after the newest sample: state, sums of any window. A sample at a window's end is outside
    /// of it, so the present is at least a microsecond after the newest sample.</summary>
    public AccountView At(long asOfUs)
    {
        var fold = _head.Clone();
        fold.AdvanceTo(Math.Max(asOfUs, HeadUs + 1));
        fold.Settle();
        return new AccountView(fold, _parameters);
    }

    /// <summary>Sums of [from, to) where from lies in the tail and need not be a boundary of a window; null when it is older than that.</summary>
    public (OeeSums Sums, OeeKpis Kpis)? Span(long fromUs, long toUs)
    {
        if (fromUs < _checkpoint.State.NowUs && _checkpoint.State.Cells[^1].FromUs < fromUs) return null;
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
        return (sums, Ratios.Of(sums, _parameters, fold.IdealKnown));
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
        var head = _checkpoint.Clone();
        foreach (var sample in _tail)
        {
            head.AdvanceTo(sample.TimeUs);
            head.Apply(sample);
        }

        _head = head;
    }

    /// <summary>Folds the older part of the tail into the checkpoint, instant by instant, and forgets what no window needs.</summary>
    private void AdvanceCheckpoint()
    {
        var keepFrom = _tail[^1].TimeUs - TailUs;
        var count = _tail.Count >= TailCapacity ? _tail.Count / 2 : 0;
        while (count < _tail.Count && _tail[count].TimeUs < keepFrom) count++;
        // Samples of one instant stay together.
        while (count > 0 && count < _tail.Count && _tail[count].TimeUs == _tail[count - 1].TimeUs) count++;
        if (count == 0 || count >= _tail.Count) return;
        for (var i = 0; i < count; i++)
        {
            _checkpoint.AdvanceTo(_tail[i].TimeUs);
            _checkpoint.Apply(_tail[i]);
        }

        _tail.RemoveRange(0, count);
        Trim(_checkpoint);
        Trim(_head);
    }

    private static void Trim(Fold fold)
    {
        var before = fold.State.NowUs - KeepUs;
        var stopFrom = fold.State.StopFirstUs >= 0 ? fold.State.StopFirstUs : long.MaxValue;
        fold.State.Cells.RemoveAll(c => c.ToUs <= before && c.ToUs <= stopFrom);
        var changes = fold.State.Changes;
        var first = changes.FindIndex(c => c.TimeUs >= before);
        if (first > 1) changes.RemoveRange(0, first - 1);
        fold.Faults.ForgetBefore(before);
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
