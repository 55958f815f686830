using OeeOrleans.Sparkplug;

namespace OeeOrleans.Edge.Sources;

/// <summary>Between a tag's raw values and the published ones: scale, offset and datatype.</summary>
internal static class Scaling
{
    private const double WholeWithin = 1e-9;

    /// <summary>Datatype as published: a scaled number has digits behind the point; a text or a flag has no scale.</summary>
    public static SparkplugDataType TypeOf(EdgeTag tag, SparkplugDataType raw) =>
        raw is SparkplugDataType.Unknown or SparkplugDataType.String or SparkplugDataType.Boolean || tag is { Scale: 1, Offset: 0 }
            ? raw
            : SparkplugDataType.Double;

    /// <summary>The value in published units; what is no number stays what it is.</summary>
    public static object? Published(EdgeTag tag, object? raw) =>
        tag is { Scale: 1, Offset: 0 } || NumberOf(raw) is not { } known ? raw : (known * tag.Scale) + tag.Offset;

    /// <summary>A published value in the units of the PLC. 0.3 with a scale of 0.1 is 3, and not 2.9999999999999996.</summary>
    /// <param name="tag">The tag it is for.</param>
    /// <param name="value">As published.</param>
    /// <param name="type">Datatype in the PLC.</param>
    public static object? Raw(EdgeTag tag, object? value, SparkplugDataType type)
    {
        if (tag is { Scale: 1, Offset: 0 } || NumberOf(value) is not { } number) return value;
        var raw = (number - tag.Offset) / tag.Scale;
        var whole = Math.Round(raw);
        var isWhole = type is SparkplugDataType.Int64 or SparkplugDataType.UInt64
            && Math.Abs(raw - whole) <= WholeWithin * Math.Max(1, Math.Abs(whole));
        return isWhole ? whole : raw;
    }

    /// <summary>A value as one of another datatype, where that changes nothing about it; null where it would.</summary>
    public static object? Fit(object? value, SparkplugDataType type) => (type, value) switch
    {
        (SparkplugDataType.Double or SparkplugDataType.Float, _) => NumberOf(value),
        (SparkplugDataType.Int64, ulong number) => number <= long.MaxValue ? (long)number : null,
        (SparkplugDataType.UInt64, long number) => number >= 0 ? (ulong)number : null,
        (SparkplugDataType.Int64, long) or (SparkplugDataType.UInt64, ulong) => value,
        (SparkplugDataType.Int64 or SparkplugDataType.UInt64, _) => null,
        (SparkplugDataType.String, string) or (SparkplugDataType.Boolean, bool) => value,
        (SparkplugDataType.String or SparkplugDataType.Boolean, _) => null,
        _ => value,
    };

    /// <summary>Whether a PLC shows what it was given: a number as near as a 32-bit real comes to it.</summary>
    public static bool IsSame(object? shown, object? given)
    {
        if (Equals(shown, given)) return true;
        if (shown is not double && given is not double) return false;
        return NumberOf(shown) is { } a && NumberOf(given) is { } b && (a == b || (float)a == (float)b);
    }

    public static double? NumberOf(object? value) =>
        value switch { long whole => whole, ulong whole => whole, double real => real, _ => null };
}
