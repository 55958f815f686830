namespace OeeOrleans.Simulation.Machines;

/// <summary>How a simulated machine behaves.</summary>
public sealed record MachineProfile
{
    public required string Device { get; init; }

    /// <summary>Seconds per piece when it runs undisturbed.</summary>
    public required double CycleS { get; init; }

    /// <summary>Part of the pieces that is scrap.</summary>
    public double RejectRate { get; init; } = 0.02;

    /// <summary>Seconds between stops of a few seconds, on average.</summary>
    public double MicroStopEveryS { get; init; } = 240;

    /// <summary>Seconds between faults, on average.</summary>
    public double FaultEveryS { get; init; } = 1500;

    /// <summary>Mean length of a fault, seconds.</summary>
    public double FaultLengthS { get; init; } = 120;

    public IReadOnlyList<string> FaultCodes { get; init; } = ["E-101", "E-217", "E-330"];

    /// <summary>Mean length of a changeover between products, seconds: nobody tells the machine why it stands then.</summary>
    public double ChangeoverS { get; init; } = 100;

    public IReadOnlyList<string> Products { get; init; } = ["A100"];

    /// <summary>Power while it runs, kW.</summary>
    public double PowerKw { get; init; } = 7.5;

    /// <summary>Power while it stands, kW.</summary>
    public double IdlePowerKw { get; init; } = 1.2;

    /// <summary>Counters wrap here, as those of old PLCs do; 0 = never.</summary>
    public long CounterModulus { get; init; }

    /// <summary>Where the good counter stands at the very first start.</summary>
    public long FirstCount { get; init; }

    /// <summary>The vendor's own metric names instead of canonical signals (the plant model maps them).</summary>
    public bool VendorNames { get; init; }
}
