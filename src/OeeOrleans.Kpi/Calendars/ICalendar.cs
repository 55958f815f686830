namespace OeeOrleans.Kpi.Calendars;

/// <summary>What the plan says about a stretch of time.</summary>
public enum PlanKind : byte
{
    NotScheduled,
    Production,
    PlannedStop,
}

/// <summary>A stretch [From, To) of one kind, microseconds.</summary>
public readonly record struct PlanSpan(long FromUs, long ToUs, PlanKind Kind);

/// <summary>A shift as it happened: [From, To) with its name and the local date on which it started.</summary>
public readonly record struct ShiftSpan(string Name, DateOnly Date, long FromUs, long ToUs);

/// <summary>The plan of a machine. Implementations are immutable to callers and safe for concurrent use.</summary>
public interface ICalendar
{
    /// <summary>The span that contains <paramref name="timeUs"/>; spans partition time.</summary>
    PlanSpan SpanAt(long timeUs);

    /// <summary>Shifts that overlap [from, to), in order; empty where the calendar knows no shifts.</summary>
    IReadOnlyList<ShiftSpan> Shifts(long fromUs, long toUs);

    /// <summary>The local midnight at or before an instant: where a plant's day begins.</summary>
    long StartOfDay(long timeUs);
}
