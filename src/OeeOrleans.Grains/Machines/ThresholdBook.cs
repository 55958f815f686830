using OeeOrleans.Kpi.Thresholds;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Grains.Machines;

/// <summary>The limits of one machine, and events of theirs that are not written yet. Owned by the machine's grain.</summary>
internal sealed class ThresholdBook
{
    /// <summary>Events that wait to be written: the store may be away for long. Further ones do not begin; what began ends.</summary>
    private const int MaxWaiting = 1_000;

    private readonly Dictionary<string, ThresholdWatch[]> _bySignal;
    private readonly ThresholdWatch[] _ofKpis;
    private readonly ThresholdWatch[] _all;
    private readonly List<FaultEvent> _waiting = [];

    /// <param name="thresholds">The machine's limits.</param>
    /// <param name="active">Events that are under way as the store has them.</param>
    public ThresholdBook(IReadOnlyList<Threshold> thresholds, IReadOnlyList<FaultEvent> active)
    {
        _all = [.. thresholds.Select(t => new ThresholdWatch(t, active.FirstOrDefault(f => f.Code == t.Id)))];
        _bySignal = _all.Where(w => w.Threshold.Signal is not null)
            .GroupBy(w => w.Threshold.Signal!)
            .ToDictionary(g => g.Key, g => g.ToArray(), StringComparer.Ordinal);
        _ofKpis = [.. _all.Where(w => w.Threshold.Kpi is not null)];
        NotePassed();
    }

    /// <summary>Names of the signals that have limits.</summary>
    public IEnumerable<string> Signals => _bySignal.Keys;

    /// <summary>Values of signals, in order of their arrival.</summary>
    /// <param name="heardUs">When they came.</param>
    public void Take(ReadOnlySpan<WatchedSample> samples, long heardUs)
    {
        foreach (ref readonly var sample in samples)
        {
            if (!_bySignal.TryGetValue(sample.Signal, out var watches)) continue;
            var value = Quality.CarriesValue(sample.Quality) ? sample.Value : double.NaN;
            foreach (var watch in watches) Note(watch.Take(sample.TimeUs, value, heardUs));
        }
    }

    /// <summary>Time went on: figures are looked at, and delays end.</summary>
    /// <param name="nowUs">The instant.</param>
    /// <param name="windowOf">The window of a kind at the instant; null when there is none, or figures cannot be trusted now.</param>
    public void At(long nowUs, Func<string, OeeWindow?>? windowOf)
    {
        foreach (var watch in _ofKpis)
        {
            if (windowOf is not null) Note(watch.Take(nowUs, Figure(watch.Threshold, windowOf(watch.Threshold.Window)?.Kpis), nowUs));
        }

        foreach (var watch in _all) Note(watch.At(nowUs));
    }

    /// <summary>The plant has other limits: events of those that it does not have any more end.</summary>
    public void EndOthers(IReadOnlyList<Threshold> thresholds, long nowUs)
    {
        foreach (var watch in _all.Where(w => thresholds.All(t => t.Id != w.Threshold.Id))) Note(watch.End(nowUs));
    }

    /// <summary>Something is beyond its limit, and its delay is not over.</summary>
    public bool IsPending => Array.Exists(_all, w => w.IsPending);

    public bool HasNews => _waiting.Count > 0;

    /// <summary>Limits that are passed now, the most severe first.</summary>
    public PassedLimit[] Passed { get; private set; } = [];

    /// <summary>Events to write; they are forgotten when <see cref="Written"/> says so.</summary>
    public IReadOnlyList<FaultEvent> News => [.. _waiting];

    public void Written(int count) => _waiting.RemoveRange(0, count);

    private void Note(FaultEvent? change)
    {
        if (change is null) return;
        if (change.EndUs is not null || _waiting.Count < MaxWaiting) _waiting.Add(change);
        NotePassed();
    }

    private void NotePassed() => Passed =
    [
        .. _all.Where(w => w.Active is not null).OrderByDescending(w => w.Threshold.Severity)
            .Select(w => new PassedLimit(w.Threshold.Id, w.Active!.StartUs, w.Threshold.Severity, w.Threshold.Text)),
    ];

    private static double Figure(Threshold threshold, OeeKpis? kpis) => threshold.Kpi switch
    {
        "oee" => kpis?.Oee,
        "availability" => kpis?.Availability,
        "performance" => kpis?.Performance,
        "quality" => kpis?.Quality,
        _ => kpis?.RatePerHour,
    } ?? double.NaN;
}
