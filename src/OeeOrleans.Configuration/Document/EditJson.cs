using System.Text.Json.Nodes;

namespace OeeOrleans.Configuration.Document;

/// <summary>Edits as JSON: `[{ op: add|replace|merge|remove, part: assets|tags|calendars|reasons|thresholds|sources, id, value, etag }]`.</summary>
public static class EditJson
{
    private const int MaxEdits = 1_000;

    private static readonly (string Name, PlantDeed Deed)[] Deeds =
    [
        ("add", PlantDeed.Add), ("replace", PlantDeed.Replace), ("merge", PlantDeed.Merge), ("remove", PlantDeed.Remove),
    ];

    private static readonly (string Name, PlantPart Part)[] Parts =
    [
        ("assets", PlantPart.Asset), ("tags", PlantPart.Tags), ("calendars", PlantPart.Calendar), ("reasons", PlantPart.Reason),
        ("thresholds", PlantPart.Threshold), ("sources", PlantPart.Source),
    ];

    /// <summary>Edits, each with the tag of what it was made for; null where it may be anything.</summary>
    /// <exception cref="EditException">They are no such list.</exception>
    public static IReadOnlyList<(PlantEdit Edit, string? Tag)> Read(JsonNode? node)
    {
        if (node is not JsonArray { Count: > 0 and <= MaxEdits } list)
        {
            throw EditException.Invalid("/changes", $"a list of 1 to {MaxEdits} changes is needed");
        }

        return [.. list.Select((e, i) => Read(e, $"/changes/{i}"))];
    }

    public static JsonArray Write(IEnumerable<(PlantEdit Edit, string? Tag)> edits) => new([
        .. edits.Select(e => new JsonObject
        {
            ["op"] = Deeds.First(d => d.Deed == e.Edit.Deed).Name,
            ["part"] = Parts.First(p => p.Part == e.Edit.Part).Name,
            ["id"] = e.Edit.Id,
            ["value"] = e.Edit.Value?.DeepClone(),
            ["etag"] = e.Tag,
        }),
    ]);

    private static (PlantEdit Edit, string? Tag) Read(JsonNode? node, string pointer)
    {
        if (node is not JsonObject edit) throw EditException.Invalid(pointer, $"{pointer}: an object is needed");
        var deed = Choice(edit, "op", Deeds, pointer);
        var part = Choice(edit, "part", Parts, pointer);
        var value = edit["value"];
        if (part == PlantPart.Tags && value is JsonObject page) value = page["items"];
        var id = (edit["id"] ?? (value as JsonObject)?["id"])?.ToString();
        if (id is not { Length: > 0 }) throw EditException.Invalid($"{pointer}/id", $"{pointer}: 'id' is missing");
        return (new PlantEdit(deed, part, id, value?.DeepClone()), edit["etag"]?.ToString());
    }

    private static T Choice<T>(JsonObject edit, string key, (string Name, T Value)[] choices, string pointer)
    {
        var said = edit[key]?.ToString();
        foreach (var (name, value) in choices)
        {
            if (name == said) return value;
        }

        throw EditException.Invalid(
            $"{pointer}/{key}", $"{pointer}/{key}: '{said}' is unknown; {string.Join(", ", choices.Select(c => c.Name))} are possible");
    }
}
