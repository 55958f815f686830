using OeeOrleans.Kpi.Accounting;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Kpi.Faults;
using OeeOrleans.Model;

namespace OeeOrleans.Kpi;

/// <summary>The batch face of the engine for samples that come one by one, in order: memory is bounded by the windows asked for, not by the
/// samples. No clock, no I/O. Not safe for concurrent use.</summary>
public sealed class KpiRun
{
    private readonly Fold _fold;
    private readonly ParameterTimeline _parameters;
    private readonly IReadOnlyList<WindowSpan> _windows;
    private readonly IntervalCollector? _spans;

    /// <param name="machine">Machine id, for the ids of events.</param>
    /// <param name="parameters">The machine's OEE parameters.</param>
    /// <param name="calendar">The machine's plan.</param>
    /// <param name="windows">Windows to evaluate, already clipped to what may be known; they may overlap.</param>
    /// <param name="startUs">Where accounting begins: not after the first sample, not after the first window.</param>
    /// <param name="intervals">Also gather the categories as intervals from the first window's start to the last one's end.</param>
    /// <param name="counted">Told of every counter value, in order.</param>
    public KpiRun(
        string machine, ParameterTimeline parameters, ICalendar calendar, IReadOnlyList<WindowSpan> windows, long startUs,
        bool intervals = false, Action<CounterDelta>? counted = null)
    {
        (_parameters, _windows) = (parameters, windows);
        var grid = new FixedGrid(windows.SelectMany(w => new[] { w.FromUs, w.ToUs }));
        var log = new FaultLog(machine, parameters);
        _fold = new Fold(parameters, calendar, grid, new FoldState { NowUs = startUs, ActiveSinceUs = startUs }, log)
        {
            CountObserver = counted,
        };
        if (!intervals) return;
        _spans = new IntervalCollector(windows.Count > 0 ? grid.First : startUs, windows.Count > 0 ? windows.Max(w => w.ToUs) : startUs);
        (_fold.Observer, _fold.StopClosed) = (_spans.Add, _spans.CloseStop);
    }

    /// <summary>Takes the next sample; samples are ordered by <see cref="SampleOrder"/>.</summary>
    public void Apply(in MachineSample sample)
    {
        _fold.AdvanceTo(sample.TimeUs);
        _fold.Apply(sample);
    }

    /// <summary>
    /// Whether no later sample can change anything before an instant: time is past it, and no stop or fault reaches across.
    /// </summary>
    public bool IsDecided(long untilUs)
    {
        var state = _fold.State;
        if (state.NowUs <= untilUs) return false;
        if (state.StopOpen && state.StopFirstUs < untilUs) return false;
        return _fold.Faults.Events.All(f => f.EndUs is not null || f.StartUs >= untilUs);
    }

    /// <summary>Accounts for the time up to an instant and evaluates the windows. Ends the run.</summary>
    public KpiResult Finish(long endUs)
    {
        _fold.AdvanceTo(endUs);
        _fold.Settle();
        _spans?.CloseStop(_fold.OpenStopIsSmall);
        var results = new WindowResult[_windows.Count];
        for (var i = 0; i < results.Length; i++)
        {
            var (from, to) = _windows[i];
            var sums = _fold.Sums(from, to);
            results[i] = new WindowResult(from, to, sums, Ratios.Of(sums, _parameters.At(Math.Max(from, to - 1)), _fold.IdealKnown));
        }

        var state = _fold.State;
        return new KpiResult(results, [.. _fold.Faults.Events.OrderBy(e => e.StartUs)], _spans?.Spans ?? [])
        {
            Present = new CounterPresence(state.Good.Present, state.Reject.Present, state.Total.Present),
            Stops = _fold.Stops,
            Jobs = _fold.Jobs,
        };
    }
}
