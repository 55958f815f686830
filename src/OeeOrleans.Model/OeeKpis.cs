namespace OeeOrleans.Model;

/// <summary>
/// Ratios of one window, 0..1 (performance may exceed 1), null where they are not defined. Computed once, at the edge, from exact sums.
/// </summary>
public sealed record OeeKpis
{
    public double PlannedS { get; init; }
    public double? Availability { get; init; }
    public double? Performance { get; init; }
    public double? Quality { get; init; }
    public double? Oee { get; init; }
    public double? Teep { get; init; }
    public double? Completeness { get; init; }
    public double? RatePerHour { get; init; }
    public double? MttrS { get; init; }
    public double? MtbfS { get; init; }
    public IReadOnlyList<string> Flags { get; init; } = [];
}
