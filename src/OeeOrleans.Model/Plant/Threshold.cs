namespace OeeOrleans.Model.Plant;

/// <summary>
/// A limit of a signal or a figure of a machine; whoever goes beyond it raises an event beside the faults that PLCs report.
/// </summary>
public sealed record Threshold
{
    public required string Id { get; init; }
    public required string Machine { get; init; }
    /// <summary>The signal it is about; null: it is about <see cref="Kpi"/>.</summary>
    public string? Signal { get; init; }
    /// <summary>oee, availability, performance, quality or rate_per_hour.</summary>
    public string? Kpi { get; init; }
    /// <summary>Of which window the figure is: shift, hour, day or rolling_5m.</summary>
    public string Window { get; init; } = "shift";
    /// <summary>Beyond is greater than this; null: see <see cref="Below"/>.</summary>
    public double? Above { get; init; }
    /// <summary>Beyond is less than this.</summary>
    public double? Below { get; init; }
    /// <summary>How far it must go back behind the limit for the event to end.</summary>
    public double Hysteresis { get; init; }
    /// <summary>How long it must be beyond for an event, seconds.</summary>
    public decimal DelayS { get; init; }
    /// <summary>0..1000, as that of faults.</summary>
    public short Severity { get; init; }
    public string? Text { get; init; }
}
