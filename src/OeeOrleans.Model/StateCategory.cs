namespace OeeOrleans.Model;

/// <summary>Every instant of a machine belongs to exactly one of these (ISO 22400-2 time model, reduced).</summary>
public enum StateCategory : byte
{
    NotScheduled,
    PlannedStop,
    Unknown,
    Run,
    Stop,
    /// <summary>A stop shorter than the machine's micro-stop threshold: counted as run time and reported beside it.</summary>
    SmallStop,
}

/// <summary>Names at the edges (JSON, SQL, vectors).</summary>
public static class StateCategoryNames
{
    public static string Name(this StateCategory category) => category switch
    {
        StateCategory.NotScheduled => "not_scheduled",
        StateCategory.PlannedStop => "planned_stop",
        StateCategory.Unknown => "unknown",
        StateCategory.Run => "run",
        StateCategory.Stop => "stop",
        StateCategory.SmallStop => "small_stop",
        _ => throw new ArgumentOutOfRangeException(nameof(category), category, null),
    };
}

/// <summary>What the state signals say, before calendar and mode are asked.</summary>
public enum HeldState : byte
{
    Unknown,
    Run,
    Stop,
}
