namespace OeeOrleans.S7.Simulation;

/// <summary>What kind of PLC it is.</summary>
public sealed record SimulatedPlcOptions
{
    /// <summary>0: any free one.</summary>
    public int Port { get; init; }

    /// <summary>Granted at most: 240 for an S7-1200, 480 for a 400, 960 for a 1500.</summary>
    public int PduLength { get; init; } = 960;

    /// <summary>Bytes of a transport unit (COTP) at most, 128 to 8192; a larger PDU comes in several.</summary>
    public int UnitLength { get; init; } = 1024;

    /// <summary>Requests in flight granted at most.</summary>
    public int Jobs { get; init; } = 8;

    /// <summary>Connections at a time; one more is refused.</summary>
    public int MaxConnections { get; init; } = 32;

    /// <summary>The TSAP it answers to; null: any.</summary>
    public ushort? Tsap { get; init; }

    public string OrderNumber { get; init; } = "6ES7 511-1AK02-0AB0";

    public string ModuleType { get; init; } = "CPU 1511-1 PN";

    public string StationName { get; init; } = "Simulated";
}
