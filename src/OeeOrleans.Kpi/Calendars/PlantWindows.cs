using OeeOrleans.Kpi.Accounting;
using OeeOrleans.Model;

namespace OeeOrleans.Kpi.Calendars;

/// <summary>A window of the plant: what it is called and where it lies.</summary>
public readonly record struct PlantWindow(string Kind, string Name, long FromUs, long ToUs)
{
    /// <summary>The window of a job; open-ended while it runs.</summary>
    public static PlantWindow Of(in JobSpan job) => new(PlantWindows.JobKind, job.Name, job.FromUs, job.ToUs ?? PlantWindows.OpenEndUs);
}

/// <summary>The windows a plant keeps: shift, hour and day; together their boundaries are the grid of the account.</summary>
public sealed class PlantWindows(ICalendar calendar) : ICellGrid
{
    public const string ShiftKind = "shift";
    public const string HourKind = "hour";
    public const string DayKind = "day";
    public const string RollingKind = "rolling_5m";
    /// <summary>A run of one order and product (order.id, product.code).</summary>
    public const string JobKind = "job";
    public const long RollingUs = 5 * UnixMicros.PerMinute;

    /// <summary>The end of a window that has none yet: the last day of the year 9999.</summary>
    public static readonly long OpenEndUs = UnixMicros.From(new DateTimeOffset(9999, 12, 31, 0, 0, 0, TimeSpan.Zero));

    /// <summary>No shift, and so no distance to the last one, is longer than this.</summary>
    private const long LookAroundUs = 2 * UnixMicros.PerDay;

    public ICalendar Calendar => calendar;

    public static PlantWindow Hour(long timeUs)
    {
        var from = timeUs - (((timeUs % UnixMicros.PerHour) + UnixMicros.PerHour) % UnixMicros.PerHour);
        return new PlantWindow(HourKind, "", from, from + UnixMicros.PerHour);
    }

    public PlantWindow Day(long timeUs)
    {
        var from = calendar.StartOfDay(timeUs);
        // 36 hours after midnight is the next day, be it 23 or 25 hours long.
        return new PlantWindow(DayKind, "", from, calendar.StartOfDay(from + (36 * UnixMicros.PerHour)));
    }

    /// <summary>The shift that runs at an instant, else the last one before it; null where there is none for two days.</summary>
    public PlantWindow? Shift(long timeUs)
    {
        PlantWindow? found = null;
        foreach (var shift in calendar.Shifts(timeUs - LookAroundUs, timeUs + 1))
        {
            if (shift.FromUs <= timeUs) found = new PlantWindow(ShiftKind, shift.Name, shift.FromUs, shift.ToUs);
        }

        return found;
    }

    /// <summary>All windows that overlap [from, to), hours first.</summary>
    public IEnumerable<PlantWindow> Overlapping(long fromUs, long toUs)
    {
        for (var hour = Hour(fromUs); hour.FromUs < toUs; hour = Hour(hour.ToUs)) yield return hour;
        foreach (var shift in calendar.Shifts(fromUs, toUs)) yield return new PlantWindow(ShiftKind, shift.Name, shift.FromUs, shift.ToUs);
        for (var day = Day(fromUs); day.FromUs < toUs; day = Day(day.ToUs)) yield return day;
    }

    /// <summary>The boundaries before an instant that a window needs which ends after it (or is the last shift): everything else before it
    /// may be joined. In order; never empty.</summary>
    public long[] OpenBoundaries(long timeUs)
    {
        var found = new SortedSet<long> { Hour(timeUs).FromUs, Day(timeUs).FromUs };
        foreach (var shift in calendar.Shifts(timeUs, timeUs + 1)) found.Add(shift.FromUs);
        if (Shift(timeUs) is { } last)
        {
            found.Add(last.FromUs);
            found.Add(last.ToUs);
        }

        found.RemoveWhere(b => b > timeUs);
        return [.. found];
    }

    /// <inheritdoc/>
    public long Next(long timeUs)
    {
        var next = Math.Min(Hour(timeUs).ToUs, Day(timeUs).ToUs);
        foreach (var shift in calendar.Shifts(timeUs - LookAroundUs, timeUs + UnixMicros.PerHour))
        {
            if (shift.FromUs > timeUs) next = Math.Min(next, shift.FromUs);
            if (shift.ToUs > timeUs) next = Math.Min(next, shift.ToUs);
        }

        return next;
    }
}
