using System.Collections.Concurrent;
using NodaTime;
using NodaTime.TimeZones;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Kpi.Calendars;

/// <summary>Shifts given in plant time, as UTC spans. In the night of a DST change a shift has an hour less or more; a local time
/// that occurs twice means the earlier one, one that is skipped moves forward by the length of the gap (specification section 1).</summary>
public sealed class ShiftCalendar : ICalendar
{
    /// <summary>Days worked out at a time: small enough to be quick, large enough to be rare.</summary>
    private const int ChunkDays = 16;

    private const long ChunkUs = ChunkDays * UnixMicros.PerDay;

    private readonly ShiftPlan _plan;
    private readonly Dictionary<DateOnly, CalendarException> _exceptions = [];
    private readonly DateTimeZone _zone;
    private readonly ConcurrentDictionary<long, Chunk> _chunks = new();

    /// <exception cref="ArgumentException">The zone is not in the tz database.</exception>
    public ShiftCalendar(ShiftPlan plan, string timeZone)
    {
        _plan = plan;
        foreach (var exception in plan.Exceptions)
        {
            for (var date = exception.From; date <= exception.Until; date = date.AddDays(1)) _exceptions[date] = exception;
        }

        _zone = DateTimeZoneProviders.Tzdb.GetZoneOrNull(timeZone)
            ?? throw new ArgumentException(
                $"unknown time zone '{timeZone}'; an IANA name such as Europe/Berlin is needed", nameof(timeZone));
    }

    public PlanSpan SpanAt(long timeUs)
    {
        var spans = ChunkAt(timeUs).Spans;
        int lo = 0, hi = spans.Length;
        while (lo < hi)
        {
            var mid = (lo + hi) >>> 1;
            if (spans[mid].ToUs <= timeUs) lo = mid + 1;
            else hi = mid;
        }

        return spans[lo];
    }

    public IReadOnlyList<ShiftSpan> Shifts(long fromUs, long toUs)
    {
        var found = new List<ShiftSpan>();
        for (var start = Floor(fromUs); start < toUs; start += ChunkUs)
        {
            foreach (var shift in ChunkAt(start).Shifts)
            {
                if (shift.FromUs < toUs && shift.ToUs > fromUs && !found.Contains(shift)) found.Add(shift);
            }
        }

        return found;
    }

    /// <summary>The shift of a name that starts on a local date, if the plan has one.</summary>
    public ShiftSpan? ShiftOn(string name, DateOnly date)
    {
        var shift = ShiftsOf(date).FirstOrDefault(s => s.Name == name);
        return shift is null ? null : Resolve(shift, date);
    }

    public long StartOfDay(long timeUs)
    {
        var date = Instant.FromUnixTimeTicks(timeUs * 10).InZone(_zone).Date;
        return Micros(_zone.AtStartOfDay(date).ToInstant());
    }

    /// <summary>The shifts that begin on a date.</summary>
    private IEnumerable<Shift> ShiftsOf(DateOnly date)
    {
        var usual = _plan.Shifts.Where(s => s.Days.Contains(date.DayOfWeek));
        if (!_exceptions.TryGetValue(date, out var exception)) return usual;
        return exception.InAddition ? usual.Concat(exception.Shifts) : exception.Shifts;
    }

    private static long Floor(long timeUs) => timeUs - (((timeUs % ChunkUs) + ChunkUs) % ChunkUs);

    private Chunk ChunkAt(long timeUs) => _chunks.GetOrAdd(Floor(timeUs), Build);

    private Chunk Build(long fromUs)
    {
        var toUs = fromUs + ChunkUs;
        var first = DateOnly.FromDateTime(UnixMicros.ToDateTimeOffset(fromUs).UtcDateTime).AddDays(-3);
        var shifts = new List<ShiftSpan>();
        var stops = new List<PlanSpan>();
        for (var day = 0; day < ChunkDays + 6; day++)
        {
            var date = first.AddDays(day);
            foreach (var shift in ShiftsOf(date))
            {
                var span = Resolve(shift, date);
                if (span.ToUs <= fromUs || span.FromUs >= toUs) continue;
                shifts.Add(span);
                stops.AddRange(shift.Breaks.Select(b => Resolve(shift, b, date)));
            }
        }

        shifts.Sort((a, b) => a.FromUs.CompareTo(b.FromUs));
        return new Chunk([.. shifts], Partition(fromUs, toUs, shifts, stops));
    }

    /// <summary>Cuts [from, to) at every boundary and names each piece: a break beats production, production beats nothing.</summary>
    private static PlanSpan[] Partition(long fromUs, long toUs, List<ShiftSpan> shifts, List<PlanSpan> stops)
    {
        var cuts = new SortedSet<long> { fromUs, toUs };
        foreach (var (a, b) in shifts.Select(s => (s.FromUs, s.ToUs)).Concat(stops.Select(s => (s.FromUs, s.ToUs))))
        {
            if (a > fromUs && a < toUs) cuts.Add(a);
            if (b > fromUs && b < toUs) cuts.Add(b);
        }

        var spans = new List<PlanSpan>();
        long previous = fromUs;
        foreach (var cut in cuts.Skip(1))
        {
            var inShift = shifts.Any(s => s.FromUs <= previous && previous < s.ToUs);
            var inStop = stops.Any(s => s.FromUs <= previous && previous < s.ToUs);
            var planned = inStop ? PlanKind.PlannedStop : PlanKind.Production;
            var kind = inShift ? planned : PlanKind.NotScheduled;
            if (spans.Count > 0 && spans[^1].Kind == kind) spans[^1] = spans[^1] with { ToUs = cut };
            else spans.Add(new PlanSpan(previous, cut, kind));
            previous = cut;
        }

        return [.. spans];
    }

    private ShiftSpan Resolve(Shift shift, DateOnly date)
    {
        var endDate = shift.End > shift.Start ? date : date.AddDays(1);
        return new ShiftSpan(shift.Name, date, ToUtc(date, shift.Start), ToUtc(endDate, shift.End));
    }

    private PlanSpan Resolve(Shift shift, Break pause, DateOnly date)
    {
        // A break earlier in the day than its shift's start is in the part after midnight.
        var startDate = pause.Start >= shift.Start ? date : date.AddDays(1);
        var endDate = pause.End > pause.Start ? startDate : startDate.AddDays(1);
        return new PlanSpan(ToUtc(startDate, pause.Start), ToUtc(endDate, pause.End), PlanKind.PlannedStop);
    }

    private long ToUtc(DateOnly date, TimeOnly time)
    {
        var local = new LocalDateTime(date.Year, date.Month, date.Day, time.Hour, time.Minute, time.Second);
        return Micros(_zone.ResolveLocal(local, Resolvers.LenientResolver).ToInstant());
    }

    private static long Micros(Instant instant) => instant.ToUnixTimeTicks() / 10;

    private sealed record Chunk(ShiftSpan[] Shifts, PlanSpan[] Spans);
}
