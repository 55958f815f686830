namespace OeeOrleans.S7;

/// <summary>Memory areas by their number on the wire.</summary>
public enum S7Area : byte
{
    Counters = 0x1C,
    Timers = 0x1D,
    Inputs = 0x81,
    Outputs = 0x82,
    /// <summary>Bit memory, `M`.</summary>
    Flags = 0x83,
    DataBlock = 0x84,
}

/// <summary>Elementary types of IEC 61131-3 as a PLC stores them, big-endian.</summary>
public enum S7DataType
{
    Bool,
    Byte,
    Char,
    SInt,
    USInt,
    Word,
    Int,
    UInt,
    WChar,
    DWord,
    DInt,
    UDInt,
    Real,
    LWord,
    LInt,
    ULInt,
    LReal,
    /// <summary>Maximal and actual length, one byte each, then characters of ISO 8859-1.</summary>
    String,
    /// <summary>Maximal and actual length, two bytes each, then UTF-16.</summary>
    WString,
    /// <summary>Days since 1990-01-01, 16 bit.</summary>
    Date,
    /// <summary>Milliseconds since midnight, 32 bit.</summary>
    TimeOfDay,
    /// <summary>Eight bytes of BCD, 1990 to 2089, milliseconds.</summary>
    DateAndTime,
    /// <summary>Twelve bytes, nanoseconds.</summary>
    Dtl,
    /// <summary>Milliseconds, 32 bit, signed.</summary>
    Time,
    /// <summary>Nanoseconds, 64 bit, signed.</summary>
    LTime,
    /// <summary>A base of 10 ms to 10 s and three digits of BCD.</summary>
    S5Time,
    /// <summary>What is left of a timer, stored as <see cref="S5Time"/>.</summary>
    Timer,
    /// <summary>A counter, three digits of BCD.</summary>
    Counter,
}

/// <summary>Names and sizes of types.</summary>
internal static class S7DataTypes
{
    private static readonly Dictionary<string, S7DataType> ByName = new(StringComparer.OrdinalIgnoreCase)
    {
        ["BOOL"] = S7DataType.Bool, ["BYTE"] = S7DataType.Byte, ["CHAR"] = S7DataType.Char, ["SINT"] = S7DataType.SInt,
        ["USINT"] = S7DataType.USInt, ["WORD"] = S7DataType.Word, ["INT"] = S7DataType.Int, ["UINT"] = S7DataType.UInt,
        ["WCHAR"] = S7DataType.WChar, ["DWORD"] = S7DataType.DWord, ["DINT"] = S7DataType.DInt, ["UDINT"] = S7DataType.UDInt,
        ["REAL"] = S7DataType.Real, ["LWORD"] = S7DataType.LWord, ["LINT"] = S7DataType.LInt, ["ULINT"] = S7DataType.ULInt,
        ["LREAL"] = S7DataType.LReal, ["STRING"] = S7DataType.String, ["WSTRING"] = S7DataType.WString, ["DATE"] = S7DataType.Date,
        ["TIME_OF_DAY"] = S7DataType.TimeOfDay, ["DATE_AND_TIME"] = S7DataType.DateAndTime, ["DTL"] = S7DataType.Dtl,
        ["TIME"] = S7DataType.Time, ["LTIME"] = S7DataType.LTime, ["S5TIME"] = S7DataType.S5Time, ["TIMER"] = S7DataType.Timer,
        ["COUNTER"] = S7DataType.Counter,
    };

    private static readonly Dictionary<string, S7DataType> Short = new(StringComparer.OrdinalIgnoreCase)
    {
        ["TOD"] = S7DataType.TimeOfDay, ["DT"] = S7DataType.DateAndTime,
    };

    private static readonly Dictionary<S7DataType, string> Names = ByName.ToDictionary(n => n.Value, n => n.Key);

    public static IEnumerable<string> All => ByName.Keys;

    public static bool TryParse(string name, out S7DataType type) => ByName.TryGetValue(name, out type)
        || Short.TryGetValue(name, out type);

    public static string NameOf(S7DataType type) => Names[type];

    /// <summary>Bytes of one element; of a BOOL one, which it shares.</summary>
    /// <param name="type">Its type.</param>
    /// <param name="length">Characters of a string at most.</param>
    public static int SizeOf(S7DataType type, int length) => type switch
    {
        S7DataType.Bool or S7DataType.Byte or S7DataType.Char or S7DataType.SInt or S7DataType.USInt => 1,
        S7DataType.Word or S7DataType.Int or S7DataType.UInt or S7DataType.WChar or S7DataType.Date or S7DataType.S5Time
            or S7DataType.Timer or S7DataType.Counter => 2,
        S7DataType.DWord or S7DataType.DInt or S7DataType.UDInt or S7DataType.Real or S7DataType.TimeOfDay or S7DataType.Time => 4,
        S7DataType.Dtl => 12,
        S7DataType.String => length + 2,
        S7DataType.WString => (2 * length) + 4,
        _ => 8,
    };
}
