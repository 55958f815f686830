using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using OeeOrleans.Model;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Payload;

namespace OeeOrleans.Grains.EdgeNodes;

/// <summary>A metric's value as the store has it: a number, or text where a number would lose something.</summary>
internal static class MetricDecoder
{
    /// <summary>Integers up to here are exact in a double.</summary>
    private const double ExactInteger = 9_007_199_254_740_992;

    /// <summary>
    /// Quality of a metric: null is bad, the property `Quality` speaks OPC (0 bad, 192 good, 500 stale; Sparkplug 3.0 section 6.4.9).
    /// </summary>
    public static short QualityOf(scoped in MetricView metric)
    {
        if (metric.IsNull) return Quality.Bad;
        if (!metric.HasProperties || !SparkplugProperties.TryGetInteger(metric, "Quality"u8, out var code)) return Quality.Good;
        return code is >= Quality.Uncertain and < 256 ? (short)code : Quality.Bad;
    }

    /// <exception cref="SparkplugFormatException">A nested value is malformed.</exception>
    public static (double Value, string? Text) Decode(scoped in MetricView metric, SparkplugDataType type)
    {
        if (metric.TryGetDouble(type, out var number))
        {
            if (double.IsNaN(number)) return (double.NaN, "NaN");
            var beyond = metric.Field is ValueField.Int or ValueField.Long && Math.Abs(number) >= ExactInteger;
            return (number, beyond ? ExactText(metric, type) : null);
        }

        if (metric.Field == ValueField.None) return (double.NaN, null);
        return (double.NaN, Clean(metric.Field == ValueField.String ? Encoding.UTF8.GetString(metric.Content) : AsJson(metric, type)));
    }

    private static string ExactText(scoped in MetricView metric, SparkplugDataType type) => MetricValue.IsSigned(type)
        ? MetricValue.Signed(type, metric.Bits).ToString(CultureInfo.InvariantCulture)
        : MetricValue.Unsigned(type, metric.Field, metric.Bits).ToString(CultureInfo.InvariantCulture);

    private static string AsJson(scoped in MetricView metric, SparkplugDataType type)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer)) SparkplugJson.WriteValue(json, metric, type);
        var text = Encoding.UTF8.GetString(buffer.WrittenSpan);
        // Bytes and files are a plain base64 string, not a JSON one.
        return text.Length >= 2 && text[0] == '"' ? JsonSerializer.Deserialize<string>(text)! : text;
    }

    /// <summary>PostgreSQL text cannot hold the character zero.</summary>
    private static string Clean(string text) => text.Contains('\0') ? text.Replace('\0', '\uFFFD') : text;
}
