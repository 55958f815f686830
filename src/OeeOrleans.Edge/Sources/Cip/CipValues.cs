using System.Globalization;
using OeeOrleans.Cip;
using OeeOrleans.Edge.Tags;
using OeeOrleans.Sparkplug;

namespace OeeOrleans.Edge.Sources.Cip;

/// <summary>Between a Rockwell controller's values, published ones, and JSON.</summary>
internal static class CipValues
{
    private const int Good = 192;
    private const int ConfigurationError = 4;
    private const int DeviceFailure = 12;

    /// <summary>Datatype as published: arrays and structures are text; Unknown while the controller did not tell the type.</summary>
    public static SparkplugDataType TypeOf(CipAddress address, CipType? type)
    {
        if (type is null) return SparkplugDataType.Unknown;
        if (address.Count is not null || type.IsText || type.IsStructure) return SparkplugDataType.String;
        return type.Code switch
        {
            CipDataType.Bool => SparkplugDataType.Boolean,
            CipDataType.Real => SparkplugDataType.Float,
            CipDataType.Lreal => SparkplugDataType.Double,
            CipDataType.Ulint or CipDataType.Lword => SparkplugDataType.UInt64,
            _ => SparkplugDataType.Int64,
        };
    }

    /// <summary>OPC's number for what the controller says of an address.</summary>
    public static int QualityOf(CipStatus status) => status.General switch
    {
        0 => Good,
        // The path, an object, the range; and of data files a file that is not there, or is shorter.
        0x04 or 0x05 or 0x16 or 0xFF => ConfigurationError,
        0x2F0 when status.Extended is 0x06 or 0x07 or 0x11 => ConfigurationError,
        0x0C or 0x10 or 0x220 or 0x240 => DeviceFailure,
        _ => 0,
    };

    /// <summary>As published: long, ulong, double, bool or string.</summary>
    public static object ToPublished(SparkplugDataType type, object value) => type switch
    {
        SparkplugDataType.Boolean => Convert.ToBoolean(value, CultureInfo.InvariantCulture),
        SparkplugDataType.UInt64 => Convert.ToUInt64(value, CultureInfo.InvariantCulture),
        SparkplugDataType.Float or SparkplugDataType.Double => Convert.ToDouble(value, CultureInfo.InvariantCulture),
        SparkplugDataType.Int64 => Convert.ToInt64(value, CultureInfo.InvariantCulture),
        _ => value as string ?? TagJson.Write(json => TagJson.Write(json, ToJson(value))),
    };

    /// <summary>As <see cref="TagJson"/> writes it: bytes of an array as numbers.</summary>
    public static object? ToJson(object? value) => value switch
    {
        byte[] bytes when TagJson.IsBytes(bytes) => Array.ConvertAll(bytes, b => (int)b),
        CipStructure structure => structure.ToDictionary(m => m.Key, m => ToJson(m.Value)),
        object?[] all => Array.ConvertAll(all, ToJson),
        _ => value,
    };
}
