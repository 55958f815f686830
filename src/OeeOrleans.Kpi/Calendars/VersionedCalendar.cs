namespace OeeOrleans.Kpi.Calendars;

/// <summary>Calendars one after the other: each holds from its instant until the next one. A shift that is under way at a change ends
/// there, and one of the new calendar that would be under way begins there, so shifts stay a partition of scheduled time.</summary>
public sealed class VersionedCalendar : ICalendar
{
    private readonly (long FromUs, ICalendar Calendar)[] _versions;

    /// <param name="versions">In order of time; the first one also holds for the time before it.</param>
    public VersionedCalendar(IReadOnlyList<(long FromUs, ICalendar Calendar)> versions)
    {
        if (versions.Count == 0) throw new ArgumentException("at least one calendar is needed", nameof(versions));
        _versions = [.. versions];
        _versions[0].FromUs = long.MinValue;
    }

    public PlanSpan SpanAt(long timeUs)
    {
        var i = IndexAt(timeUs);
        var span = _versions[i].Calendar.SpanAt(timeUs);
        return span with { FromUs = Math.Max(span.FromUs, _versions[i].FromUs), ToUs = Math.Min(span.ToUs, EndOf(i)) };
    }

    public IReadOnlyList<ShiftSpan> Shifts(long fromUs, long toUs)
    {
        if (_versions.Length == 1) return _versions[0].Calendar.Shifts(fromUs, toUs);
        var found = new List<ShiftSpan>();
        for (var i = IndexAt(fromUs); i < _versions.Length && _versions[i].FromUs < toUs; i++)
        {
            var (from, to) = (Math.Max(fromUs, _versions[i].FromUs), Math.Min(toUs, EndOf(i)));
            foreach (var shift in _versions[i].Calendar.Shifts(from, to))
            {
                var clipped = shift with { FromUs = Math.Max(shift.FromUs, _versions[i].FromUs), ToUs = Math.Min(shift.ToUs, EndOf(i)) };
                if (clipped.ToUs > clipped.FromUs) found.Add(clipped);
            }
        }

        return found;
    }

    public long StartOfDay(long timeUs) => _versions[IndexAt(timeUs)].Calendar.StartOfDay(timeUs);

    private long EndOf(int i) => i + 1 < _versions.Length ? _versions[i + 1].FromUs : long.MaxValue;

    private int IndexAt(long timeUs)
    {
        var i = _versions.Length - 1;
        while (i > 0 && _versions[i].FromUs > timeUs) i--;
        return i;
    }
}
