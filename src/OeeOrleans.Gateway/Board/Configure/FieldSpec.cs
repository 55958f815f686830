using System.Globalization;
using System.Text.Json.Nodes;

namespace OeeOrleans.Gateway.Board.Configure;

/// <summary>How a field's text becomes data.</summary>
public enum FieldKind
{
    Text,

    /// <summary>A number; what is none stays text, so that the validator says what would be right.</summary>
    Number,

    /// <summary>Words with commas between them.</summary>
    List,

    Flag,

    /// <summary>09:00-09:15, 12:00-12:30.</summary>
    Breaks,

    /// <summary>early 06:00-14:00, late 14:00-22:00.</summary>
    Shifts,
}

/// <summary>A field of a form, and the key that it is of.</summary>
/// <param name="Path">JSON pointer in what the form is of.</param>
/// <param name="Choices">What is possible, where that is known; the first is what an empty field means.</param>
/// <param name="Hint">Of an empty field: what it means then.</param>
public sealed record FieldSpec(
    string Path, string Label, FieldKind Kind = FieldKind.Text, IReadOnlyList<(string Value, string Name)>? Choices = null,
    string Hint = "")
{
    /// <summary>What the field shows.</summary>
    public string Read(JsonObject of)
    {
        JsonNode? node = of;
        foreach (var key in Keys) node = (node as JsonObject)?[key];
        return TextOf(node);
    }

    public string TextOf(JsonNode? node) => node switch
    {
        null => "",
        JsonArray list when Kind == FieldKind.Breaks => string.Join(", ", list.Select(ClockText.BreakOf)),
        JsonArray list when Kind == FieldKind.Shifts => string.Join(", ", list.Select(ClockText.ShiftOf)),
        JsonArray list => string.Join(", ", list.Select(i => i?.ToString())),
        _ when Kind == FieldKind.Flag => node.ToString() == "true" ? "true" : "",
        _ => node.ToString(),
    };

    /// <summary>Makes the key what the field says; an empty field takes it away, and what holds nothing any more with it.</summary>
    public void Write(JsonObject of, string text)
    {
        var keys = Keys;
        var holders = new List<JsonObject> { of };
        foreach (var key in keys[..^1])
        {
            if (holders[^1][key] is not JsonObject next) holders[^1][key] = next = [];
            holders.Add(next);
        }

        if (ValueOf(text.Trim()) is { } value) holders[^1][keys[^1]] = value;
        else holders[^1].Remove(keys[^1]);
        for (var i = holders.Count - 1; i > 0 && holders[i].Count == 0; i--) holders[i - 1].Remove(keys[i - 1]);
    }

    /// <summary>A number as it was written; what is no number stays text.</summary>
    private static JsonNode NumberOf(string text) =>
        decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            ? JsonValue.Create(number)
            : JsonValue.Create(text);

    private string[] Keys => Path.Split('/', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Null: it is empty.</summary>
    public JsonNode? ValueOf(string text)
    {
        if (text.Length == 0) return null;
        return Kind switch
        {
            FieldKind.Number => NumberOf(text),
            FieldKind.Flag => JsonValue.Create(true),
            FieldKind.Breaks => ClockText.Breaks(text),
            FieldKind.Shifts => ClockText.Shifts(text),
            FieldKind.List => new JsonArray([.. ClockText.Parts(text).Select(t => JsonValue.Create(t))]),
            _ => JsonValue.Create(text),
        };
    }
}
