using System.Globalization;
using System.Text.Json;

namespace OeeOrleans.Sparkplug.Payload;

/// <summary>The way back from <see cref="SparkplugJson"/>: a payload from its JSON. Types of properties and template parameters are not in
/// that form; they are those of their values (integers Int64, other numbers Double).</summary>
public static class SparkplugJsonReader
{
    /// <exception cref="FormatException">The JSON is not what a payload looks like; the message says where.</exception>
    public static byte[] Encode(JsonElement json)
    {
        var writer = new SparkplugPayloadWriter().BeginWill();
        try
        {
            var timestamp = Number(json, "timestamp");
            var seq = Number(json, "seq");
            if (timestamp is { } sent) writer.Begin(sent, seq is { } number ? (byte)number : null);
            foreach (var metric in json.GetProperty("metrics").EnumerateArray())
            {
                var (head, value) = ReadMetric(metric);
                writer.Value(head, value);
            }

            writer.Envelope(
                Text(json, "uuid"),
                json.TryGetProperty("body", out var body) && body.ValueKind == JsonValueKind.String ? body.GetBytesFromBase64() : null);
            return writer.Written.ToArray();
        }
        catch (Exception error)
            when (error is KeyNotFoundException or InvalidOperationException or ArgumentException or InvalidCastException
                or OverflowException)
        {
            throw new FormatException($"not a payload as `oee sparkplug decode` prints it: {error.Message}", error);
        }
    }

    private static Metric ReadMetric(JsonElement json)
    {
        var type = Text(json, "datatype") is { } name ? Enum.Parse<SparkplugDataType>(name) : SparkplugDataType.Unknown;
        var head = new MetricHead(
            Text(json, "name"), Number(json, "alias"), Number(json, "timestamp") ?? 0, type, Flag(json, "is_historical"))
        {
            Transient = Flag(json, "is_transient"),
            Properties = json.TryGetProperty("properties", out var properties) ? ReadProperties(properties) : null,
        };
        return new Metric(head, Flag(json, "is_null") ? null : ReadValue(json.GetProperty("value"), type));
    }

    private static object? ReadValue(JsonElement json, SparkplugDataType type)
    {
        if (json.ValueKind == JsonValueKind.Null) return null;
        if (MetricValue.IsArray(type)) return json.EnumerateArray().Select(e => ReadValue(e, ElementOf(type))!).ToArray();
        return type switch
        {
            SparkplugDataType.DataSet => ReadDataSet(json),
            SparkplugDataType.Template => ReadTemplate(json),
            SparkplugDataType.Bytes or SparkplugDataType.File => json.GetBytesFromBase64(),
            SparkplugDataType.Float or SparkplugDataType.Double => Real(json),
            _ => Scalar(json),
        };
    }

    private static SparkplugDataType ElementOf(SparkplugDataType array) => array switch
    {
        SparkplugDataType.FloatArray or SparkplugDataType.DoubleArray => SparkplugDataType.Double,
        _ => SparkplugDataType.Unknown,
    };

    private static object? Scalar(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.True => true,
        JsonValueKind.False => false,
        JsonValueKind.String => json.GetString(),
        JsonValueKind.Number when json.TryGetInt64(out var whole) => whole,
        JsonValueKind.Number when json.TryGetUInt64(out var large) => large,
        JsonValueKind.Number => json.GetDouble(),
        _ => null,
    };

    private static double Real(JsonElement json) =>
        json.ValueKind == JsonValueKind.Number
            ? json.GetDouble()
            : double.Parse(json.GetString()!, NumberStyles.Float, CultureInfo.InvariantCulture);

    private static DataSet ReadDataSet(JsonElement json)
    {
        var types = json.GetProperty("types").EnumerateArray().Select(t => Enum.Parse<SparkplugDataType>(t.GetString()!)).ToList();
        return new DataSet(
            [.. json.GetProperty("columns").EnumerateArray().Select(c => c.GetString()!)], types,
            [
                .. json.GetProperty("rows")
                    .EnumerateArray()
                    .Select(r => (IReadOnlyList<object?>)[.. r.EnumerateArray().Select((e, i) => ReadValue(e, types[i]))]),
            ]);
    }

    private static Template ReadTemplate(JsonElement json) => new()
    {
        Version = Text(json, "version"),
        Reference = Text(json, "template_ref"),
        IsDefinition = Flag(json, "is_definition"),
        Metrics = [.. json.GetProperty("metrics").EnumerateArray().Select(ReadMetric)],
        Parameters =
        [
            .. json.GetProperty("parameters")
                .EnumerateObject()
                .Select(p => new TemplateParameter(p.Name, TypeOf(p.Value), Scalar(p.Value))),
        ],
    };

    private static PropertySet ReadProperties(JsonElement json) => new(
        [.. json.EnumerateObject().Select(p => new KeyValuePair<string, PropertyValue>(p.Name, ReadProperty(p.Value)))]);

    private static PropertyValue ReadProperty(JsonElement json) => json.ValueKind switch
    {
        JsonValueKind.Object => new PropertyValue(SparkplugDataType.PropertySet, ReadProperties(json)),
        JsonValueKind.Array =>
            new PropertyValue(
                SparkplugDataType.PropertySetList, (IReadOnlyList<PropertySet>)[.. json.EnumerateArray().Select(ReadProperties)]),
        _ => new PropertyValue(TypeOf(json), Scalar(json)),
    };

    private static SparkplugDataType TypeOf(JsonElement json) => Scalar(json) switch
    {
        bool => SparkplugDataType.Boolean,
        long => SparkplugDataType.Int64,
        ulong => SparkplugDataType.UInt64,
        double => SparkplugDataType.Double,
        _ => SparkplugDataType.String,
    };

    private static ulong? Number(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetUInt64() : null;

    private static string? Text(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static bool Flag(JsonElement json, string name) =>
        json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;
}
