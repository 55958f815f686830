namespace OeeOrleans.Model.Plant;

/// <summary>That a signal may be written to, and within what. In the signal's units.</summary>
public sealed record WriteLimits
{
    /// <summary>Null: none.</summary>
    public double? Min { get; init; }

    public double? Max { get; init; }

    /// <summary>How far from the value that it shows now it may be set in one go; null: as far as one likes.</summary>
    public double? Step { get; init; }

    /// <summary>What the machine must be doing; empty: whatever it does.</summary>
    public IReadOnlyList<StateCategory> States { get; init; } = [];
}
