using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using OeeOrleans.Configuration.Reading;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using YamlDotNet.RepresentationModel;

namespace OeeOrleans.Configuration.Document;

/// <summary>The plant model as JSON, with the keys that `plant.yaml` has: what a revision holds, what is edited, and what is compared. Does
/// not change; an edit works on a copy.</summary>
public sealed class PlantDocument
{
    /// <summary>The keys of `plant.yaml` that describe the plant; all others are about a process.</summary>
    public static readonly IReadOnlyList<string> Keys = ["site", "calendars", "reasons", "areas", "thresholds", "sources", "retired"];

    private static readonly JsonSerializerOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly JsonObject _root;
    private PlantModel? _plant;

    /// <param name="root">Taken, not copied.</param>
    internal PlantDocument(JsonObject root)
    {
        _root = root;
        // A list of nothing is as good as none: a plant from which the last one was taken is the one that never had any.
        foreach (var key in Keys.Where(k => root[k] is JsonArray { Count: 0 })) root.Remove(key);
    }

    /// <summary>As it is stored.</summary>
    public string Text => _root.ToJsonString(Compact);

    /// <summary>A copy of a part; null where there is none.</summary>
    public JsonNode? this[string key] => _root[key]?.DeepClone();

    /// <exception cref="ConfigException">It is no JSON object.</exception>
    public static PlantDocument Parse(string json)
    {
        try
        {
            if (StrictJson.Parse(json) is JsonObject root) return new PlantDocument(root);
        }
        catch (JsonException error)
        {
            throw new ConfigException([new ConfigProblem("", 1, $"not JSON: {error.Message}") { Pointer = "" }]);
        }

        throw new ConfigException([new ConfigProblem("", 1, "a plant is a JSON object with 'site' and 'areas'") { Pointer = "" }]);
    }

    /// <summary>A file's part that is about the plant.</summary>
    internal static PlantDocument Of(YamlNode? file)
    {
        var root = new JsonObject();
        if (file is not YamlMappingNode map) return new PlantDocument(root);
        foreach (var key in Keys)
        {
            if (map.Children.TryGetValue(new YamlScalarNode(key), out var node) && YamlJson.ToJson(node) is { } value) root[key] = value;
        }

        return new PlantDocument(root);
    }

    public JsonObject Copy() => (JsonObject)_root.DeepClone();

    /// <summary>
    /// This plant, in which machines of another state that it does not have are retired: what they did stays, and so does their id.
    /// </summary>
    /// <param name="before">The state before.</param>
    /// <param name="nowUs">When those that are retired now are, microseconds.</param>
    public PlantDocument Retiring(PlantDocument before, long nowUs)
    {
        var root = Copy();
        var (mine, theirs) = (RetiredIn(root).ToList(), RetiredIn(before._root).ToList());
        var known = MachinesIn(root).Select(m => m.Id).Concat(mine.Select(RetiredId)).ToHashSet(StringComparer.Ordinal);
        var retired = mine.Select(r => r.DeepClone()).ToList();
        retired.AddRange(theirs.Where(r => known.Add(RetiredId(r))).Select(r => r.DeepClone()));
        // What the calendar of its line or area was is in the history of the machine's model.
        retired.AddRange(MachinesIn(before._root).Where(m => known.Add(m.Id)).Select(m => new JsonObject
        {
            ["at"] = UnixMicros.ToIso(nowUs), ["line"] = m.LineId, ["machine"] = m.Node.DeepClone(),
        }));
        if (retired.Count == mine.Count) return this;
        root["retired"] = new JsonArray([.. retired]);
        return new PlantDocument(root);
    }

    /// <summary>The same without machines that are no more, of which a file does not speak.</summary>
    public PlantDocument WithoutRetired()
    {
        if (!_root.ContainsKey("retired")) return this;
        var root = Copy();
        root.Remove("retired");
        return new PlantDocument(root);
    }

    public bool SameAs(PlantDocument other) => JsonNode.DeepEquals(_root, other._root);

    /// <summary>What it says, by the validator that `oee check` uses.</summary>
    /// <exception cref="ConfigException">It says nothing that could be; every problem has a JSON pointer.</exception>
    public PlantModel Read()
    {
        if (_plant is { } known) return known;
        var unprintable = new List<ConfigProblem>();
        FindUnprintable(_root, "", unprintable);
        if (unprintable.Count > 0) throw new ConfigException(unprintable);
        var events = new JsonEvents(_root);
        string At(long line) => events.PointerOf(line);
        var problems = new Problems("") { Place = line => $"at {At(line)}" };
        var yaml = new YamlStream();
        yaml.Load(events);
        var root = new YamlSection(yaml.Documents[0].RootNode, "", problems);
        var plant = new PlantReader(root).Read();
        root.Close();
        if (problems.Found.Count > 0)
        {
            throw new ConfigException([.. problems.Found.OrderBy(p => p.Line).Select(p => p with { Pointer = At(p.Line) })]);
        }

        return _plant = plant;
    }

    private static IEnumerable<JsonObject> RetiredIn(JsonObject root) => (root["retired"] as JsonArray ?? []).OfType<JsonObject>();

    private static string RetiredId(JsonObject retired) => AssetPlace.IdOf(retired["machine"]);

    private static IEnumerable<AssetPlace> MachinesIn(JsonObject root) => AssetPlace.All(root).Where(p => p.Kind == AssetPlace.Machine);

    /// <summary>No name, text or key may hold what cannot be shown or stored: control characters, half a character of two.</summary>
    private static void FindUnprintable(JsonNode? node, string pointer, List<ConfigProblem> found)
    {
        switch (node)
        {
            case JsonObject map:
                foreach (var (key, value) in map)
                {
                    Look(key, pointer, "the key");
                    FindUnprintable(value, $"{pointer}/{YamlJson.Escape(key)}", found);
                }

                break;
            case JsonArray list:
                for (var i = 0; i < list.Count; i++) FindUnprintable(list[i], $"{pointer}/{i}", found);
                break;
            case JsonValue value when value.GetValueKind() == JsonValueKind.String:
                Look(value.GetValue<string>(), pointer, "the text");
                break;
        }

        void Look(string text, string at, string what)
        {
            var isHalf = text.Where((c, i) => char.IsSurrogate(c) && !IsWhole(text, i)).Any();
            // Lines and tabs are a text's own.
            if (!isHalf && !text.Any(c => char.IsControl(c) && c is not ('\n' or '\t'))) return;
            var message = $"{what} at {(at.Length > 0 ? at : "/")} holds control characters or half a character";
            found.Add(new ConfigProblem("", 1, message) { Pointer = at });
        }
    }

    private static bool IsWhole(string text, int i) => char.IsHighSurrogate(text[i])
        ? i + 1 < text.Length && char.IsLowSurrogate(text[i + 1])
        : i > 0 && char.IsHighSurrogate(text[i - 1]);
}
