using System.Globalization;

namespace OeeOrleans.S7;

/// <summary>
/// Where a value lies and what it is: `DB10.DBD4:REAL`, `DB1.DBX0.3`, `MW20`, `I0.1`, `QB4`, `T5`, `C3`, `DB1.DBB10:STRING[20]`, arrays
/// `DB1.DBD8:DINT[10]`, arrays of strings `DB1.DBB0:STRING[20][5]`.
/// </summary>
public readonly record struct S7Address
{
    /// <summary>A DB has 64 KB at most.</summary>
    internal const int AreaSize = 65_536;
    private const int LongestString = 254;
    private const int LongestWString = 16_382;

    public S7Area Area { get; private init; }

    /// <summary>Number of the data block; 0 in other areas.</summary>
    public int Db { get; private init; }

    /// <summary>Offset of the first byte; of a timer or counter its number.</summary>
    public int Start { get; private init; }

    /// <summary>Of a BOOL, 0..7.</summary>
    public int Bit { get; private init; }

    public S7DataType Type { get; private init; }

    /// <summary>Characters of a string at most; 0 for other types.</summary>
    public int Length { get; private init; }

    /// <summary>Whether the address says how long a string may be.</summary>
    internal bool IsSized { get; private init; }

    /// <summary>Elements; 1 for a scalar.</summary>
    public int Count { get; private init; }

    /// <summary>Whether it is an array, even if it has one element.</summary>
    public bool IsArray { get; private init; }

    /// <summary>Bytes from one element to the next: in an array each string begins on an even byte.</summary>
    internal int Stride => Type == S7DataType.String && IsArray && (Length & 1) == 1
        ? S7DataTypes.SizeOf(Type, Length) + 1
        : S7DataTypes.SizeOf(Type, Length);

    /// <summary>Offset in the area as bytes, timers and counters too.</summary>
    internal int ByteStart => Area is S7Area.Timers or S7Area.Counters ? Start * 2 : Start;

    /// <summary>Bytes that are read for it.</summary>
    public int ByteLength => Type == S7DataType.Bool ? (Bit + Count + 7) / 8 : Stride * Count;

    /// <exception cref="FormatException">It is none; the message says what would be.</exception>
    public static S7Address Parse(string text) =>
        TryParse(text, out var address, out var reason) ? address : throw new FormatException(reason);

    /// <param name="text">What was written.</param>
    /// <param name="address">The address.</param>
    /// <param name="reason">A sentence when it is none.</param>
    public static bool TryParse(string? text, out S7Address address, out string reason)
    {
        address = default;
        reason = "";
        var parser = new S7AddressParser(text ?? "");
        if (parser.Read() is not { } read)
        {
            reason = $"'{text}' is no S7 address: {parser.Mistake}; DB10.DBD4:REAL, DB1.DBX0.3, MW20, I0.1, T5, DB1.DBB10:STRING[20] and "
                + "DB1.DBD8:DINT[10] are";
            return false;
        }

        address = read;
        return true;
    }

    internal static S7Address Make(S7Area area, int db, int start, int bit, S7DataType type, int length, int count, bool isArray,
        bool isSized = false) => new()
        {
            Area = area, Db = db, Start = start, Bit = bit, Type = type, Length = length, Count = count, IsArray = isArray, IsSized
                = isSized,
        };

    internal static int LongestOf(S7DataType type) => type == S7DataType.String ? LongestString : LongestWString;

    /// <summary>The address of a data block's bytes.</summary>
    public static S7Address Bytes(int db, int start, int count)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(db, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(db, ushort.MaxValue);
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(start + (long)count, AreaSize, nameof(count));
        return Make(S7Area.DataBlock, db, start, 0, S7DataType.Byte, 0, count, true);
    }

    /// <summary>The type as it is written in an address, such as `STRING[20]` or `DINT[10]`.</summary>
    public string TypeName
    {
        get
        {
            var name = S7DataTypes.NameOf(Type);
            if (IsSized || (IsArray && Length > 0)) name += string.Create(CultureInfo.InvariantCulture, $"[{Length}]");
            return IsArray ? name + string.Create(CultureInfo.InvariantCulture, $"[{Count}]") : name;
        }
    }

    public override string ToString()
    {
        var text = Area switch
        {
            S7Area.DataBlock => $"DB{Text(Db)}.DB",
            S7Area.Inputs => "I",
            S7Area.Outputs => "Q",
            S7Area.Flags => "M",
            S7Area.Timers => "T",
            _ => "C",
        };
        var isDb = Area == S7Area.DataBlock;
        if (Area is S7Area.Timers or S7Area.Counters) text += Text(Start);
        else if (Type == S7DataType.Bool) text += $"{(isDb ? "X" : "")}{Text(Start)}.{Text(Bit)}";
        else text += Letter + Text(Start);
        return IsDefaultType && !IsArray ? text : $"{text}:{TypeName}";
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private string Letter => S7DataTypes.SizeOf(Type, Length) switch
    {
        2 => "W",
        4 => "D",
        _ => "B",
    };

    private bool IsDefaultType => Area switch
    {
        S7Area.Timers => Type == S7DataType.Timer,
        S7Area.Counters => Type == S7DataType.Counter,
        _ => Type is S7DataType.Bool or S7DataType.Byte or S7DataType.Word or S7DataType.DWord,
    };
}
