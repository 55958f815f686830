using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Edge;

namespace OeeOrleans.Edge.Queue;

/// <summary>What an alias stands for, as it is kept beside the records: device, metric and type.</summary>
internal static class AliasBook
{
    public static string Describe(string device, string metric, SparkplugDataType type) => $"{device}\n{metric}\n{type}";

    public static EdgeMetric? Parse(string? description, ulong alias)
    {
        var parts = description?.Split('\n');
        return parts is { Length: 3 } && Enum.TryParse<SparkplugDataType>(parts[2], out var type)
            ? new EdgeMetric(parts[1], type, alias)
            : null;
    }
}
