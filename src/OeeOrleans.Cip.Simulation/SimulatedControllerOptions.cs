namespace OeeOrleans.Cip.Simulation;

/// <summary>What kind of controller is simulated.</summary>
public sealed record SimulatedControllerOptions
{
    public CipPlc Plc { get; init; } = CipPlc.ControlLogix;

    /// <summary>On loopback; 0: any that is free.</summary>
    public int Port { get; init; }

    /// <summary>Bytes of a connection at most; up to 511 it knows no Large Forward Open.</summary>
    public int ConnectionSize { get; init; } = 4_002;

    /// <summary>Connections that it grants at a time.</summary>
    public int MaxConnections { get; init; } = 32;

    /// <summary>Whether it takes several requests in one.</summary>
    public bool TakesMultiple { get; init; } = true;

    /// <summary>Whether it tells its tags and structures.</summary>
    public bool HasTagList { get; init; } = true;

    public string ProductName { get; init; } = "1756-L85E simulated";
}
