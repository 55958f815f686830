namespace OeeOrleans.Kpi;

/// <summary>Who says why.</summary>
public enum ReasonSource : byte
{
    /// <summary>Nobody yet.</summary>
    None,
    /// <summary>The machine, by a fault code.</summary>
    Fault,
    /// <summary>A person.</summary>
    Person,
}

/// <summary>A part of a stop with one reason; null = not given yet. <see cref="ToUs"/> is null in the last part of an open stop.</summary>
public sealed record StopSegment(long FromUs, long? ToUs, string? Reason, ReasonSource Source, string? Comment = null, string? By = null);

/// <summary>A stop and why.</summary>
/// <param name="StartUs">Its first instant inside production time.</param>
/// <param name="EndUs">Null while it is open.</param>
/// <param name="ProductionUs">Its length inside production time.</param>
/// <param name="Small">Shorter than the machine's micro-stop threshold.</param>
/// <param name="Fault">The first fault that was active in it.</param>
/// <param name="Segments">Its parts, in order; one unless somebody split it.</param>
public sealed record ExplainedStop(
    long StartUs, long? EndUs, long ProductionUs, bool Small, string? Fault, IReadOnlyList<StopSegment> Segments);
