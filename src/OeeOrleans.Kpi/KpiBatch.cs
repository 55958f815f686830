using OeeOrleans.Kpi.Accounting;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Model;

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

    /// <summary>Every stop that reached into production time, small ones included, in order; the last one may be open.</summary>
    public IReadOnlyList<StopSpan> Stops { get; init; } = [];

    /// <summary>Runs of one order and product, in order; the last one may be open.</summary>
    public IReadOnlyList<JobSpan> Jobs { get; init; } = [];
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
        string machine, ParameterTimeline parameters, ICalendar calendar, IReadOnlyList<MachineSample> arrived,
        IReadOnlyList<WindowSpan> windows, long? asOfUs = null, bool intervals = false, Action<CounterDelta>? counted = null)
    {
        var samples = SampleOrder.Sort(arrived);
        var clipped = new WindowSpan[windows.Count];
        var (first, last) = (long.MaxValue, 0L);
        for (var i = 0; i < clipped.Length; i++)
        {
            var (from, to) = windows[i];
            if (asOfUs is { } known) to = Math.Max(from, Math.Min(to, known));
            clipped[i] = new WindowSpan(from, to);
            (first, last) = (Math.Min(first, from), i == 0 ? to : Math.Max(last, to));
        }

        var start = samples.Length > 0 ? Math.Min(first, samples[0].TimeUs) : first;
        if (start == long.MaxValue) start = 0;
        var end = asOfUs ?? (samples.Length > 0 ? Math.Max(last, samples[^1].TimeUs) : last);
        var run = new KpiRun(machine, parameters, calendar, clipped, start, intervals, counted);
        foreach (ref readonly var sample in samples.AsSpan())
        {
            if (sample.TimeUs > end) break;
            run.Apply(sample);
        }

        return run.Finish(end);
    }
}
