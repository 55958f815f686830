using System.Text.Json.Nodes;

namespace OeeOrleans.Configuration.Document;

/// <summary>A difference between two plant documents.</summary>
/// <param name="What">Which part, such as `machine filler1` or `calendar three-shift`.</param>
/// <param name="Path">Which of its keys, such as `products/A100/ideal_cycle_s`; empty when all of it came or went.</param>
/// <param name="Before">As it was; null where there was nothing.</param>
/// <param name="After">As it is; null where there is nothing.</param>
public sealed record DocumentDifference(string What, string Path, JsonNode? Before, JsonNode? After)
{
    private const int MaxShown = 120;
    private const int MaxItems = 5;

    public override string ToString() => (Before, After) switch
    {
        (null, _) => $"{Named}: + {Short(After)}",
        (_, null) => $"{Named}: - {Short(Before)}",
        (JsonArray was, JsonArray now) when was.Concat(now).Any(i => i is JsonObject) => $"{Named}: {Items(was, now)}",
        _ => $"{Named}: {Short(Before)} -> {Short(After)}",
    };

    /// <summary>Of a long list what went and what came.</summary>
    private static string Items(JsonArray was, JsonArray now)
    {
        var gone = was.Where(w => !now.Any(n => JsonNode.DeepEquals(w, n))).Select(w => $"- {Short(w)}");
        var come = now.Where(n => !was.Any(w => JsonNode.DeepEquals(w, n))).Select(n => $"+ {Short(n)}");
        var said = gone.Concat(come).ToList();
        if (said.Count == 0) return "in another order";
        return string.Join(", ", said.Take(MaxItems)) + (said.Count > MaxItems ? $", and {said.Count - MaxItems} more" : "");
    }

    private string Named => Path.Length > 0 ? $"{What} {Path}" : What;

    private static string Short(JsonNode? node)
    {
        var text = node?.ToJsonString() ?? "null";
        return text.Length <= MaxShown ? text : text[..MaxShown] + "...";
    }
}

/// <summary>What differs between plant documents, by what people name: assets, calendars and reasons by their ids, and not by their places
/// in lists.</summary>
public static class DocumentDiff
{
    /// <summary>Differences in the order of the plant.</summary>
    public static IReadOnlyList<DocumentDifference> Of(PlantDocument before, PlantDocument after)
    {
        var (was, now) = (Parts(before), Parts(after));
        var found = new List<DocumentDifference>();
        foreach (var what in was.Keys.Concat(now.Keys.Where(k => !was.ContainsKey(k))))
        {
            Compare(what, "", was.GetValueOrDefault(what), now.GetValueOrDefault(what), found);
        }

        return found;
    }

    /// <summary>
    /// What two documents made of a third: each difference of either, with the other's where both touched the same, and whether they agree.
    /// </summary>
    public static IReadOnlyList<ThreeWayDifference> ThreeWay(PlantDocument origin, PlantDocument mine, PlantDocument theirs)
    {
        var (ours, others) = (Of(origin, mine), Of(origin, theirs));
        var byPlace = others.ToDictionary(d => (d.What, d.Path));
        var found = ours.Select(d => new ThreeWayDifference(d.What, d.Path, d, byPlace.GetValueOrDefault((d.What, d.Path)))).ToList();
        var mineAt = ours.Select(d => (d.What, d.Path)).ToHashSet();
        found.AddRange(others.Where(d => !mineAt.Contains((d.What, d.Path))).Select(d => new ThreeWayDifference(d.What, d.Path, null, d)));
        return found;
    }

    private static void Compare(string what, string path, JsonNode? was, JsonNode? now, List<DocumentDifference> found)
    {
        if (JsonNode.DeepEquals(was, now)) return;
        if (was is not JsonObject before || now is not JsonObject after)
        {
            found.Add(new DocumentDifference(what, path, was?.DeepClone(), now?.DeepClone()));
            return;
        }

        foreach (var key in before.Select(p => p.Key).Concat(after.Select(p => p.Key).Where(k => !before.ContainsKey(k))).ToList())
        {
            Compare(what, path.Length > 0 ? $"{path}/{key}" : key, before[key], after[key], found);
        }
    }

    /// <summary>Every part by its name; an asset without what is below it, but with where it is.</summary>
    private static Dictionary<string, JsonNode> Parts(PlantDocument document)
    {
        var root = document.Copy();
        var editor = new PlantEditor(document);
        var parts = new Dictionary<string, JsonNode>(StringComparer.Ordinal);
        foreach (var place in AssetPlace.All(root))
        {
            var shown = editor.Show(place);
            shown.Remove("id");
            shown.Remove("kind");
            parts[$"{place.Kind} {place.Id}"] = shown;
        }

        (string, string)[] lists = [("calendars", "calendar"), ("reasons", "reason"), ("thresholds", "threshold"), ("sources", "source")];
        foreach (var (key, name) in lists)
        {
            foreach (var node in (root[key] as JsonArray ?? []).OfType<JsonObject>())
            {
                parts[$"{name} {AssetPlace.IdOf(node)}"] = node.DeepClone();
            }
        }

        foreach (var node in (root["retired"] as JsonArray ?? []).OfType<JsonObject>())
        {
            parts[$"retired {AssetPlace.IdOf(node["machine"])}"] = node.DeepClone();
        }

        return parts;
    }
}

/// <summary>A difference of one or both of two documents to the one they came from.</summary>
public sealed record ThreeWayDifference(string What, string Path, DocumentDifference? Mine, DocumentDifference? Theirs)
{
    /// <summary>Both made the same of it.</summary>
    public bool Agrees => Mine is not null && Theirs is not null && JsonNode.DeepEquals(Mine.After, Theirs.After);

    /// <summary>Both touched it, and made something else of it each.</summary>
    public bool Conflicts => Mine is not null && Theirs is not null && !Agrees;
}
