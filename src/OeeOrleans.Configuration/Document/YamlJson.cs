using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace OeeOrleans.Configuration.Document;

/// <summary>Between YAML and JSON: a file becomes a document, and a document becomes what the reader of files reads.</summary>
internal static class YamlJson
{
    /// <summary>What a plain scalar means by YAML's core schema (YAML 1.2.2, section 10.3.2); what JSON has no number for stays text.</summary>
    public static JsonNode? ToJson(YamlNode node) => node switch
    {
        YamlMappingNode map => new JsonObject(
            map.Children.Select(c => KeyValuePair.Create(((YamlScalarNode)c.Key).Value ?? "", ToJson(c.Value)))),
        YamlSequenceNode list => new JsonArray([.. list.Children.Select(ToJson)]),
        YamlScalarNode { Style: ScalarStyle.Plain } plain => Plain(plain.Value ?? ""),
        YamlScalarNode scalar => JsonValue.Create(scalar.Value ?? ""),
        _ => null,
    };

    /// <summary>As YAML in JSON's style, one node on a line, so that a line says which node is meant.</summary>
    /// <returns>The text, and for each of its lines (from 1 on, so the first entry is of none) the JSON pointer of its node.</returns>
    public static (string Text, IReadOnlyList<string> Pointers) ToYaml(JsonObject root)
    {
        var (text, pointers) = (new StringBuilder(), new List<string> { "" });
        Write(root, "", 0);
        EndLine("");
        return (text.ToString(), pointers);

        void EndLine(string pointer)
        {
            text.Append('\n');
            pointers.Add(pointer);
        }

        void Indent(int depth) => text.Append(' ', depth + 1);

        void Write(JsonNode? node, string pointer, int depth)
        {
            switch (node)
            {
                case JsonObject { Count: > 0 } map:
                    text.Append('{');
                    EndLine(pointer);
                    var left = map.Count;
                    foreach (var (key, value) in map)
                    {
                        Indent(depth);
                        Quote(text, key);
                        text.Append(": ");
                        Item(value, $"{pointer}/{Escape(key)}", depth, --left > 0);
                    }

                    Indent(depth);
                    text.Append('}');
                    break;
                case JsonArray { Count: > 0 } list:
                    text.Append('[');
                    EndLine(pointer);
                    for (var i = 0; i < list.Count; i++)
                    {
                        Indent(depth);
                        Item(list[i], $"{pointer}/{i.ToString(CultureInfo.InvariantCulture)}", depth, i + 1 < list.Count);
                    }

                    Indent(depth);
                    text.Append(']');
                    break;
                case JsonObject:
                    text.Append("{}");
                    break;
                case JsonArray:
                    text.Append("[]");
                    break;
                case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                    Quote(text, value.GetValue<string>());
                    break;
                default:
                    text.Append(node is null ? "null" : node.ToJsonString());
                    break;
            }
        }

        void Item(JsonNode? value, string pointer, int depth, bool more)
        {
            Write(value, pointer, depth + 1);
            if (more) text.Append(',');
            EndLine(pointer);
        }
    }

    /// <summary>A member's name in a JSON pointer (RFC 6901, section 3).</summary>
    public static string Escape(string key) =>
        key.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    private static void Quote(StringBuilder text, string value)
    {
        text.Append('"');
        foreach (var c in value)
        {
            var isInvisible = char.IsControl(c) || c is '\u2028' or '\u2029' or '\uFEFF';
            if (c is '"' or '\\') text.Append('\\').Append(c);
            else if (isInvisible) text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:X4}");
            else text.Append(c);
        }

        text.Append('"');
    }

    private static JsonNode? Plain(string text)
    {
        switch (text)
        {
            case "" or "~" or "null" or "Null" or "NULL": return null;
            case "true" or "True" or "TRUE": return true;
            case "false" or "False" or "FALSE": return false;
        }

        // As it is written: a decimal keeps its digits.
        if (text[0] is '-' or (>= '0' and <= '9') && IsNumber(text)) return JsonNode.Parse(text);
        return text;
    }

    private static bool IsNumber(string text)
    {
        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text));
            return reader.Read() && reader.TokenType == JsonTokenType.Number && reader.BytesConsumed == Encoding.UTF8.GetByteCount(text);
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
