using OeeOrleans.Sparkplug.Payload;

namespace OeeOrleans.Sparkplug.Edge;

/// <summary>A metric of an edge node or device. The alias is unique over the edge node and the same for all of its lives.</summary>
public sealed record EdgeMetric(string Name, SparkplugDataType Type, ulong Alias, string? Unit = null, bool Writable = false);

/// <summary>A device behind an edge node.</summary>
public sealed record EdgeDevice(string Id, IReadOnlyList<EdgeMetric> Metrics);

/// <summary>An edge node with its devices.</summary>
public sealed record EdgeNodeDefinition(string Group, string Node, IReadOnlyList<EdgeMetric> Metrics, IReadOnlyList<EdgeDevice> Devices);

/// <summary>A value to publish: long, ulong, double, bool or string; null with a quality that is bad.</summary>
public readonly record struct EdgeValue(EdgeMetric Metric, ulong TimestampMs, object? Value, int Quality = 192)
{
    /// <summary>Writes it into a payload of data, under its alias.</summary>
    public void WriteData(SparkplugPayloadWriter writer, bool historical = false) => Write(writer, birth: false, historical);

    /// <summary>Writes it under its name (births) or its alias (data).</summary>
    internal void Write(SparkplugPayloadWriter writer, bool birth, bool historical)
    {
        PropertySet? properties = null;
        if (Quality != 192) properties = PropertySet.Quality(Quality);
        if (birth && Metric.Unit is { } unit)
        {
            properties = new PropertySet([.. properties?.Entries ?? [], new("engUnit", new PropertyValue(SparkplugDataType.String, unit))]);
        }

        var head = new MetricHead(birth ? Metric.Name : null, Metric.Alias, TimestampMs, Metric.Type, historical)
        {
            Properties = properties,
        };
        switch (Value)
        {
            case bool flag when Metric.Type == SparkplugDataType.Boolean: writer.Boolean(head, flag); break;
            case long number when MetricValue.IsInteger(Metric.Type): writer.Integer(head, number); break;
            case double number when Metric.Type is SparkplugDataType.Double or SparkplugDataType.Float: writer.Double(head, number); break;
            case string text when Metric.Type == SparkplugDataType.String: writer.String(head, text); break;
            default: writer.Value(head, Value); break;
        }
    }
}

/// <summary>
/// A value of a control point that an extension adds to the session's own: announced by name in births, by alias in data where it has one.
/// </summary>
public readonly record struct ControlValue(string Name, SparkplugDataType Type, object? Value, ulong? Alias = null)
{
    internal void Write(SparkplugPayloadWriter writer, bool byAlias, ulong timestampMs, bool historical)
    {
        var head = new MetricHead(byAlias ? null : Name, Alias, timestampMs, Type, historical);
        switch (Value)
        {
            case string text: writer.String(head, text); break;
            case ulong number: writer.Integer(head, (long)number); break;
            case null: writer.Value(head, null); break;
            default: throw new ArgumentException($"{Name}: a control value is a string or a UInt64, not {Value.GetType().Name}");
        }
    }
}
