using System.Runtime.CompilerServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using OeeOrleans.Configuration.Document;

namespace OeeOrleans.Configuration;

/// <summary>What edge nodes are to read by the plant's word.</summary>
public static class PlantSources
{
    private static readonly JsonSerializerOptions Compact = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>What a node is told that has none.</summary>
    public const string None = "[]";

    private static readonly ConditionalWeakTable<PlantState, IReadOnlyDictionary<string, string>> Known = [];

    /// <summary>By edge node, what it is told: a JSON array of objects with the keys of `edge.sources`.</summary>
    public static IReadOnlyDictionary<string, string> ByNode(PlantState state) => Known.GetValue(state, Read);

    private static IReadOnlyDictionary<string, string> Read(PlantState state)
    {
        var lists = new Dictionary<string, JsonArray>(StringComparer.Ordinal);
        foreach (var source in (state.Document["sources"] as JsonArray ?? []).OfType<JsonObject>())
        {
            if (source["edge_node"]?.ToString() is not { Length: > 0 } node) continue;
            var told = (JsonObject)source.DeepClone();
            told.Remove("edge_node");
            if (!lists.TryGetValue(node, out var list)) lists[node] = list = [];
            list.Add((JsonNode)told);
        }

        return lists.ToDictionary(l => l.Key, l => l.Value.ToJsonString(Compact), StringComparer.Ordinal);
    }
}
