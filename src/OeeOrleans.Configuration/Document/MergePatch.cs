using System.Text.Json.Nodes;

namespace OeeOrleans.Configuration.Document;

/// <summary>JSON Merge Patch (RFC 7396): members that are given become what they are given as, and null takes one away.</summary>
internal static class MergePatch
{
    /// <summary>Changes the target, and gives it back.</summary>
    public static JsonObject Apply(JsonObject target, JsonObject patch)
    {
        foreach (var (key, value) in patch)
        {
            if (value is null) target.Remove(key);
            else if (value is not JsonObject inner) target[key] = value.DeepClone();
            else target[key] = Apply(target[key] is JsonObject outer ? (JsonObject)outer.DeepClone() : [], inner);
        }

        return target;
    }
}
