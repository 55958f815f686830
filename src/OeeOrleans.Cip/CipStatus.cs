using System.Globalization;

namespace OeeOrleans.Cip;

/// <summary>What became of one address in a call: general and extended status (CIP volume 1, appendix B), or why there is none.</summary>
/// <param name="General">0: success.</param>
/// <param name="Extended">The first word of it; 0 when there is none.</param>
public readonly record struct CipStatus(ushort General, ushort Extended = 0)
{
    public static readonly CipStatus Good;

    /// <summary>Ours: not asked for yet.</summary>
    public static readonly CipStatus None = new(0x100);

    /// <summary>Ours: the bytes are no value of the type.</summary>
    public static readonly CipStatus NoValue = new(0x101);

    /// <summary>Ours: the controller sent another number of bytes than was asked for.</summary>
    public static readonly CipStatus WrongLength = new(0x102);

    /// <summary>Ours: the path does not fit into a message of this connection.</summary>
    public static readonly CipStatus TooLong = new(0x103);

    /// <summary>Ours: the guard changed during each of three readings, so that the values may be of different scans.</summary>
    public static readonly CipStatus Torn = new(0x104);

    internal const ushort PathSegment = 0x04;
    internal const ushort PathUnknown = 0x05;
    internal const ushort Partial = 0x06;
    internal const ushort NotSupported = 0x08;
    internal const ushort ReplyTooLarge = 0x11;
    internal const ushort NotEnoughData = 0x13;
    internal const ushort TooMuchData = 0x15;
    internal const ushort EmbeddedError = 0x1E;
    internal const ushort GeneralError = 0xFF;
    internal const ushort OutOfRange = 0x2105;

    /// <summary>The STS byte of a PCCC answer, and its EXT STS byte (DF1 manual 1770-6.5.16, chapter 8), are told as these.</summary>
    internal const ushort Pccc = 0x200;

    public bool IsGood => General == 0;

    /// <summary>What happened, and what to do.</summary>
    public string Sentence => CipErrors.Sentence(this);

    public override string ToString() => IsGood ? "good" : Sentence;

    internal static CipStatus OfPccc(byte status, byte extended) => new((ushort)(Pccc | status), extended);

    internal string Code => Extended == 0
        ? string.Create(CultureInfo.InvariantCulture, $"0x{General:X2}")
        : string.Create(CultureInfo.InvariantCulture, $"0x{General:X2}/0x{Extended:X4}");
}

/// <summary>Sentences for what controllers say in numbers.</summary>
internal static class CipErrors
{
    public static string Sentence(CipStatus status)
    {
        if (status == CipStatus.None) return "not read yet";
        if (status == CipStatus.NoValue) return "its bytes are no value of its type";
        if (status == CipStatus.WrongLength) return "the controller sent another number of bytes than was asked for";
        if (status == CipStatus.TooLong) return "the name is too long for the messages of this connection: a larger one is needed (size)";
        if (status == CipStatus.Torn) return "the guard changed during each of three readings: the values may be of different scans";
        if (status.General >= CipStatus.Pccc) return Pccc((byte)status.General, (byte)status.Extended);
        var what = status.General == 0x01 ? Connection(status.Extended) : General(status);
        return $"{what} ({status.Code})";
    }

    private static string General(CipStatus status) => status.General switch
    {
        0x00 => "good",
        0x02 => "the controller has no resources left for this: fewer clients, or smaller requests",
        0x03 => "a parameter value cannot be used",
        0x04 => "the controller does not understand the tag's name: look at its spelling, the index, and whether the scope is there "
            + "(Program:NAME.TAG)",
        0x05 => "there is no such tag or member: look at its name and scope (Program:NAME.TAG), and whether its External Access is None",
        0x06 => "the controller sent only a part",
        0x07 => "the connection to the controller was lost",
        0x08 => "the controller does not have this service",
        0x09 => "the controller reports invalid attribute data",
        0x0A => "an attribute is not there",
        0x0B => "it is in this state already",
        0x0C => "the controller's state does not permit it: is the key switch at PROG, or the tag a constant?",
        0x0E => "the attribute cannot be written",
        0x0F => "permission denied: the tag's External Access is Read Only, or the controller is secured",
        0x10 => "the device's state does not permit it: a controller being downloaded to, or in the wrong mode",
        0x11 => "the answer is too large for one packet",
        0x13 => "the controller got fewer bytes than it needs",
        0x14 => "the attribute is not supported",
        0x15 => "the controller got more bytes than it expects",
        0x16 => "the object does not exist",
        0x1A or 0x1B => "the message is too large for a router on the way",
        0x1E => "one of the packed requests failed",
        0x20 => "a parameter cannot be used",
        0x26 => "the path's size cannot be used",
        0xFF => Extended(status.Extended),
        _ => "the controller refuses",
    };

