using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace OeeOrleans.Configuration.Document;

/// <summary>Edits of a plant document, and its parts as the API shows them. An asset is
/// `{ id, kind, parent_id, position, ... }` with the keys that it has in `plant.yaml`, without what is below it.</summary>
public sealed class PlantEditor
{
    private static readonly string[] OfThePlace = ["kind", "parent_id", "position"];

    /// <summary>What answers of the API have beside the keys of an asset; whoever sends them back changes nothing by it.</summary>
    private static readonly string[] ReadOnly = ["attributes", "children"];

    private readonly JsonObject _root;
    private string? _editedPointer;

    /// <param name="document">What is edited; it stays as it is.</param>
    public PlantEditor(PlantDocument document) => _root = document.Copy();

    /// <summary>The document as it is after the edits so far; their last one is where its problems are looked for first.</summary>
    public PlantDocument Document => new((JsonObject)_root.DeepClone());

    /// <summary>A part as the API shows it; null where there is none.</summary>
    public JsonNode? Show(PlantPart part, string id)
    {
        if (part is not (PlantPart.Asset or PlantPart.Tags)) return Find(ListOf(part), id)?.DeepClone();
        var place = FindAsset(id);
        if (part == PlantPart.Tags)
        {
            return place is { Kind: AssetPlace.Machine } machine ? machine.Node["tags"]?.DeepClone() ?? new JsonArray() : null;
        }

        return place is null ? null : Shown(place);
    }

    /// <summary>Every calendar, reason, threshold or source, in their order.</summary>
    public IEnumerable<JsonObject> ShowAll(PlantPart part) => ListOf(part).OfType<JsonObject>().Select(o => (JsonObject)o.DeepClone());

