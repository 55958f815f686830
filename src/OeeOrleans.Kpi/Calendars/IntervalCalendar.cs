namespace OeeOrleans.Kpi.Calendars;

/// <summary>A calendar of explicit intervals; everything else is what the calendar below says, or not scheduled.</summary>
public sealed class IntervalCalendar : ICalendar
{
    private readonly PlanSpan[] _intervals;
    private readonly ICalendar? _rest;

    /// <exception cref="ArgumentException">Two intervals overlap.</exception>
    public IntervalCalendar(IEnumerable<PlanSpan> intervals, ICalendar? rest = null)
    {
        _intervals = [.. intervals.Where(i => i.ToUs > i.FromUs).OrderBy(i => i.FromUs)];
        for (var i = 1; i < _intervals.Length; i++)
        {
            if (_intervals[i].FromUs < _intervals[i - 1].ToUs)
            {
                throw new ArgumentException(
                    $"calendar intervals overlap: one ends {Model.UnixMicros.ToIso(_intervals[i - 1].ToUs)}, the next starts "
                        + $"{Model.UnixMicros.ToIso(_intervals[i].FromUs)}; make them disjoint",
                    nameof(intervals));
            }
        }

        _rest = rest;
    }

    public PlanSpan SpanAt(long timeUs)
    {
        int lo = 0, hi = _intervals.Length;
        while (lo < hi)
        {
            var mid = (lo + hi) >>> 1;
            if (_intervals[mid].ToUs <= timeUs) lo = mid + 1;
            else hi = mid;
        }

        if (lo < _intervals.Length && _intervals[lo].FromUs <= timeUs) return _intervals[lo];
        var gap = new PlanSpan(
            lo > 0 ? _intervals[lo - 1].ToUs : long.MinValue,
            lo < _intervals.Length ? _intervals[lo].FromUs : long.MaxValue,
            PlanKind.NotScheduled);
        if (_rest is null) return gap;
        var under = _rest.SpanAt(timeUs);
        return under with { FromUs = Math.Max(gap.FromUs, under.FromUs), ToUs = Math.Min(gap.ToUs, under.ToUs) };
    }

    public IReadOnlyList<ShiftSpan> Shifts(long fromUs, long toUs) => _rest?.Shifts(fromUs, toUs) ?? [];

    public long StartOfDay(long timeUs) =>
        _rest?.StartOfDay(timeUs) ?? timeUs - (((timeUs % Model.UnixMicros.PerDay) + Model.UnixMicros.PerDay) % Model.UnixMicros.PerDay);
}
