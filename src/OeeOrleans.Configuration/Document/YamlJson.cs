using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace OeeOrleans.Configuration.Document;

/// <summary>Between YAML and JSON: a file becomes a document, and a document becomes what the reader of files reads.</summary>
internal static class YamlJson
{
    private const int MaxDepth = 40;

    /// <summary>What a plain scalar means by YAML's core schema (YAML 1.2.2, section 10.3.2); what JSON has no number for stays
    /// text.</summary>
    /// <exception cref="ConfigException">It is nested too deeply, as one that holds itself is, or has a key that is no text.</exception>
    public static JsonNode? ToJson(YamlNode node, int depth = 0)
    {
        if (depth > MaxDepth) throw Wrong(node, $"it is nested more than {MaxDepth} deep, or holds itself");
        return node switch
        {
            YamlMappingNode map => new JsonObject(map.Children.Select(c => KeyValuePair.Create(KeyOf(c.Key), ToJson(c.Value, depth + 1)))),
            YamlSequenceNode list => new JsonArray([.. list.Children.Select(c => ToJson(c, depth + 1))]),
            YamlScalarNode { Style: ScalarStyle.Plain } plain => Plain(plain.Value ?? ""),
            YamlScalarNode scalar => JsonValue.Create(scalar.Value ?? ""),
            _ => null,
        };
    }

    /// <summary>A member's name in a JSON pointer (RFC 6901, section 3).</summary>
    public static string Escape(string key) =>
        key.Replace("~", "~0", StringComparison.Ordinal).Replace("/", "~1", StringComparison.Ordinal);

    private static string KeyOf(YamlNode key) =>
        key is YamlScalarNode scalar ? scalar.Value ?? "" : throw Wrong(key, "a key must be a single value");

    private static ConfigException Wrong(YamlNode node, string message) => new([new ConfigProblem("", node.Start.Line, message)]);

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