    /// <summary>Changes when the part does: of an asset not with what is below it, nor with its place among its siblings.</summary>
    public string? TagOf(PlantPart part, string id)
    {
        if (Show(part, id) is not { } shown) return null;
        if (shown is JsonObject asset) asset.Remove("position");
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(shown.ToJsonString()));
        return $"\"{Convert.ToHexStringLower(hash.AsSpan(0, 8))}\"";
    }

    /// <summary>The line that an asset is in, or is; of tags that of their machine; null of all else.</summary>
    public string? LineOf(PlantPart part, string id) => part is PlantPart.Asset or PlantPart.Tags ? FindAsset(id)?.LineId : null;

    /// <summary>The kind of an asset; null where there is none.</summary>
    public string? KindOf(string id) => FindAsset(id)?.Kind;

    /// <exception cref="EditException">It cannot be made. Whether what it makes can be is found by reading the document.</exception>
    public void Apply(PlantEdit edit)
    {
        switch (edit.Part)
        {
            case PlantPart.Asset:
                ApplyToAsset(edit);
                break;
            case PlantPart.Tags:
                ApplyToTags(edit);
                break;
            default:
                ApplyToList(edit);
                break;
        }
    }

    /// <summary>Problems of the document as those of what was given last.</summary>
    public EditException Invalid(ConfigException error)
    {
        var at = _editedPointer;
        var problems = error.Problems.Select(p => new EditProblem(RelativeTo(at, p.Pointer ?? ""), p.Pointer ?? "", p.Message)).ToList();
        return new EditException(EditFailure.Invalid, string.Join("; ", problems.Take(5).Select(p => p.Message)), problems);
    }

    private static string RelativeTo(string? at, string pointer) =>
        at is not null && pointer.StartsWith(at + "/", StringComparison.Ordinal) ? pointer[at.Length..] : "";

    private void ApplyToAsset(PlantEdit edit)
    {
        if (edit.Deed == PlantDeed.Add)
        {
            AddAsset(edit);
            return;
        }

        var place = FindAsset(edit.Id) ?? throw EditException.Missing(edit.Part, edit.Id);
        if (edit.Deed == PlantDeed.Remove)
        {
            RemoveAsset(place);
            return;
        }

        var body = Body(edit);
        var wanted = edit.Deed == PlantDeed.Merge ? MergePatch.Apply(Shown(place), body) : body;
        foreach (var (key, value) in new[] { ("id", place.Id), ("kind", place.Kind) })
        {
            if (wanted[key] is { } said && said.ToString() != value)
            {
                throw EditException.Invalid($"/{key}", $"{key}: '{said}' is not '{value}'; it cannot be changed");
            }
        }

        wanted["id"] = place.Id;
        var parent = wanted["parent_id"]?.ToString() ?? place.ParentId;
        var position = PositionIn(wanted);
        var node = Bare(wanted, place.Kind);
        foreach (var (key, _) in AssetPlace.ListsOf(place.Kind))
        {
            // Areas stand beside the site.
            if (place.Kind == AssetPlace.Site || place.Node[key] is not { } below) continue;
            place.Node.Remove(key);
            node[key] = below;
        }

        ForgetTime(edit, node);
        if (place.Siblings is null)
        {
            if (parent is not null) throw EditException.Invalid("/parent_id", "parent_id: the site is below nothing");
            _root["site"] = node;
            _editedPointer = "/site";
            return;
        }

        if (parent == place.ParentId)
        {
            var at = place.Position;
            place.Siblings.RemoveAt(at);
            place.Siblings.Insert(Math.Min(position ?? at, place.Siblings.Count), node);
        }
        else
        {
            place.Siblings.RemoveAt(place.Position);
            Insert(place.Kind, parent ?? "", position, node);
        }

        _editedPointer = FindAsset(edit.Id)?.Pointer;
    }

    private void AddAsset(PlantEdit edit)
    {
        var body = Body(edit);
        TieId(edit, body);
        if (FindAsset(edit.Id) is { } there)
        {
            throw new EditException(EditFailure.Conflict, $"'{edit.Id}' is a {there.Kind} of the plant already; ids are unique");
        }

        if (Retired().Any(r => AssetPlace.IdOf(r["machine"]) == edit.Id))
        {
            throw new EditException(
                EditFailure.Conflict,
                $"'{edit.Id}' is a machine that was retired, and its history is still there; take another id, or roll back to "
                    + "have it again");
        }

        if (Retired().Any(r => r["line"]?.ToString() == edit.Id))
        {
            throw new EditException(
                EditFailure.Conflict, $"'{edit.Id}' was a line, and machines that were in it have a history; take another id");
        }

        var kind = body["kind"]?.ToString() ?? "";
        if (kind is not (AssetPlace.Area or AssetPlace.Line or AssetPlace.Cell or AssetPlace.Machine))
        {
            throw EditException.Invalid("/kind", $"kind: '{kind}' is unknown; area, line, cell and machine are possible");
        }

        var (parent, position) = (body["parent_id"]?.ToString() ?? "", PositionIn(body));
        var node = Bare(body, kind);
        Insert(kind, parent, position, node);
        _editedPointer = FindAsset(edit.Id)?.Pointer;
    }

    private void Insert(string kind, string parent, int? position, JsonObject node)
    {
        var above = FindAsset(parent);
        var list = above is null ? default : AssetPlace.ListsOf(above.Kind).FirstOrDefault(l => l.Kind == kind);
        if (above is null || list.Key is null)
        {
            var where = kind switch
            {
                AssetPlace.Machine => "a line or cell",
                AssetPlace.Cell => "a line",
                AssetPlace.Line => "an area",
                _ => "the site",
            };
            throw EditException.Invalid("/parent_id", $"parent_id: '{parent}' is not {where}, which a {kind} is below");
        }

        var holder = above.Kind == AssetPlace.Site ? _root : above.Node;
        if (holder[list.Key] is not JsonArray siblings) holder[list.Key] = siblings = [];
        siblings.Insert(Math.Min(position ?? siblings.Count, siblings.Count), node);
    }

    private void RemoveAsset(AssetPlace place)
    {
        if (place.Siblings is null) throw new EditException(EditFailure.Conflict, "the site is the plant; it cannot be removed");
        if (AssetPlace.ListsOf(place.Kind).Any(l => place.Node[l.Key] is JsonArray { Count: > 0 }))
        {
            throw new EditException(
                EditFailure.Conflict, $"the {place.Kind} '{place.Id}' is not empty; move or remove what is below it first");
        }

        place.Siblings.RemoveAt(place.Position);
    }

    private void ApplyToTags(PlantEdit edit)
    {
        if (FindAsset(edit.Id) is not { Kind: AssetPlace.Machine } machine) throw EditException.Missing(edit.Part, edit.Id);
        if (edit.Value is not JsonArray tags)
        {
            throw EditException.Invalid("", "a list of tag mappings is needed, such as { \"items\": [] }");
        }

        machine.Node["tags"] = tags.DeepClone();
        _editedPointer = $"{machine.Pointer}/tags";
    }

    private void ApplyToList(PlantEdit edit)
    {
        var list = ListOf(edit.Part);
        var name = EditException.Name(edit.Part);
        var there = Find(list, edit.Id);
        if (edit.Deed == PlantDeed.Add)
        {
            if (there is not null) throw new EditException(EditFailure.Conflict, $"there is a {name} '{edit.Id}' already");
            var added = Body(edit);
            TieId(edit, added);
            list.Add((JsonNode)added);
            _editedPointer = $"/{name}s/{list.Count - 1}";
            return;
        }

        if (there is null) throw EditException.Missing(edit.Part, edit.Id);
        var at = list.IndexOf(there);
        if (edit.Deed == PlantDeed.Remove)
        {
            list.RemoveAt(at);
            return;
        }

        var wanted = edit.Deed == PlantDeed.Merge ? MergePatch.Apply((JsonObject)there.DeepClone(), Body(edit)) : Body(edit);
        if (wanted["id"] is { } id && id.ToString() != edit.Id)
        {
            throw EditException.Invalid("/id", $"id: '{id}' is not '{edit.Id}'; it cannot be changed");
        }

        wanted["id"] = edit.Id;
        ForgetTime(edit, wanted);
        list[at] = wanted;
        _editedPointer = $"/{name}s/{at}";
    }

    /// <summary>`valid_from` is of the change that says it: one that does not holds from when it is made.</summary>
    private static void ForgetTime(PlantEdit edit, JsonObject after)
    {
        if (edit.Value is JsonObject body && body["valid_from"] is null) after.Remove("valid_from");
    }

    /// <summary>What is added is what was spoken of.</summary>
    private static void TieId(PlantEdit edit, JsonObject body)
    {
        if (body["id"] is { } said && said.ToString() != edit.Id)
        {
            throw EditException.Invalid("/id", $"id: '{said}' is not '{edit.Id}'");
        }

        body["id"] = edit.Id;
    }

    private static int? PositionIn(JsonObject body)
    {
        if (body["position"] is not { } said) return null;
        return int.TryParse(said.ToString(), out var position) && position >= 0
            ? position
            : throw EditException.Invalid("/position", $"position: '{said}' is not a place such as 0, the first");
    }

    private static JsonObject Body(PlantEdit edit) => edit.Value is JsonObject body
        ? (JsonObject)body.DeepClone()
        : throw EditException.Invalid("", "a JSON object is needed");

    /// <summary>Without what the document has no keys for.</summary>
    private static JsonObject Bare(JsonObject body, string kind)
    {
        var node = (JsonObject)body.DeepClone();
        foreach (var key in OfThePlace.Concat(ReadOnly)) node.Remove(key);
        foreach (var (key, _) in AssetPlace.ListsOf(kind)) node.Remove(key);
        return node;
    }

    internal JsonObject Show(AssetPlace place) => Shown(place);

    private static JsonObject Shown(AssetPlace place)
    {
        var shown = new JsonObject
        {
            ["id"] = place.Id, ["kind"] = place.Kind, ["parent_id"] = place.ParentId, ["position"] = place.Position,
        };
        var below = AssetPlace.ListsOf(place.Kind).Select(l => l.Key).ToHashSet(StringComparer.Ordinal);
        foreach (var (key, value) in place.Node)
        {
            if (!below.Contains(key)) shown[key] = value?.DeepClone();
        }

        return shown;
    }

    private static JsonObject? Find(JsonArray list, string id) => list.OfType<JsonObject>().FirstOrDefault(o => AssetPlace.IdOf(o) == id);

    private IEnumerable<JsonObject> Retired() => (_root["retired"] as JsonArray ?? []).OfType<JsonObject>();

    private AssetPlace? FindAsset(string id) => AssetPlace.All(_root).FirstOrDefault(p => p.Id == id);

    private JsonArray ListOf(PlantPart part)
    {
        var key = $"{EditException.Name(part)}s";
        if (_root[key] is not JsonArray list) _root[key] = list = [];
        return list;
    }
}