    private static string Extended(ushort extended) => extended switch
    {
        0x2104 or 0x2105 => "it reaches beyond the end of the tag: the array is shorter",
        0x2107 => "the type written is not that of the tag",
        0x2101 => "the controller's mode does not permit it: turn the key switch to REM",
        0x2102 => "the value cannot be used",
        0x2108 => "the controller is busy",
        0x210A => "no such function",
        _ => "the controller refuses",
    };

    private static string Connection(ushort extended) => extended switch
    {
        0x0100 => "this connection is in use already",
        0x0103 => "the transport class is not supported",
        0x0106 => "another client owns it",
        0x0107 => "there is no such connection: it ended on the controller's side",
        0x0108 => "the connection type is not supported",
        0x0109 => "the connection size is not supported",
        0x0113 => "the controller has no connection left: close clients that are not needed, or wait until theirs time out",
        0x0203 => "the connection timed out",
        0x0204 => "the request timed out on its way: is the slot of the route right, and the controller there?",
        0x0205 => "the route's parameters cannot be used",
        0x0301 => "the controller has no buffer memory left",
        0x0311 => "the route names a port that is not there: 1 is the backplane",
        0x0312 => "there is nobody at this address of the route: look at the slot (1,0 is slot 0)",
        0x0315 => "a segment of the route is not understood",
        0x0318 => "the route leads back to us",
        _ => "the connection to the controller failed",
    };

    private static string Pccc(byte status, byte extended)
    {
        var what = status switch
        {
            0x10 => "the controller does not know this command, or its form",
            0x20 => "the controller has a fault and does not answer",
            0x30 => "the module behind the gateway is not there",
            0x40 => "the function is not possible now: a hardware fault",
            0x50 => "the address cannot be used, or the memory is protected by a rung",
            0x60 => "the function is forbidden by the command protection selection",
            0x70 => "the controller is in program mode",
            0x80 => "the compatibility file is missing, or the channel has a fault",
            0x90 => "the module cannot buffer the command",
            0xB0 => "the controller was downloaded to and must be asked anew",
            0xF0 => Extended(extended),
            _ when (status & 0x0F) != 0 => "the message did not reach its station",
            _ => "the controller refuses",
        };
        var code = string.Create(CultureInfo.InvariantCulture, $"STS 0x{status:X2}{(status == 0xF0 ? $", EXT STS 0x{extended:X2}" : "")}");
        return $"{what} ({code})";
    }

    private static string Extended(byte extended) => extended switch
    {
        0x01 => "a field of the address has an illegal value",
        0x02 or 0x03 => "the address has fewer or more levels than this controller needs",
        0x05 => "a symbol is not found, or of another form",
        0x06 => "there is no such file or element: look at the file's number, letter and length",
        0x07 => "the file is of another size: the address reaches beyond its end",
        0x08 => "the request cannot be completed: the situation changed",
        0x09 => "the data or file is too large",
        0x0A => "the transaction and the word address are larger than the file",
        0x0B => "access denied: a password or the file's protection forbids it",
        0x0C => "the condition cannot be generated",
        0x0D => "it is in that state already",
        0x0E => "the controller cannot decode the command",
        0x0F => "the histogram overflowed",
        0x10 => "there is no access",
        0x11 => "the data type asked for is not that of the file",
        0x12 => "a parameter is invalid",
        0x13 => "the address refers to a deleted area",
        0x1A => "another node owns the file",
        0x1B => "another node owns the program",
        _ => "the controller refuses",
    };
}
