using System.Globalization;

namespace OeeOrleans.S7;

/// <summary>What became of one address in a call: the return code of its item, or why there is none.</summary>
public enum S7Status : byte
{
    /// <summary>Not asked for yet.</summary>
    None = 0x00,
    HardwareFault = 0x01,
    AccessDenied = 0x03,
    OutOfRange = 0x05,
    TypeNotSupported = 0x06,
    TypeInconsistent = 0x07,
    NotThere = 0x0A,
    /// <summary>Ours: the bytes are no value of the address's type.</summary>
    NoValue = 0xFD,
    /// <summary>Ours: the PLC sent fewer or more bytes than were asked for.</summary>
    WrongLength = 0xFE,
    Good = 0xFF,
}

/// <summary>Sentences for what PLCs say in numbers.</summary>
public static class S7Errors
{
    /// <summary>What happened, and what to look at.</summary>
    public static string Sentence(S7Status status) => status switch
    {
        S7Status.Good => "good",
        S7Status.None => "not read yet",
        S7Status.HardwareFault => "the PLC reports a hardware fault for it",
        S7Status.AccessDenied => "the PLC denies access (0x03): permit PUT/GET for partners under the CPU's Protection & Security, and "
            + "look at its protection level",
        S7Status.OutOfRange => "the address is out of range (0x05): the block is shorter, does not exist, or is optimised, and then has "
            + "no absolute addresses: untick 'Optimized block access' and download it",
        S7Status.TypeNotSupported => "the PLC does not support this type of access (0x06)",
        S7Status.TypeInconsistent => "the type of access does not fit the area (0x07)",
        S7Status.NotThere => "there is nothing at this address (0x0A): the block does not exist, or is optimised, and then has no "
            + "absolute addresses: untick 'Optimized block access' and download it",
        S7Status.NoValue => "its bytes are no value of the address's type",
        S7Status.WrongLength => "the PLC sent another number of bytes than was asked for",
        _ => string.Create(CultureInfo.InvariantCulture, $"the PLC answers with the unknown return code 0x{(byte)status:X2}"),
    };

    /// <summary>Error class and code of an answer's header, or of its parameters.</summary>
    internal static string Sentence(ushort code)
    {
        // User data answers with the return codes of items as well.
        if (code < 0x100) return Sentence((S7Status)code);
        var what = code switch
        {
            0x8104 => "the CPU refuses this function: it does not have it, or PUT/GET is not permitted under its Protection & Security",
            0x8304 or 0x8404 => "the CPU cannot do this in its present state",
            0x8500 => "the request or its answer is too large for the CPU",
            0xD401 or 0xD402 => "the CPU has no such list",
            0xD209 => "the block does not exist",
            0xD241 or 0xD601 or 0xD602 or 0xD604 or 0xD605 => "the CPU is protected: it needs a password, or a lower protection level",
            _ => $"the CPU refuses ({ClassName(code)})",
        };
        return string.Create(CultureInfo.InvariantCulture, $"{what} (0x{code:X4})");
    }

    private static string ClassName(ushort code) => (code >> 8) switch
    {
        0x81 => "application relationship",
        0x82 => "object definition",
        0x83 => "no resources available",
        0x84 => "service processing",
        0x85 => "supplies",
        0x87 => "access",
        _ => "unknown class",
    };
}
