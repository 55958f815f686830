using System.Text.Json;
using System.Text.Json.Nodes;

namespace OeeOrleans.Configuration.Document;

/// <summary>JSON that was looked at to its end: members that are there twice, and text that is none, are found at once and not when they
/// are first asked for.</summary>
public static class StrictJson
{
    /// <exception cref="JsonException">It is not JSON, or a member is there twice, or a text is half a character.</exception>
    public static JsonNode? Parse(string text)
    {
        try
        {
            return Whole(JsonNode.Parse(text));
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException)
        {
            throw new JsonException(error.Message, error);
        }
    }

    private static JsonNode? Whole(JsonNode? node) => node switch
    {
        JsonObject map => new JsonObject(map.Select(p => KeyValuePair.Create(p.Key, Whole(p.Value)))),
        JsonArray list => new JsonArray([.. list.Select(Whole)]),
        JsonValue value when value.GetValueKind() == JsonValueKind.String => JsonValue.Create(value.GetValue<string>()),
        _ => node?.DeepClone(),
    };
}
