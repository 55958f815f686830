namespace OeeOrleans.Grains.Machines;

/// <summary>
/// What a machine has still to do, and when: its one timer is set for the earliest of it, so that a machine with nothing to do costs
/// nothing.
/// Used within the turns of its grain.
/// </summary>
internal sealed class MachineWork(TimeProvider clock, SiloPace pace)
{
    /// <summary>What cannot wait for the silo's pace is looked at so often.</summary>
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    /// <summary>Changes that come together are told together.</summary>
    private TimeSpan Together => pace.IsLarge ? TimeSpan.FromMilliseconds(100) : TimeSpan.FromMilliseconds(20);

    /// <summary>A recomputation waits until late samples stop coming, but not longer than <see cref="MaxSettle"/>.</summary>
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(800);
    private static readonly TimeSpan MaxSettle = TimeSpan.FromSeconds(10);

    private bool _present;
    private long? _firesAt;
    private bool _changed;
    private bool _flushSoon;
    private long _flushedAt = clock.GetTimestamp();

    /// <summary>Machines that came to life together write apart: the first time some sooner, some later.</summary>
    private double _flushOffset = Random.Shared.NextDouble() - 0.5;
    private long? _toldAt;
    private long _lateSince;
    private long _lateAt;

    public IGrainTimer? Timer { get; set; }

    /// <summary>
    /// Samples that were shown or applied are not stored (they came to nothing, or are refused): no figure with them may be stored until
    /// all is computed anew, and that does not wait until late samples stop coming.
    /// </summary>
    public bool TakenBack { get; set; }

    /// <summary>What was late is computed anew now.</summary>
    public bool IsSettled => TakenBack || clock.GetElapsedTime(_lateAt) > Settle || clock.GetElapsedTime(_lateSince) > MaxSettle;

    public bool IsTellDue => Until(_toldAt, _changed ? pace.TellEvery : pace.FlushEvery) <= TimeSpan.Zero;

    /// <summary>There is something to tell.</summary>
    public void Changed() => _changed = true;

    /// <summary>The machine says something. When what it says is of the present again, that is told at once.</summary>
    /// <param name="present">It is of the present, and not of a queue that waited for us.</param>
    public void Heard(bool present)
    {
        _changed = true;
        if (present && !_present) _toldAt = null;
        _present = present;
    }

    /// <summary>There is something to write that does not wait.</summary>
    public void FlushSoon() => _flushSoon = true;

    /// <summary>Whether to write now; then it counts as written.</summary>
    public bool TakeFlush()
    {
        if (!_flushSoon && clock.GetElapsedTime(_flushedAt) < NextFlushAfter) return false;
        // What was written because something changed leaves its place in the row to the next one.
        if (!_flushSoon) _flushOffset = 0;
        (_flushSoon, _flushedAt) = (false, clock.GetTimestamp());
        return true;
    }

    public void Told() => (_changed, _toldAt) = (false, clock.GetTimestamp());

    /// <summary>Something came late.</summary>
    /// <param name="wasDirty">What was owed before; null when nothing was.</param>
    public void NoteLate(long? wasDirty)
    {
        _lateAt = clock.GetTimestamp();
        if (wasDirty is null) _lateSince = _lateAt;
    }

    public void NoteTakenBack(long? wasDirty)
    {
        TakenBack = true;
        NoteLate(wasDirty);
        _changed = true;
    }

    /// <summary>The timer fired; it is not set any more.</summary>
    public void Fired() => _firesAt = null;

    /// <summary>It could not be opened: tried again soon, not by all at the same instant.</summary>
    public void Retry() => Set(Tick * (1 + Random.Shared.NextDouble()));

    /// <summary>Sets the timer for the earliest thing to do, unless it fires before.</summary>
    /// <param name="urgent">Something does not keep to the silo's pace.</param>
    /// <param name="soon">As soon as what comes together is together.</param>
    /// <param name="failed">What was due came to nothing: it is not tried at once.</param>
    public void Arm(bool urgent, bool soon = false, bool failed = false)
    {
        var due = Until(_flushedAt, NextFlushAfter);
        // What is overdue cannot be written yet: something urgent comes first, and the store may be away.
        if (due < Tick && (urgent || failed)) due = Tick;
        if (_changed) due = Shorter(due, Until(_toldAt, pace.TellEvery));
        if (urgent || _flushSoon) due = Shorter(due, Tick);
        if (failed && due < Tick) due = Tick;
        Set(soon || due < Together ? Together : due);
    }

    /// <summary>At a whole step of the clock, so that machines whose work is due at about the same time wake the process once.</summary>
    private void Set(TimeSpan due)
    {
        var now = clock.GetTimestamp();
        var step = (long)(Together.TotalSeconds * clock.TimestampFrequency);
        var at = (now + (long)(due.TotalSeconds * clock.TimestampFrequency) + step - 1) / step * step;
        if (_firesAt <= at) return;
        _firesAt = at;
        Timer?.Change(TimeSpan.FromSeconds((at - now) / (double)clock.TimestampFrequency), Timeout.InfiniteTimeSpan);
    }

    private TimeSpan NextFlushAfter => pace.IsLarge ? pace.FlushEvery * (1 + _flushOffset) : pace.FlushEvery;

    private TimeSpan Until(long? since, TimeSpan every) => since is { } at ? every - clock.GetElapsedTime(at) : TimeSpan.Zero;

    private static TimeSpan Shorter(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
