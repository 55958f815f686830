using System.Globalization;

namespace OeeOrleans.S7;

/// <summary>Reads one address from left to right; where it cannot go on it says why.</summary>
internal sealed class S7AddressParser(string text)
{
    private const int MaxNumber = 65_535;
    private int _at;

    /// <summary>Why <see cref="Read"/> gave nothing.</summary>
    public string Mistake { get; private set; } = "";

    public S7Address? Read()
    {
        var word = Letters();
        return word switch
        {
            "DB" => DataBlock(),
            "I" or "E" => Direct(S7Area.Inputs, ""),
            "Q" or "A" => Direct(S7Area.Outputs, ""),
            "M" => Direct(S7Area.Flags, ""),
            "T" => Element(S7Area.Timers, S7DataType.Timer),
            "C" or "Z" => Element(S7Area.Counters, S7DataType.Counter),
            { Length: 2 } when word[1] is 'B' or 'W' or 'D' or 'X' && AreaOf(word[0]) is { } area => Direct(area, word[1..]),
            _ => Wrong($"it begins with '{word}', and not with DB, I, Q, M, T or C"),
        };
    }

    private static S7Area? AreaOf(char letter) => letter switch
    {
        'I' or 'E' => S7Area.Inputs,
        'Q' or 'A' => S7Area.Outputs,
        'M' => S7Area.Flags,
        _ => null,
    };

    private S7Address? DataBlock()
    {
        if (Number() is not { } db) return Wrong("the number of the block is missing");
        if (db is 0 or > MaxNumber) return Wrong($"blocks have numbers from 1 to {MaxNumber}");
        if (!Skip('.')) return Wrong("behind the block comes a point and DBX, DBB, DBW or DBD");
        var word = Letters();
        if (word is not ("DBX" or "DBB" or "DBW" or "DBD")) return Wrong($"'{word}' is none of DBX, DBB, DBW and DBD");
        return Offset(S7Area.DataBlock, db, word[2..]);
    }

    private S7Address? Direct(S7Area area, string width) => Offset(area, 0, width is "" ? "X" : width);

    private S7Address? Offset(S7Area area, int db, string width)
    {
        if (Number() is not { } start) return Wrong("the offset is missing");
        var bit = 0;
        if (width == "X")
        {
            if (!Skip('.') || Number() is not { } number) return Wrong("behind the byte comes a point and the bit, 0 to 7");
            if (number > 7) return Wrong($"a byte has the bits 0 to 7, not {number}");
            bit = number;
        }

        var type = width switch
        {
            "X" => S7DataType.Bool,
            "B" => S7DataType.Byte,
            "W" => S7DataType.Word,
            _ => S7DataType.DWord,
        };
        return Rest(area, db, start, bit, type, isBit: width == "X");
    }

    private S7Address? Element(S7Area area, S7DataType type) =>
        Number() is { } number ? Rest(area, 0, number, 0, type, isBit: false) : Wrong("its number is missing");

    private S7Address? Rest(S7Area area, int db, int start, int bit, S7DataType type, bool isBit)
    {
        if (Skip(':'))
        {
            var name = Letters();
            if (!S7DataTypes.TryParse(name, out type)) return Wrong($"'{name}' is no type; {string.Join(", ", S7DataTypes.All)} are");
            if (isBit != (type == S7DataType.Bool))
            {
                return Wrong(isBit ? "a bit is a BOOL; other types begin at a byte (B, W, D)" : "a BOOL needs its bit, such as DBX0.3");
            }
        }

        if (start >= S7Address.AreaSize) return Wrong("an area has 65536 bytes");
        var isText = type is S7DataType.String or S7DataType.WString;
        if (area is S7Area.Timers or S7Area.Counters && (isText || S7DataTypes.SizeOf(type, 0) != 2)) return Wrong(
            "timers and counters have 16 bits");
        var length = 0;
        var isSized = false;
        if (isText)
        {
            var longest = S7Address.LongestOf(type);
            if (!Brackets(out var told)) return null;
            (length, isSized) = (told ?? 254, told is not null);
            if (length < 1 || length > longest) return Wrong($"a {S7DataTypes.NameOf(type)} has 1 to {longest} characters");
        }

        if (!Brackets(out var count)) return null;
        if (count == 0) return Wrong("an array has at least one element");
        if (_at < text.Length) return Wrong($"'{text[_at..]}' is too much");
        var address = S7Address.Make(area, db, start, bit, type, length, count ?? 1, count is not null, isSized);
        var isTooLong = address.ByteStart + ((long)address.Stride * address.Count) > S7Address.AreaSize * 8L
            || address.ByteStart + (long)address.ByteLength > S7Address.AreaSize * (area is S7Area.Timers or S7Area.Counters ? 2L : 1L);
        return isTooLong ? Wrong("an area has 65536 bytes") : address;
    }

    private bool Brackets(out int? number)
    {
        number = null;
        if (!Skip('[')) return true;
        number = Number();
        if (number is not null && Skip(']')) return true;
        Wrong("in brackets stands a number, such as [10]");
        return false;
    }

    private string Letters()
    {
        var from = _at;
        while (_at < text.Length && (char.IsAsciiLetter(text[_at]) || text[_at] == '_' || IsInName())) _at++;
        return text[from.._at].ToUpperInvariant();

        // S5TIME has a digit within; other words end before one.
        bool IsInName() => text[_at] == '5' && _at > from && text[_at - 1] is 'S' or 's' && _at == from + 1;
    }

    private int? Number()
    {
        var from = _at;
        while (_at < text.Length && char.IsAsciiDigit(text[_at])) _at++;
        return int.TryParse(text.AsSpan(from, _at - from), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
    }

    private bool Skip(char letter)
    {
        if (_at >= text.Length || text[_at] != letter) return false;
        _at++;
        return true;
    }

    private S7Address? Wrong(string what)
    {
        if (Mistake.Length == 0) Mistake = what;
        return null;
    }
}
