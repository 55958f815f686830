using System.Text.Json.Nodes;

namespace OeeOrleans.Gateway.Board.Configure;

/// <summary>Breaks and shifts as people write them. What cannot be read stays as it was written: the validator says what would be
/// right.</summary>
internal static class ClockText
{
    /// <summary>What commas lie between.</summary>
    public static string[] Parts(string text) => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>09:00-09:15, of `["09:00", "09:15"]`.</summary>
    public static string BreakOf(JsonNode? pair) => pair is JsonArray { Count: 2 } times ? $"{times[0]}-{times[1]}" : $"{pair}";

    /// <summary>early 06:00-14:00.</summary>
    public static string ShiftOf(JsonNode? shift) => $"{shift?["name"]} {shift?["start"]}-{shift?["end"]}";

    public static JsonArray Breaks(string text) => new([.. Parts(text).Select(Break)]);

    public static JsonArray Shifts(string text) => new([.. Parts(text).Select(Shift)]);

    private static JsonNode Break(string text)
    {
        var (from, to) = Span(text);
        return to is null ? JsonValue.Create(text) : new JsonArray(from, to);
    }

    private static JsonObject Shift(string text)
    {
        var at = text.LastIndexOf(' ');
        var (from, to) = Span(at < 0 ? text : text[(at + 1)..]);
        return new JsonObject { ["name"] = at < 0 ? "" : text[..at].Trim(), ["start"] = from, ["end"] = to ?? "" };
    }

    private static (string From, string? To) Span(string text)
    {
        var at = text.IndexOfAny(['-', '–']);
        return at < 0 ? (text, null) : (text[..at].Trim(), text[(at + 1)..].Trim());
    }
}
