using System.Globalization;
using System.Text;

namespace OeeOrleans.Cip;

/// <summary>What is read or written: <see cref="CipTagAddress"/> of a Logix or Micro800, <see cref="PcccAddress"/> of older ones.</summary>
public abstract record CipAddress
{
    /// <summary>The type of one element, where the address alone says it; null: only the controller knows.</summary>
    public virtual CipType? KnownType => null;

    internal const int MostElements = 65_535;

    private protected CipAddress()
    {
    }

    /// <summary>As it was written.</summary>
    public required string Text { get; init; }

    /// <summary>Elements of an array, `{10}`; null: one.</summary>
    public int? Count { get; init; }

    /// <summary>A bit of an integer; null: all of it.</summary>
    public int? Bit { get; init; }

    /// <param name="text">`Tag`, `Program:Main.Tag`, `Udt.Member[2]`, `Arr[3]{10}`, `Word.5`; PCCC `N7:0{10}`, `B3:0/5`,
    /// `T4:0.ACC`.</param>
    /// <param name="plc">Its family says which form is meant.</param>
    /// <param name="address">What it says; null when it cannot be used.</param>
    /// <param name="reason">A sentence when it cannot be used.</param>
    public static bool TryParse(string text, CipPlc plc, out CipAddress? address, out string reason)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (plc is CipPlc.Plc5 or CipPlc.Slc500 or CipPlc.MicroLogix) return PcccAddress.TryParse(text, plc, out address, out reason);
        return CipTagAddress.TryParse(text, out address, out reason);
    }

    /// <exception cref="FormatException">It is no address.</exception>
    public static CipAddress Parse(string text, CipPlc plc) =>
        TryParse(text, plc, out var address, out var reason) ? address! : throw new FormatException(reason);

    public sealed override string ToString() => Text;

    /// <summary>Takes `{10}` off the end.</summary>
    private protected static bool TryTakeCount(ref string text, out int? count)
    {
        count = null;
        if (!text.EndsWith('}')) return true;
        var at = text.LastIndexOf('{');
        var isNumber = int.TryParse(text.AsSpan(at + 1, Math.Max(0, text.Length - at - 2)), NumberStyles.None,
            CultureInfo.InvariantCulture, out var number);
        if (at < 1 || !isNumber || number is < 1 or > MostElements) return false;
        (text, count) = (text[..at], number);
        return true;
    }
}

/// <summary>A tag of a Logix or Micro800 controller, or a member, element or bit of one.</summary>
public sealed record CipTagAddress : CipAddress
{
    private const int LongestName = 40;
    private const int LongestPath = 255 * 2;
    private const int MostBits = 64;

    private CipTagAddress()
    {
    }

    /// <summary>`Main` of `Program:Main.Tag`; null: of the controller.</summary>
    public string? Program { get; private init; }

    /// <summary>The tag's name, without its program.</summary>
    public string Tag { get; private init; } = "";

    /// <summary>The path as the controller wants it, with the indexes, without the bit.</summary>
    internal byte[] Path { get; private init; } = [];

    /// <summary>What follows the tag's name in the path: its indexes and members.</summary>
    internal byte[] Rest { get; private init; } = [];

    /// <summary>The last index, of an element of an array of one dimension; null when there is none.</summary>
    internal uint? LastIndex { get; private init; }

    /// <summary>The path without the last index.</summary>
    internal byte[] PathOfArray { get; private init; } = [];

    public bool Equals(CipTagAddress? other) => other is not null && Text.Equals(other.Text, StringComparison.OrdinalIgnoreCase);

    public override int GetHashCode() => string.GetHashCode(Text, StringComparison.OrdinalIgnoreCase);

    internal static bool TryParse(string text, out CipAddress? address, out string reason)
    {
        address = null;
        reason = $"'{text}' is no tag; Tag, Program:Main.Tag, Udt.Member[2], Arr[3]{{10}} and Word.5 are";
        var rest = text;
        if (!TryTakeCount(ref rest, out var count)) return false;
        var parts = rest.Split('.');
        if (!TryTakeBit(ref parts, out var bit)) return false;
        string? program = null;
        if (parts[0].StartsWith("Program:", StringComparison.OrdinalIgnoreCase))
        {
            program = parts[0]["Program:".Length..];
            if (!IsName(program) || parts.Length < 2) return false;
            parts = parts[1..];
        }

        var (path, behind, beforeIndex) = (new List<byte>(), new List<byte>(), (List<byte>?)null);
        uint? last = null;
        if (program is not null) AddName(path, $"Program:{program}");
        for (var i = 0; i < parts.Length; i++)
        {
            if (!TrySplit(parts[i], out var name, out var indexes)) return false;
            AddName(path, name);
            if (i > 0) AddName(behind, name);
            beforeIndex = [.. path];
            foreach (var index in indexes)
            {
                AddIndex(path, index);
                AddIndex(behind, index);
            }

            last = indexes.Count == 1 ? indexes[0] : null;
        }

        if (path.Count > LongestPath || (bit is not null && count is not null))
        {
            reason = path.Count > LongestPath ? $"'{text}' is too long" : $"'{text}': of a bit there is but one";
            return false;
        }

        TrySplit(parts[0], out var tag, out _);
        address = new CipTagAddress
        {
            Text = text, Program = program, Tag = tag, Count = count, Bit = bit, Path = [.. path], Rest = [.. behind], LastIndex = last,
            PathOfArray = [.. beforeIndex!],
        };
        reason = "";
        return true;
    }

    /// <summary>Appends an element's index in as few bytes as it needs.</summary>
    internal static void AddIndex(List<byte> path, uint index)
    {
        if (index <= byte.MaxValue) path.AddRange([0x28, (byte)index]);
        else if (index <= ushort.MaxValue) path.AddRange([0x29, 0, (byte)index, (byte)(index >> 8)]);
        else path.AddRange([0x2A, 0, (byte)index, (byte)(index >> 8), (byte)(index >> 16), (byte)(index >> 24)]);
    }

    internal static void AddName(List<byte> path, string name)
    {
        path.AddRange([0x91, (byte)name.Length, .. Encoding.ASCII.GetBytes(name)]);
        if (name.Length % 2 == 1) path.Add(0);
    }

    private static bool TryTakeBit(ref string[] parts, out int? bit)
    {
        bit = null;
        if (parts.Length < 2 || !int.TryParse(parts[^1], NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return true;
        if (number >= MostBits) return false;
        (bit, parts) = (number, parts[..^1]);
        return true;
    }

    /// <summary>`Arr[1,2]` → its name and indexes.</summary>
    private static bool TrySplit(string part, out string name, out List<uint> indexes)
    {
        indexes = [];
        var at = part.IndexOf('[', StringComparison.Ordinal);
        name = at < 0 ? part : part[..at];
        if (!IsName(name)) return false;
        if (at < 0) return true;
        if (!part.EndsWith(']')) return false;
        foreach (var index in part[(at + 1)..^1].Split(','))
        {
            if (!uint.TryParse(index, NumberStyles.AllowLeadingWhite, CultureInfo.InvariantCulture, out var number)) return false;
            indexes.Add(number);
        }

        return indexes.Count <= 3;
    }

    /// <summary>Letters, digits and underlines; modules have colons in theirs.</summary>
    private static bool IsName(string name)
    {
        if (name.Length is 0 or > LongestName || char.IsAsciiDigit(name[0])) return false;
        return name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or ':');
    }
}
