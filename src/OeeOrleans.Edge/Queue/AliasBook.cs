using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Edge;

namespace OeeOrleans.Edge.Queue;

/// <summary>What an alias stands for, as it is kept beside the records: device, metric and type.</summary>
internal static class AliasBook
{
    public static string Describe(string device, string metric, SparkplugDataType type) => $"{device}\n{metric}\n{type}";

    /// <summary>Devices as their metrics are known here: each by the alias it was given last.</summary>
    /// <param name="devices">Their ids.</param>
    public static IReadOnlyList<EdgeDevice> DevicesOf(IEnumerable<string> devices, RecordQueue queue)
    {
        var metrics = devices.ToDictionary(d => d, _ => new Dictionary<string, EdgeMetric>(StringComparer.Ordinal), StringComparer.Ordinal);
        if (metrics.Count == 0) return [];
        foreach (var (alias, description) in queue.Aliases())
        {
            var end = description.IndexOf('\n', StringComparison.Ordinal);
            if (end < 0 || !metrics.TryGetValue(description[..end], out var known)) continue;
            if (Parse(description, alias) is { } metric) known[metric.Name] = metric;
        }

        return [.. metrics.Select(m => new EdgeDevice(m.Key, [.. m.Value.Values]))];
    }

    public static EdgeMetric? Parse(string? description, ulong alias)
    {
        var parts = description?.Split('\n');
        return parts is { Length: 3 } && Enum.TryParse<SparkplugDataType>(parts[2], out var type)
            ? new EdgeMetric(parts[1], type, alias)
            : null;
    }
}
