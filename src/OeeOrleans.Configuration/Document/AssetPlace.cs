using System.Text.Json.Nodes;

namespace OeeOrleans.Configuration.Document;

/// <summary>Where an asset stands in a plant document.</summary>
/// <param name="Kind">site, area, line, cell or machine.</param>
/// <param name="Node">Its object.</param>
/// <param name="Siblings">The list it is in; null of the site.</param>
/// <param name="ParentId">Of the asset above it.</param>
/// <param name="LineId">Of the line it is, or is in.</param>
/// <param name="Pointer">JSON pointer of its object.</param>
internal sealed record AssetPlace(string Kind, JsonObject Node, JsonArray? Siblings, string? ParentId, string? LineId, string Pointer)
{
    public const string Site = "site";
    public const string Area = "area";
    public const string Line = "line";
    public const string Cell = "cell";
    public const string Machine = "machine";

    public string Id => IdOf(Node);

    public int Position => Siblings?.IndexOf(Node) ?? 0;

    /// <summary>The lists that hold what is below an asset of a kind, with the kind of what they hold.</summary>
    public static IReadOnlyList<(string Key, string Kind)> ListsOf(string kind) => kind switch
    {
        Site => [("areas", Area)],
        Area => [("lines", Line)],
        Line => [("cells", Cell), ("machines", Machine)],
        Cell => [("machines", Machine)],
        _ => [],
    };

    public static string IdOf(JsonNode? node) => node is JsonObject map && map["id"] is JsonValue id ? id.ToString() : "";

    /// <summary>Every asset of a document, each before what is below it.</summary>
    public static IEnumerable<AssetPlace> All(JsonObject root)
    {
        if (root[Site] is not JsonObject site) yield break;
        yield return new AssetPlace(Site, site, null, null, null, "/site");
        // Areas stand beside the site and not in it.
        foreach (var place in Below(root, IdOf(site), null, "", ListsOf(Site))) yield return place;
    }

    private static IEnumerable<AssetPlace> Below(
        JsonObject holder, string? parent, string? line, string pointer, IReadOnlyList<(string Key, string Kind)> lists)
    {
        foreach (var (key, kind) in lists)
        {
            if (holder[key] is not JsonArray list) continue;
            for (var i = 0; i < list.Count; i++)
            {
                if (list[i] is not JsonObject node) continue;
                var mine = kind == Line ? IdOf(node) : line;
                var place = new AssetPlace(kind, node, list, parent, mine, $"{pointer}/{key}/{i}");
                yield return place;
                foreach (var below in Below(node, place.Id, mine, place.Pointer, ListsOf(kind))) yield return below;
            }
        }
    }
}
