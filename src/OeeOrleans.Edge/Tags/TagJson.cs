using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using OeeOrleans.OpcUa;

namespace OeeOrleans.Edge.Tags;

/// <summary>
/// Values of PLCs as JSON: numbers exact, byte strings as base64, times ISO 8601 with their full precision, `"NaN"` and `"Infinity"` as
/// text, structures as objects, arrays of several dimensions as arrays of arrays.
/// </summary>
public static class TagJson
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>A value as text: a scalar as itself, anything else as JSON.</summary>
    public static string? Text(Variant value)
    {
        if (value.IsNull) return null;
        if (!value.IsArray && Scalar(value.Value!) is { } text) return text;
        return Write(json => Write(json, Arranged(value)));
    }

    /// <summary>One line of JSON.</summary>
    public static string Write(Action<Utf8JsonWriter> write)
    {
        ArgumentNullException.ThrowIfNull(write);
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Options)) write(json);
        return Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length);
    }

    public static string Time(DateTime time) => time.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", CultureInfo.InvariantCulture);

    public static void Write(Utf8JsonWriter json, object? value)
    {
        ArgumentNullException.ThrowIfNull(json);
        switch (value)
        {
            case null: json.WriteNullValue(); break;
            case bool v: json.WriteBooleanValue(v); break;
            case float v: Real(json, v, float.IsFinite(v), w => w.WriteNumberValue(v)); break;
            case double v: Real(json, v, double.IsFinite(v), w => w.WriteNumberValue(v)); break;
            case decimal v: json.WriteNumberValue(v); break;
            case ulong v: json.WriteNumberValue(v); break;
            case sbyte or byte or short or ushort or int or uint or long: json.WriteNumberValue(Convert.ToInt64(value, null)); break;
            case byte[] v when IsBytes(v): json.WriteBase64StringValue(v); break;
            case StructureValue v: Structure(json, v.Fields); break;
            case IReadOnlyDictionary<string, object?> v: Structure(json, v); break;
            case ExtensionObject v: Raw(json, v); break;
            case Variant v: Write(json, Arranged(v)); break;
            case DataValue v: Write(json, v.Value); break;
            case Array v:
                json.WriteStartArray();
                foreach (var element in v) Write(json, element);
                json.WriteEndArray();
                break;
            default: json.WriteStringValue(Scalar(value)); break;
        }
    }

    /// <summary>The value, or for an array of several dimensions arrays of arrays; an array of bytes as numbers.</summary>
    public static object? Arranged(Variant value)
    {
        if (value.Elements is not { } elements) return value.Value;
        if (value.Dimensions is { } lengths) return Nested(elements, [.. lengths], 0, 0, elements.Length);
        return IsBytes(elements) ? Array.ConvertAll((byte[])elements, b => (int)b) : elements;
    }

    /// <summary>Bytes without a sign: to the runtime those with one are arrays of these, too.</summary>
    public static bool IsBytes(object value)
    {
        ArgumentNullException.ThrowIfNull(value);
        return value.GetType() == typeof(byte[]);
    }

    private static object?[] Nested(Array elements, int[] lengths, int dimension, int from, int count)
    {
        var result = new object?[lengths[dimension]];
        var size = result.Length == 0 ? 0 : count / result.Length;
        for (var i = 0; i < result.Length; i++)
        {
            result[i] = dimension == lengths.Length - 1
                ? elements.GetValue(from + i)
                : Nested(elements, lengths, dimension + 1, from + (i * size), size);
        }

        return result;
    }

    private static void Real(Utf8JsonWriter json, double value, bool finite, Action<Utf8JsonWriter> write)
    {
        if (finite)
        {
            write(json);
            return;
        }

        var infinity = value > 0 ? "Infinity" : "-Infinity";
        json.WriteStringValue(double.IsNaN(value) ? "NaN" : infinity);
    }

    private static void Structure(Utf8JsonWriter json, IEnumerable<KeyValuePair<string, object?>> fields)
    {
        json.WriteStartObject();
        foreach (var (name, field) in fields)
        {
            json.WritePropertyName(name);
            Write(json, field);
        }

        json.WriteEndObject();
    }

    /// <summary>A structure whose type the server does not explain.</summary>
    private static void Raw(Utf8JsonWriter json, ExtensionObject value)
    {
        json.WriteStartObject();
        json.WriteString("type_id", value.TypeId.ToString());
        if (value.Body is byte[] bytes) json.WriteBase64String("body", bytes);
        else json.WriteString("body", value.Body as string);
        json.WriteEndObject();
    }

    /// <summary>Null for what is not one word.</summary>
    private static string? Scalar(object value) => value switch
    {
        string v => v,
        bool v => v ? "true" : "false",
        DateTime v => Time(v),
        byte[] v when IsBytes(v) => Convert.ToBase64String(v),
        Array or StructureValue or ExtensionObject or Variant or DataValue => null,
        IFormattable v => v.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString(),
    };
}
