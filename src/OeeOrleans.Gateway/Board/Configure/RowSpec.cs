using System.Text.Json.Nodes;

namespace OeeOrleans.Gateway.Board.Configure;

/// <summary>A table within a form: a list of objects, or what is known by name.</summary>
/// <param name="Path">JSON pointer in what the form is of; empty: the form is of the list.</param>
/// <param name="IsMap">Its first column is the name of an entry, the others are of its value; one that has no key of its own is the value.</param>
/// <param name="IsOpen">Also while it has no row.</param>
public sealed record RowSpec(string Path, string Title, bool IsMap, IReadOnlyList<FieldSpec> Columns, bool IsOpen = false)
{
    public List<FormRow> Read(JsonNode of)
    {
        var node = Path.Length == 0 ? of : of[Key];
        if (IsMap)
        {
            return node is not JsonObject map
                ? []
                : [.. map.Select(e => new FormRow(e.Value?.DeepClone(), [e.Key, .. Columns.Skip(1).Select(c => Text(c, e.Value))]))];
        }

        return node is not JsonArray list
            ? []
            : [.. list.Select(e => new FormRow(e?.DeepClone(), [.. Columns.Select(c => Text(c, e))]))];
    }

    public FormRow New() => new(null, [.. Columns.Select(c => c.Path.Length == 0 && c.Choices is { } choices ? choices[0].Value : "")]);

    /// <summary>What the rows say. A row without a word is none.</summary>
    public JsonNode Write(IEnumerable<FormRow> rows)
    {
        var said = rows.Where(r => r.Texts.Any(t => t.Trim().Length > 0));
        if (!IsMap) return new JsonArray([.. said.Select(r => Value(r, Columns, r.Texts))]);
        var map = new JsonObject();
        foreach (var row in said) map[row.Texts[0].Trim()] = Value(row, [.. Columns.Skip(1)], row.Texts[1..]);
        return map;
    }

    /// <summary>A name that two entries have, or the empty one; null: each has its own.</summary>
    public string? Twice(IEnumerable<FormRow> rows) => !IsMap
        ? null
        : rows.Where(r => r.Texts.Any(t => t.Trim().Length > 0)).GroupBy(r => r.Texts[0].Trim())
            .FirstOrDefault(g => g.Count() > 1 || g.Key.Length == 0)?.Key;

    /// <summary>Puts the rows where the form has them.</summary>
    public void WriteTo(JsonObject of, IEnumerable<FormRow> rows)
    {
        var node = Write(rows);
        if (node is JsonObject { Count: 0 } or JsonArray { Count: 0 }) of.Remove(Key);
        else of[Key] = node;
    }

    /// <summary>Where a problem of a field is told of.</summary>
    public string PointerOf(int row, FormRow said, FieldSpec column) =>
        IsMap ? $"{Path}/{said.Texts[0].Trim()}{column.Path}" : $"{Path}/{row}{column.Path}";

    private string Key => Path.TrimStart('/');

    private static string Text(FieldSpec column, JsonNode? value)
    {
        if (column.Path.Length == 0) return column.TextOf(value);
        return value is JsonObject of ? column.Read(of) : "";
    }

    private static JsonNode? Value(FormRow row, IReadOnlyList<FieldSpec> columns, IReadOnlyList<string> texts)
    {
        if (columns is [{ Path.Length: 0 } only]) return only.ValueOf(texts[0].Trim());
        var value = row.Original?.DeepClone() as JsonObject ?? [];
        for (var i = 0; i < columns.Count; i++)
        {
            // What was not touched stays as it is, also where the field does not show all of it.
            if (texts[i] != Text(columns[i], row.Original)) columns[i].Write(value, texts[i]);
        }

        return value;
    }
}

/// <summary>A row as it is typed.</summary>
/// <param name="Original">What it was made of; null: it is new.</param>
/// <param name="Texts">By column.</param>
public sealed record FormRow(JsonNode? Original, string[] Texts);
