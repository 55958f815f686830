using System.Globalization;
using OeeOrleans.Edge.Tags;
using OeeOrleans.S7;
using OeeOrleans.Sparkplug;

namespace OeeOrleans.Edge.Sources.S7;

/// <summary>Between an S7 PLC's values, published ones, and JSON.</summary>
internal static class S7Values
{
    private const int Good = 192;
    private const int ConfigurationError = 4;
    private const int DeviceFailure = 12;

    /// <summary>Datatype as published: arrays and times are text.</summary>
    public static SparkplugDataType TypeOf(in S7Address address)
    {
        if (address.IsArray) return SparkplugDataType.String;
        return address.Type switch
        {
            S7DataType.Bool => SparkplugDataType.Boolean,
            S7DataType.Real => SparkplugDataType.Float,
            S7DataType.LReal or S7DataType.Time or S7DataType.LTime or S7DataType.S5Time or S7DataType.Timer => SparkplugDataType.Double,
            S7DataType.ULInt or S7DataType.LWord => SparkplugDataType.UInt64,
            S7DataType.Char or S7DataType.WChar or S7DataType.String or S7DataType.WString or S7DataType.Date or S7DataType.TimeOfDay
                or S7DataType.DateAndTime or S7DataType.Dtl => SparkplugDataType.String,
            _ => SparkplugDataType.Int64,
        };
    }

    /// <summary>OPC's number for what the PLC says of an address.</summary>
    public static int QualityOf(S7Status status) => status switch
    {
        S7Status.Good => Good,
        S7Status.OutOfRange or S7Status.NotThere or S7Status.TypeNotSupported or S7Status.TypeInconsistent => ConfigurationError,
        S7Status.HardwareFault => DeviceFailure,
        _ => 0,
    };

    /// <summary>As published: long, ulong, double, bool or string; durations in seconds.</summary>
    public static object ToPublished(in S7Address address, object value) => TypeOf(address) switch
    {
        SparkplugDataType.Boolean or SparkplugDataType.UInt64 => value,
        SparkplugDataType.Float => Convert.ToDouble(value, CultureInfo.InvariantCulture),
        SparkplugDataType.Double => Convert.ToDouble(ToJson(value), CultureInfo.InvariantCulture),
        SparkplugDataType.Int64 => Convert.ToInt64(value, CultureInfo.InvariantCulture),
        _ => ToJson(value) is string text ? text : TagJson.Write(json => TagJson.Write(json, ToJson(value))),
    };

    /// <summary>As <see cref="TagJson"/> writes it: durations in seconds, times ISO 8601 without a zone, bytes of an array as
    /// numbers.</summary>
    public static object ToJson(object value) => value switch
    {
        TimeSpan span => span.Ticks / (decimal)TimeSpan.TicksPerSecond,
        S7Duration duration => duration.Seconds,
        DateOnly date => date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture),
        TimeOnly time => time.ToString("HH:mm:ss.FFFFFFF", CultureInfo.InvariantCulture),
        DateTime time => new S7Timestamp(time, 0).ToString(),
        S7Timestamp stamp => stamp.ToString(),
        char letter => letter.ToString(),
        byte[] bytes when TagJson.IsBytes(bytes) => Array.ConvertAll(bytes, b => (int)b),
        Array all => all.Cast<object>().Select(ToJson).ToArray(),
        _ => value,
    };
}
