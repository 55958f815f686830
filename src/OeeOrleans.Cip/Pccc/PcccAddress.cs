using System.Globalization;
using System.Text.RegularExpressions;

namespace OeeOrleans.Cip;

/// <summary>An element of a data file of a PLC-5, SLC-500 or MicroLogix, or a word or bit of one.</summary>
public sealed partial record PcccAddress : CipAddress
{
    private const int MostFile = 255;
    private const int MostElement = 9_999;

    private PcccAddress()
    {
    }

    public PcccFileType File { get; private init; }

    public int FileNumber { get; private init; }

    public int Element { get; private init; }

    /// <summary>Word of the element; of inputs and outputs of the slot. 0: the first, or all of it.</summary>
    public int Word { get; private init; }

    /// <summary>A word or bit of a timer, counter or control; false: all of it.</summary>
    internal bool IsPart { get; private init; }

    /// <summary>Of one element, or of the part.</summary>
    internal CipType Type { get; private init; } = new(CipDataType.Int);

    public override CipType KnownType => Type;

    /// <summary>Bytes of an element of the file.</summary>
    internal int ElementSize => PcccFiles.SizeOf(File);

    /// <summary>Words of a slot cannot be reached from those of another one.</summary>
    internal bool IsSlotWord => File is PcccFileType.Input or PcccFileType.Output && Word > 0;

    internal int ByteLength => ElementSize * (Count ?? 1);

    internal static new bool TryParse(string text, CipPlc plc, out CipAddress? address, out string reason)
    {
        address = null;
        reason = $"'{text}' is no address of a data file; N7:0, F8:3, B3:0/5, T4:0.ACC, ST9:1, I:1/3 and N7:0{{10}} are";
        var rest = text;
        if (!TryTakeCount(ref rest, out var count)) return false;
        var match = Form().Match(rest);
        if (!match.Success || PcccFiles.OfLetters(match.Groups["file"].Value) is not { } file) return false;
        if (!IsInRange(match.Groups["number"], PcccFiles.DefaultNumber(file), MostFile, 10, out var number)) return false;
        // Rack and group of a PLC-5 are octal, as on the module.
        var radix = plc == CipPlc.Plc5 && file is PcccFileType.Input or PcccFileType.Output ? 8 : 10;
        if (!match.Groups["element"].Success)
        {
            if (!TryBitFile(match, file, number, text, count, out address)) return false;
            reason = "";
            return true;
        }

        if (!IsInRange(match.Groups["element"], null, MostElement, radix, out var element)) return false;
        if (!TryPart(match, file, radix, out var part)) return false;
        if (count is not null && (part.Bit is not null || part.IsWord))
        {
            reason = $"'{text}': of a part of an element there is but one";
            return false;
        }

        address = new PcccAddress
        {
            Text = text, File = file, FileNumber = number, Element = element, Word = part.Word, Bit = part.Bit, Count = count,
            IsPart = part.IsWord || part.Bit is not null, Type = TypeOf(file, part),
        };
        reason = "";
        return true;
    }

    /// <summary>`B3/37` is bit 5 of word 2.</summary>
    private static bool TryBitFile(Match match, PcccFileType file, int number, string text, int? count, out CipAddress? address)
    {
        address = null;
        if (file != PcccFileType.Bit || count is not null || match.Groups["word"].Success) return false;
        if (!IsInRange(match.Groups["bit"], null, (MostElement * 16) + 15, 10, out var bit)) return false;
        address = new PcccAddress
        {
            Text = text, File = file, FileNumber = number, Element = bit / 16, Bit = bit % 16, IsPart = true,
            Type = new CipType(CipDataType.Bool),
        };
        return true;
    }

    private static CipType TypeOf(PcccFileType file, in Part part)
    {
        if (part.Bit is not null) return new CipType(CipDataType.Bool);
        return part.IsWord && file is PcccFileType.Timer or PcccFileType.Counter or PcccFileType.Control
            ? new CipType(CipDataType.Int)
            : PcccFiles.TypeOf(file);
    }

    private static bool TryPart(Match match, PcccFileType file, int radix, out Part part)
    {
        part = default;
        var (word, bit) = (match.Groups["word"], match.Groups["bit"]);
        if (file is PcccFileType.Timer or PcccFileType.Counter or PcccFileType.Control) return TryNamed(file, word, bit, out part);
        if (word.Success)
        {
            if (file is not (PcccFileType.Input or PcccFileType.Output)) return false;
            if (!IsInRange(word, null, 255, 10, out var number)) return false;
            part = new Part(number, null, true);
        }

        if (!bit.Success) return true;
        var most = file switch
        {
            PcccFileType.Long => 31,
            PcccFileType.Float or PcccFileType.String => -1,
            _ => 15,
        };
        if (!IsInRange(bit, null, most, radix, out var position)) return false;
        part = part with { Bit = position };
        return true;
    }

    /// <summary>`.ACC`, `.DN` or `/DN`.</summary>
    private static bool TryNamed(PcccFileType file, Group word, Group bit, out Part part)
    {
        part = default;
        if (!word.Success && !bit.Success) return true;
        if (word.Success && bit.Success) return false;
        var name = word.Success ? word.Value : bit.Value;
        var member = PcccFiles.TypeOf(file).Template!.Members.FirstOrDefault(
            m => m.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
        if (member is null) return false;
        if (member.Bit >= 0) part = new Part(0, (member.Offset * 8) + member.Bit, false);
        else part = new Part(member.Offset / 2, null, true);
        return member.Bit >= 0 || word.Success;
    }

    private static bool IsInRange(Group digits, int? missing, int most, int radix, out int number)
    {
        number = missing ?? 0;
        if (!digits.Success || digits.Length == 0) return missing is not null;
        if (radix == 8)
        {
            if (digits.Value.Any(c => c is < '0' or > '7') || digits.Length > 6) return false;
            number = Convert.ToInt32(digits.Value, 8);
            return number <= most;
        }

        return int.TryParse(digits.ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture, out number) && number <= most;
    }

    [GeneratedRegex(
        "^(?<file>ST|[NBFTCRSIOL])(?<number>[0-9]*)(:(?<element>[0-9]+))?(\\.(?<word>[0-9A-Za-z]+))?(/(?<bit>[0-9A-Za-z]+))?$",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Form();

    /// <param name="Word">Of the element.</param>
    /// <param name="Bit">Of that word, or of the element.</param>
    /// <param name="IsWord">A word was named.</param>
    private readonly record struct Part(int Word, int? Bit, bool IsWord);
}
