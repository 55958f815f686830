using OeeOrleans.Kpi.Accounting;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Kpi.Faults;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Kpi;

/// <summary>A window to evaluate, microseconds.</summary>
public readonly record struct WindowSpan(long FromUs, long ToUs);

/// <summary>A window with what came out; <see cref="ToUs"/> is clipped to what was known.</summary>
public sealed record WindowResult(long FromUs, long ToUs, OeeSums Sums, OeeKpis Kpis);

/// <summary>A stretch of one category.</summary>
public readonly record struct CategorySpan(long FromUs, long ToUs, StateCategory Category);

/// <summary>Windows and fault events of one machine.</summary>
public sealed record KpiResult(IReadOnlyList<WindowResult> Windows, IReadOnlyList<FaultEvent> Events, IReadOnlyList<CategorySpan> Intervals)
{
    /// <summary>Which of the three counters exist; two of them give the third.</summary>
    public CounterPresence Present { get; init; }
}

/// <summary>Which counters have been seen.</summary>
public readonly record struct CounterPresence(bool Good, bool Reject, bool Total);

/// <summary>The batch face of the engine: samples and plant model in, windows out. No clock, no I/O.</summary>
public static class KpiBatch
{
    /// <param name="machine">Machine id, for the ids of events.</param>
    /// <param name="parameters">The machine's OEE parameters.</param>
    /// <param name="calendar">The machine's plan.</param>
    /// <param name="arrived">Samples in any order, doubled ones included.</param>
    /// <param name="windows">Windows to evaluate; they may overlap.</param>
    /// <param name="asOfUs">What may be known: later samples do not exist yet. Null = everything there is.</param>
    /// <param name="counted">Told of every counter value, in order.</param>
    /// <param name="intervals">Also return the categories as intervals from the first window's start to the last one's end.</param>
    public static KpiResult Evaluate(
        string machine, OeeParameters parameters, ICalendar calendar, IReadOnlyList<MachineSample> arrived,
        IReadOnlyList<WindowSpan> windows, long? asOfUs = null, bool intervals = false, Action<CounterDelta>? counted = null)
    {
        var samples = SampleOrder.Sort(arrived);
        var clipped = new WindowSpan[windows.Count];
        for (var i = 0; i < clipped.Length; i++)
        {
            var (from, to) = windows[i];
            if (asOfUs is { } known) to = Math.Max(from, Math.Min(to, known));
            clipped[i] = new WindowSpan(from, to);
        }

        var grid = new FixedGrid(clipped.SelectMany(w => new[] { w.FromUs, w.ToUs }));
        var last = clipped.Length > 0 ? clipped.Max(w => w.ToUs) : 0;
        var start = Math.Min(grid.First, samples.Length > 0 ? samples[0].TimeUs : grid.First);
        if (start == long.MaxValue) start = 0;
        var end = asOfUs ?? Math.Max(last, samples.Length > 0 ? samples[^1].TimeUs : last);

        var log = new FaultLog(machine, UnixMicros.FromSeconds(parameters.FaultDedupeS));
        var fold = new Fold(parameters, calendar, grid, new FoldState { NowUs = start, ActiveSinceUs = start }, log);
        fold.CountObserver = counted;
        var spans = intervals ? new IntervalCollector(clipped.Length > 0 ? grid.First : start, last) : null;
        if (spans is not null) (fold.Observer, fold.StopClosed) = (spans.Add, spans.CloseStop);
        foreach (ref readonly var sample in samples.AsSpan())
        {
            if (sample.TimeUs > end) break;
            fold.AdvanceTo(sample.TimeUs);
            fold.Apply(sample);
        }

        fold.AdvanceTo(end);
        fold.Settle();
        spans?.CloseStop(fold.OpenStopIsSmall);

        var results = new WindowResult[clipped.Length];
        for (var i = 0; i < clipped.Length; i++)
        {
            var sums = fold.Sums(clipped[i].FromUs, clipped[i].ToUs);
            results[i] = new WindowResult(clipped[i].FromUs, clipped[i].ToUs, sums, Ratios.Of(sums, parameters, fold.IdealKnown));
        }

        var state = fold.State;
        return new KpiResult(results, [.. log.Events.OrderBy(e => e.StartUs)], spans?.Spans ?? [])
        {
            Present = new CounterPresence(state.Good.Present, state.Reject.Present, state.Total.Present),
        };
    }
}
