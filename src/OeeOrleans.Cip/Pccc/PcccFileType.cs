namespace OeeOrleans.Cip;

/// <summary>Data files of PLC-5, SLC-500 and MicroLogix, by their file type codes (DF1 manual 1770-6.5.16, chapter 7).</summary>
public enum PcccFileType
{
    Status = 0x84,
    Bit = 0x85,
    Timer = 0x86,
    Counter = 0x87,
    Control = 0x88,
    Integer = 0x89,
    Float = 0x8A,
    Output = 0x8B,
    Input = 0x8C,
    String = 0x8D,
    Long = 0x91,
}

/// <summary>What there is to know of the files.</summary>
internal static class PcccFiles
{
    private const int StringLetters = 82;

    private static readonly CipType Timer = Three("TIMER", "PRE", "ACC", [("EN", 15), ("TT", 14), ("DN", 13)]);
    private static readonly CipType Counter = Three(
        "COUNTER", "PRE", "ACC", [("CU", 15), ("CD", 14), ("DN", 13), ("OV", 12), ("UN", 11), ("UA", 10)]);
    private static readonly CipType Control = Three(
        "CONTROL", "LEN", "POS",
        [("EN", 15), ("EU", 14), ("DN", 13), ("EM", 12), ("ER", 11), ("UL", 10), ("IN", 9), ("FD", 8)]);

    public static PcccFileType? OfLetters(string letters) => letters.ToUpperInvariant() switch
    {
        "N" => PcccFileType.Integer,
        "B" => PcccFileType.Bit,
        "F" => PcccFileType.Float,
        "T" => PcccFileType.Timer,
        "C" => PcccFileType.Counter,
        "R" => PcccFileType.Control,
        "S" => PcccFileType.Status,
        "I" => PcccFileType.Input,
        "O" => PcccFileType.Output,
        "L" => PcccFileType.Long,
        "ST" => PcccFileType.String,
        _ => null,
    };

    /// <summary>The number that a file has when none is written: of those there is but one.</summary>
    public static int? DefaultNumber(PcccFileType file) => file switch
    {
        PcccFileType.Output => 0,
        PcccFileType.Input => 1,
        PcccFileType.Status => 2,
        _ => null,
    };

    /// <summary>Bytes of an element.</summary>
    public static int SizeOf(PcccFileType file) => file switch
    {
        PcccFileType.Timer or PcccFileType.Counter or PcccFileType.Control => 6,
        PcccFileType.Float or PcccFileType.Long => 4,
        PcccFileType.String => 2 + StringLetters,
        _ => 2,
    };

    /// <summary>Of an element.</summary>
    public static CipType TypeOf(PcccFileType file) => file switch
    {
        PcccFileType.Timer => Timer,
        PcccFileType.Counter => Counter,
        PcccFileType.Control => Control,
        PcccFileType.Float => new CipType(CipDataType.Real),
        PcccFileType.Long => new CipType(CipDataType.Dint),
        PcccFileType.String => new CipType(CipDataType.String),
        PcccFileType.Integer or PcccFileType.Status => new CipType(CipDataType.Int),
        _ => new CipType(CipDataType.Word),
    };

    private static CipType Three(string name, string second, string third, (string Name, int Bit)[] bits)
    {
        var integer = new CipType(CipDataType.Int);
        var members = new List<CipMember> { new(second, integer, 2), new(third, integer, 4) };
        members.AddRange(bits.Select(b => new CipMember(b.Name, new CipType(CipDataType.Bool), b.Bit / 8, Bit: b.Bit % 8)));
        return new CipType(CipDataType.Structure) { Template = new CipTemplate(name, 0, 6, members) };
    }
}
