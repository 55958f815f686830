namespace OeeOrleans.Model;

/// <summary>One OEE window as it is stored and served: which machine and span, what was known when, its sums and ratios.</summary>
public sealed record OeeWindow
{
    /// <summary>The kinds that are stored; a rolling window only lives.</summary>
    public static IReadOnlyList<string> StoredKinds { get; } = ["hour", "shift", "day", "job"];

    public required string Id { get; init; }
    /// <summary>"shift", "hour", "day", "rolling_5m" or "job".</summary>
    public required string Kind { get; init; }
    /// <summary>Name of the shift or job, else empty.</summary>
    public string Name { get; init; } = "";
    public required long FromUs { get; init; }
    /// <summary>Nominal end; <see cref="AsOfUs"/> may be earlier while the window is open.</summary>
    public required long ToUs { get; init; }
    public required long AsOfUs { get; init; }
    public required OeeSums Sums { get; init; }
    public required OeeKpis Kpis { get; init; }
    /// <summary>Grows by one whenever a closed window is recomputed to something else.</summary>
    public int Revision { get; init; } = 1;
    /// <summary>
    /// This revision says that there is no such window (the plant model or late data cut time differently); its figures are the last ones
    /// it had.
    /// </summary>
    public bool Withdrawn { get; init; }
}
