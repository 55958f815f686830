namespace OeeOrleans.Sparkplug.Payload;

/// <summary>
/// A table (Sparkplug 3.0 section 6.4.10). Elements are long, ulong, double, float, bool, string or null; types 1..15 only.
/// </summary>
public sealed record DataSet(
    IReadOnlyList<string> Columns, IReadOnlyList<SparkplugDataType> Types, IReadOnlyList<IReadOnlyList<object?>> Rows);

/// <summary>A template definition or instance (section 6.4.13). A definition has no reference; an instance names its definition.</summary>
public sealed record Template
{
    public string? Version { get; init; }
    public string? Reference { get; init; }
    public bool IsDefinition { get; init; }
    public IReadOnlyList<Metric> Metrics { get; init; } = [];
    public IReadOnlyList<TemplateParameter> Parameters { get; init; } = [];
}

/// <summary>A parameter of a template; scalar types only.</summary>
public sealed record TemplateParameter(string Name, SparkplugDataType Type, object? Value);

/// <summary>
/// A metric with its value: long, ulong, double, float, bool, string, byte[], an array of these, DataSet, Template or null.
/// </summary>
public sealed record Metric(MetricHead Head, object? Value);

/// <summary>A property of a metric (section 6.4.8): a scalar, a PropertySet, or a list of PropertySets.</summary>
public sealed record PropertyValue(SparkplugDataType Type, object? Value);

/// <summary>Properties of a metric, in order. Both halves of the set on the wire have as many entries as this.</summary>
public sealed record PropertySet(IReadOnlyList<KeyValuePair<string, PropertyValue>> Entries)
{
    /// <summary>The quality of a value: 0 bad, 192 good, 500 stale (section 6.4.9).</summary>
    public static PropertySet Quality(int code) => new([new("Quality", new PropertyValue(SparkplugDataType.Int32, (long)code))]);
}

/// <summary>What travels with files and parts of them (section 6.4.7).</summary>
public sealed record MetricMetadata
{
    public bool? IsMultiPart { get; init; }
    public string? ContentType { get; init; }
    public ulong? Size { get; init; }
    public ulong? Seq { get; init; }
    public string? FileName { get; init; }
    public string? FileType { get; init; }
    public string? Md5 { get; init; }
    public string? Description { get; init; }
}
