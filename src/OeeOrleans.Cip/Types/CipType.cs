namespace OeeOrleans.Cip;

/// <summary>The type of a tag or member.</summary>
/// <param name="Code">What it is.</param>
/// <param name="Handle">Of a structure: the checksum that reads tell and writes must repeat.</param>
public sealed record CipType(CipDataType Code, ushort Handle = 0)
{
    /// <summary>STRING of Logix: a length (DINT) and 82 bytes, four to align.</summary>
    internal const ushort StringHandle = 0x0FCE;
    internal const int StringSize = 88;
    internal static readonly CipType Bool = new(CipDataType.Bool);

    /// <summary>How a structure is laid out; null for other types, and where it is not known.</summary>
    public CipTemplate? Template { get; init; }

    /// <summary>As it is called in the controller's software.</summary>
    public string Name => Code switch
    {
        CipDataType.Structure when Template is not null => Template.Name,
        CipDataType.Structure when Handle == StringHandle => "STRING",
        CipDataType.Structure => $"structure 0x{Handle:X4}",
        CipDataType.TimeOfDay => "TIME_OF_DAY",
        CipDataType.DateAndTime => "DATE_AND_TIME",
        CipDataType.ShortString => "STRING",
        _ => Enum.IsDefined(Code) ? Code.ToString().ToUpperInvariant() : $"type 0x{(ushort)Code:X2}",
    };

    public bool IsStructure => Code == CipDataType.Structure;

    /// <summary>A text, in whatever form.</summary>
    public bool IsText => Code is CipDataType.String or CipDataType.ShortString || (IsStructure && StringCapacity is not null);

    /// <summary>Of a Logix text: bytes it holds at most; null for what is none.</summary>
    internal int? StringCapacity => Handle == StringHandle ? 82 : Template?.StringCapacity;

    /// <summary>Bytes of one; 0 when only the controller's answer says it.</summary>
    public int Size => Code switch
    {
        CipDataType.Bool or CipDataType.Sint or CipDataType.Usint or CipDataType.Byte => 1,
        CipDataType.Int or CipDataType.Uint or CipDataType.Word or CipDataType.Date or CipDataType.ITime => 2,
        CipDataType.Dint or CipDataType.Udint or CipDataType.Real or CipDataType.Dword or CipDataType.STime or CipDataType.TimeOfDay
            or CipDataType.FTime or CipDataType.Time => 4,
        CipDataType.Lint or CipDataType.Ulint or CipDataType.Lreal or CipDataType.Lword or CipDataType.LTime => 8,
        CipDataType.DateAndTime => 6,
        CipDataType.Structure => Template?.Size ?? (Handle == StringHandle ? StringSize : 0),
        _ => 0,
    };

    internal bool IsInteger => Code is >= CipDataType.Sint and <= CipDataType.Ulint or >= CipDataType.Byte and <= CipDataType.Lword;
}

/// <summary>How a structure is laid out (Logix 5000 Data Access, 1756-PM020, chapter 2).</summary>
/// <param name="Name">Of the type.</param>
/// <param name="Handle">Its checksum.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Members">In their order, hidden ones too.</param>
public sealed record CipTemplate(string Name, ushort Handle, int Size, IReadOnlyList<CipMember> Members)
{
    /// <summary>A structure of LEN (DINT) and DATA (SINTs) is a text.</summary>
    internal int? StringCapacity => Members is [{ Name: "LEN", Type.Code: CipDataType.Dint, Offset: 0 },
    { Name: "DATA", Type.Code: CipDataType.Sint, ArrayLength: > 0 } data] ? data.ArrayLength : null;
}

/// <summary>A member of a structure.</summary>
/// <param name="Name">Hidden ones begin with `ZZZZZZZZZZ` or two underlines.</param>
/// <param name="Type">Of it, or of its elements.</param>
/// <param name="Offset">From the structure's beginning, bytes.</param>
/// <param name="ArrayLength">0: no array.</param>
/// <param name="Bit">Of a BOOL: which bit of the byte at the offset; -1 for other types.</param>
public sealed record CipMember(string Name, CipType Type, int Offset, int ArrayLength = 0, int Bit = -1)
{
    public bool IsHidden => Name.StartsWith("ZZZZZZZZZZ", StringComparison.Ordinal) || Name.StartsWith("__", StringComparison.Ordinal);
}
