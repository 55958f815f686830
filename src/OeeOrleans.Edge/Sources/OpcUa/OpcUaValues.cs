using System.Globalization;
using OeeOrleans.OpcUa;
using OeeOrleans.Sparkplug;

namespace OeeOrleans.Edge.Sources.OpcUa;

/// <summary>Between OPC UA's values and published ones.</summary>
internal static class OpcUaValues
{
    private const int Good = 192;
    private const int Uncertain = 64;
    private const int LastUsable = 68;
    private const int SensorFailure = 16;
    private const int NotConnected = 8;
    private const int CommunicationFailure = 24;

    /// <summary>Datatype of what <see cref="Convert"/> makes of a built-in type: arrays and what Sparkplug has no type for become
    /// text.</summary>
    public static SparkplugDataType TypeOf(BuiltInType type, bool isArray)
    {
        if (isArray) return SparkplugDataType.String;
        return type switch
        {
            BuiltInType.Boolean => SparkplugDataType.Boolean,
            BuiltInType.UInt64 => SparkplugDataType.UInt64,
            >= BuiltInType.SByte and <= BuiltInType.Int64 => SparkplugDataType.Int64,
            BuiltInType.Float => SparkplugDataType.Float,
            BuiltInType.Double => SparkplugDataType.Double,
            _ => SparkplugDataType.String,
        };
    }

    /// <summary>The value as it is published under a datatype; null when it is bad, or nothing of that type.</summary>
    public static object? Convert(in DataValue value, SparkplugDataType type)
    {
        if (value.Status.IsBad || value.Value.IsNull) return null;
        var raw = value.Value;
        switch (type)
        {
            case SparkplugDataType.Boolean: return raw.Type == BuiltInType.Boolean && !raw.IsArray ? raw.Value : null;
            case SparkplugDataType.Double or SparkplugDataType.Float: return raw.AsDouble();
            case SparkplugDataType.UInt64: return Unsigned(raw);
            case SparkplugDataType.Int64: return Signed(raw);
            default: return Tags.TagJson.Text(raw);
        }
    }

    /// <summary>OPC's quality number of a status: no value is made up when it is bad (OPC 10000-8, table of DA statuses).</summary>
    public static int QualityOf(StatusCode status)
    {
        if (status.IsGood) return Good;
        return status.WithoutFlags.Code switch
        {
            StatusCodes.UncertainLastUsableValue => LastUsable,
            StatusCodes.BadSensorFailure => SensorFailure,
            StatusCodes.BadNotConnected => NotConnected,
            StatusCodes.BadNoCommunication or StatusCodes.BadCommunicationError => CommunicationFailure,
            _ => status.IsUncertain ? Uncertain : 0,
        };
    }

    /// <summary>Milliseconds of the source's time; the server's where there is none, and ours where neither is.</summary>
    public static long TimeMs(in DataValue value, DateTimeOffset now)
    {
        var time = value.SourceTime > DateTime.MinValue ? value.SourceTime : value.ServerTime;
        return time <= DateTime.UnixEpoch || time == DateTime.MaxValue
            ? now.ToUnixTimeMilliseconds()
            : new DateTimeOffset(time).ToUnixTimeMilliseconds();
    }

    /// <summary>A value to write, as the node's built-in type.</summary>
    /// <exception cref="ArgumentException">It does not fit.</exception>
    public static Variant ToVariant(object? value, BuiltInType type)
    {
        if (value is null) throw new ArgumentException("null cannot be written");
        if (value is string text && type is > BuiltInType.Boolean and <= BuiltInType.Double) return Parse(text, type);
        try
        {
            return type switch
            {
                BuiltInType.Boolean => System.Convert.ToBoolean(value, CultureInfo.InvariantCulture),
                BuiltInType.Float => Single(System.Convert.ToDouble(value, CultureInfo.InvariantCulture)),
                BuiltInType.Double => System.Convert.ToDouble(value, CultureInfo.InvariantCulture),
                BuiltInType.String => System.Convert.ToString(value, CultureInfo.InvariantCulture),
                >= BuiltInType.SByte and <= BuiltInType.UInt64 => Whole(value, type),
                _ => throw new ArgumentException($"a {type} cannot be written by a command"),
            };
        }
        catch (Exception error) when (error is FormatException or OverflowException or InvalidCastException)
        {
            throw new ArgumentException($"{value} is no {type}: {error.Message}", error);
        }
    }

    /// <summary>A text that is a number: `1,5` is none.</summary>
    private static Variant Parse(string text, BuiltInType type)
    {
        try
        {
            return VariantJson.Parse(System.Text.Json.JsonSerializer.SerializeToElement(text), type, -1);
        }
        catch (FormatException error)
        {
            throw new ArgumentException(error.Message, error);
        }
    }

    private static float Single(double value)
    {
        var single = (float)value;
        return float.IsInfinity(single) && !double.IsInfinity(value) ? throw new OverflowException($"{value} is too large for a Float")
            : single;
    }

    private static Variant Whole(object? value, BuiltInType type)
    {
        var number = System.Convert.ToDecimal(value, CultureInfo.InvariantCulture);
        if (number != decimal.Truncate(number)) throw new ArgumentException($"{number} is no whole number, and the node's type is {type}");
        return type switch
        {
            BuiltInType.SByte => (sbyte)number,
            BuiltInType.Byte => (byte)number,
            BuiltInType.Int16 => (short)number,
            BuiltInType.UInt16 => (ushort)number,
            BuiltInType.Int32 => (int)number,
            BuiltInType.UInt32 => (uint)number,
            BuiltInType.Int64 => (long)number,
            _ => (ulong)number,
        };
    }

    private static object? Unsigned(in Variant raw)
    {
        if (raw is { Type: BuiltInType.UInt64, IsArray: false }) return raw.Value;
        return Signed(raw) is long number and >= 0 ? (ulong)number : null;
    }

    private static object? Signed(in Variant raw) => raw.IsArray
        ? null
        : raw.Value switch
        {
            sbyte v => (long)v,
            byte v => (long)v,
            short v => (long)v,
            ushort v => (long)v,
            int v => (long)v,
            uint v => (long)v,
            long v => v,
            ulong and <= long.MaxValue => (long)(ulong)raw.Value,
            _ => null,
        };
}
