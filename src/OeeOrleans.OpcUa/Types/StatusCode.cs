using System.Collections.Frozen;
using System.Globalization;

namespace OeeOrleans.OpcUa;

/// <summary>The outcome of an operation, or the quality of a value (OPC 10000-4, 7.39): two bits of severity, a code, and flags.</summary>
public readonly record struct StatusCode(uint Code)
{
    private const uint CodeMask = 0xFFFF_0000;

    public static readonly StatusCode Good;

    public bool IsGood => Code >> 30 == 0;

    public bool IsUncertain => Code >> 30 == 1;

    public bool IsBad => Code >> 30 >= 2;

    /// <summary>The code without the flags of its lower half.</summary>
    public StatusCode WithoutFlags => new(Code & CodeMask);

    /// <summary>The server's queue overflowed: values between this one and its neighbour were discarded (OPC 10000-4, 7.39.1).</summary>
    public bool HasOverflow => (Code & 0x0480) == 0x0480;

    /// <summary>The name in the standard, `0x…` for a code it does not know.</summary>
    public string Name => StatusCodeNames.Of(Code & CodeMask) ?? string.Create(CultureInfo.InvariantCulture, $"0x{Code:X8}");

    /// <summary>What to do about it, as the end of a sentence that starts with a semicolon; empty where the name says it.</summary>
    public string Advice => Refused.Advice(this);

    public static implicit operator StatusCode(uint code) => new(code);

    /// <summary>A name of the standard, or `0x` and eight digits.</summary>
    /// <exception cref="FormatException">It is neither.</exception>
    public static StatusCode Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        if (StatusCodeNames.Find(text) is { } code) return new StatusCode(code);
        return text.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
            && uint.TryParse(text.AsSpan(2), NumberStyles.HexNumber, CultureInfo.InvariantCulture, out var number)
            ? new StatusCode(number)
            : throw new FormatException($"'{text}' is no status code; BadNoData and 0x809B0000 are");
    }

    public override string ToString() => Name;
}

/// <summary>Names of OPC 10000-6, A.2.</summary>
internal static class StatusCodeNames
{
    private static readonly FrozenDictionary<uint, string> Names = Read();

    public static string? Of(uint code) => Names.GetValueOrDefault(code);

    public static uint? Find(string name)
    {
        foreach (var (code, known) in Names)
        {
            if (known == name) return code;
        }

        return null;
    }

    private static FrozenDictionary<uint, string> Read()
    {
        using var stream = typeof(StatusCodeNames).Assembly.GetManifestResourceStream("StatusCodes.txt")!;
        using var reader = new StreamReader(stream);
        var names = new Dictionary<uint, string>();
        while (reader.ReadLine() is { } line)
        {
            if (line.Length > 9) names[uint.Parse(line.AsSpan(0, 8), NumberStyles.HexNumber, CultureInfo.InvariantCulture)] = line[9..];
        }

        return names.ToFrozenDictionary();
    }
}
