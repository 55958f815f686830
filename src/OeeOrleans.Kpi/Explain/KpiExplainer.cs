using OeeOrleans.Kpi.Accounting;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Model;

namespace OeeOrleans.Kpi;

/// <summary>Explains one window down to its samples: the same evaluation, with its steps written down. Samples come one by one, in order;
/// memory is bounded by what is told, not by the samples.</summary>
public sealed class KpiExplainer
{
    /// <summary>Counter values listed at most; sums and ideal cycles are those of all.</summary>
    public const int MaxDeltas = 5_000;

    private readonly WindowSpan _window;
    private readonly ParameterTimeline _parameters;
    private readonly ICalendar _calendar;
    private readonly ReasonBook _book;
    private readonly IReadOnlyList<GivenReason> _given;
    private readonly KpiRun _run;
    private readonly List<CounterDelta> _deltas = [];
    private readonly Dictionary<(string? Product, decimal? IdealS), (long Good, long Reject, long Total)> _counted = [];
    private int _deltaCount;

    /// <param name="machine">Machine id, for the ids of events.</param>
    /// <param name="parameters">The machine's OEE parameters.</param>
    /// <param name="calendar">The machine's plan.</param>
    /// <param name="window">What to explain, clipped to what may be known.</param>
    /// <param name="startUs">Where the samples begin: not after the window.</param>
    /// <param name="book">The plant's reasons.</param>
    /// <param name="given">Reasons that people gave for stops around the window.</param>
    public KpiExplainer(
        string machine, ParameterTimeline parameters, ICalendar calendar, WindowSpan window, long startUs, ReasonBook book,
        IReadOnlyList<GivenReason> given)
    {
        (_window, _parameters, _calendar, _book, _given) = (window, parameters, calendar, book, given);
        _run = new KpiRun(machine, parameters, calendar, [window], startUs, intervals: true, Counted);
    }

    /// <summary>Explains from a list of samples in any order.</summary>
    public static Explanation Explain(
        string machine, ParameterTimeline parameters, ICalendar calendar, IReadOnlyList<MachineSample> arrived, WindowSpan window,
        long? asOfUs =
            null,
        ReasonBook? book = null, IReadOnlyList<GivenReason>? given = null)
    {
        var samples = SampleOrder.Sort(arrived);
        if (asOfUs is { } known) window = window with { ToUs = Math.Max(window.FromUs, Math.Min(window.ToUs, known)) };
        var end = asOfUs ?? (samples.Length > 0 ? Math.Max(window.ToUs, samples[^1].TimeUs) : window.ToUs);
        var start = samples.Length > 0 ? Math.Min(window.FromUs, samples[0].TimeUs) : window.FromUs;
        var explainer = new KpiExplainer(machine, parameters, calendar, window, start, book ?? ReasonBook.Empty, given ?? []);
        foreach (ref readonly var sample in samples.AsSpan())
        {
            if (sample.TimeUs > end) break;
            explainer.Apply(sample);
        }

        return explainer.Finish(end);
    }

    /// <inheritdoc cref="KpiRun.Apply"/>
    public void Apply(in MachineSample sample) => _run.Apply(sample);

    /// <summary>Whether samples that follow can change nothing that is to be explained.</summary>
    public bool IsDecided => _run.IsDecided(_window.ToUs);

    /// <summary>Ends the evaluation at an instant and tells.</summary>
    public Explanation Finish(long endUs)
    {
        var result = _run.Finish(endUs);
        var window = result.Windows[0];
        var parameters = _parameters.At(Math.Max(window.FromUs, window.ToUs - 1));
        var faults = result.Events.Where(f => f.StartUs < window.ToUs && (f.EndUs ?? long.MaxValue) > window.FromUs).ToList();
        var stops = result.Stops.Where(s => s.StartUs < window.ToUs && (s.EndUs ?? long.MaxValue) > window.FromUs)
            .Select(s => _book.Explain(s, _given))
            .ToList();
        var ideals = _counted.Select(c => Use(c.Key, c.Value, result.Present)).ToList();
        return new Explanation(
            window, LossReport.Of(window, parameters, stops, result.Intervals, _book), [
                .. result.Intervals.SelectMany(i => Reasons(i, stops)),
            ],
            _deltas, _deltaCount, ideals, faults, ExplanationText.Write(window.Sums, window.Kpis, parameters, ideals));
    }

    private void Counted(CounterDelta delta)
    {
        if (delta.TimeUs < _window.FromUs || delta.TimeUs >= _window.ToUs) return;
        _deltaCount++;
        if (_deltas.Count < MaxDeltas) _deltas.Add(delta);
        if (delta.Gap || delta.Delta == 0) return;
        var key = (delta.Product, delta.IdealS);
        var (good, reject, total) = _counted.GetValueOrDefault(key);
        _counted[key] = delta.Counter switch
        {
            SignalKind.CounterGood => (good + delta.Delta, reject, total),
            SignalKind.CounterReject => (good, reject + delta.Delta, total),
            _ => (good, reject, total + delta.Delta),
        };
    }

    /// <summary>A stop is cut where its reason changes.</summary>
    private IEnumerable<ExplainedInterval> Reasons(CategorySpan span, List<ExplainedStop> stops)
    {
        if (span.Category is not (StateCategory.Stop or StateCategory.SmallStop))
        {
            var reason = span.Category switch
            {
                StateCategory.PlannedStop => _calendar.SpanAt(span.FromUs).Kind == PlanKind.PlannedStop ? "break" : "planned mode",
                StateCategory.Unknown => "no data",
                _ => null,
            };
            yield return new ExplainedInterval(span.FromUs, span.ToUs, span.Category, reason);
            yield break;
        }

        if (stops.Find(s => s.StartUs <= span.FromUs && (s.EndUs ?? long.MaxValue) > span.FromUs) is not { } stop)
        {
            yield return new ExplainedInterval(span.FromUs, span.ToUs, span.Category, null);
            yield break;
        }

        foreach (var segment in stop.Segments)
        {
            var (from, to) = (Math.Max(span.FromUs, segment.FromUs), Math.Min(span.ToUs, segment.ToUs ?? long.MaxValue));
            if (to > from)
            {
                yield return new ExplainedInterval(
                    from, to, span.Category, segment.Reason is { } reason ? _book.NameOf(reason) : null, stop.StartUs);
            }
        }
    }

    /// <summary>Which counters count follows the same rule as the sums.</summary>
    private static IdealUse Use(
        (string? Product, decimal? IdealS) key, (long Good, long Reject, long Total) counted, CounterPresence present)
    {
        var (good, reject, total) = counted;
        var (isGood, all) = present switch
        {
            { Good: true, Reject: true } => (good, good + reject),
            { Total: true, Reject: true } => (total - reject, total),
            { Good: true, Total: true } => (good, total),
            { Good: true } => (good, good),
            _ => (total, total),
        };
        return new IdealUse(key.Product, key.IdealS, isGood, all);
    }
}
