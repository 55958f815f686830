namespace OeeOrleans.S7;

/// <summary>What a CPU does.</summary>
public enum S7CpuState
{
    Unknown,
    Stop,
    Startup,
    Run,
    Hold,
}

/// <summary>What a PLC says of itself; null what it does not.</summary>
/// <param name="OrderNumber">Such as `6ES7 511-1AK02-0AB0`.</param>
/// <param name="Version">Of the firmware, such as `V2.9.4`.</param>
/// <param name="StationName">Given by whoever configured it.</param>
/// <param name="ModuleName">Likewise.</param>
/// <param name="ModuleType">Such as `CPU 1511-1 PN`.</param>
/// <param name="SerialNumber">Of the module or its card.</param>
public sealed record S7Identification(
    string? OrderNumber, string? Version, string? StationName, string? ModuleName, string? ModuleType, string? SerialNumber);

/// <summary>Kinds of blocks, by their letter on the wire.</summary>
public enum S7BlockType : byte
{
    OB = (byte)'8',
    DB = (byte)'A',
    Sdb = (byte)'B',
    FC = (byte)'C',
    Sfc = (byte)'D',
    FB = (byte)'E',
    Sfb = (byte)'F',
}

/// <summary>A block the PLC lists.</summary>
/// <param name="Type">Its kind.</param>
/// <param name="Number">Its number.</param>
/// <param name="Size">Bytes, as the PLC says; a 1200 says how much load memory it takes, which is not what can be read. Null when it does
/// not say.</param>
public sealed record S7Block(S7BlockType Type, int Number, int? Size);
