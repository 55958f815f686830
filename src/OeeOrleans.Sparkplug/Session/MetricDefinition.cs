namespace OeeOrleans.Sparkplug.Session;

/// <summary>A metric as its birth announced it. <see cref="Binding"/> is the host application's: what the metric means there.</summary>
public sealed class MetricDefinition(string name, SparkplugDataType type, ulong? alias, string? device)
{
    public string Name { get; } = name;

    public SparkplugDataType Type { get; set; } = type;

    public ulong? Alias { get; } = alias;

    /// <summary>Null for a metric of the edge node itself.</summary>
    public string? Device { get; } = device;

    public object? Binding { get; set; }

    /// <summary>Why the metric is not taken (its name, or too many of them); null when it is.</summary>
    public string? Refusal { get; init; }

    /// <summary>Control points and session bookkeeping: no process data (Sparkplug 3.0 sections 6.4.20, 6.4.21).</summary>
    public bool IsControl { get; } = name == "bdSeq"
        || name.StartsWith("Node Control/", StringComparison.Ordinal)
        || name.StartsWith("Device Control/", StringComparison.Ordinal);
}
