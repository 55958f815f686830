using System.Text;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Sparkplug.Session;

/// <summary>
/// What one NBIRTH began: its alias table and its devices. A rebirth begins a new generation, and data sent before it still belongs to the
/// old one.
/// </summary>
public sealed class NodeGeneration(ulong birthMs, ulong? bdSeq)
{
    private readonly Dictionary<ulong, MetricDefinition> _byAlias = [];
    private readonly Dictionary<string, DeviceTable> _devices = new(StringComparer.Ordinal);
    private int _metrics;

    /// <summary>Payload time of the NBIRTH, milliseconds.</summary>
    public ulong BirthMs { get; } = birthMs;

    public ulong? BdSeq { get; } = bdSeq;

    public DeviceTable Node { get; } = new(null);

    public IReadOnlyCollection<DeviceTable> Devices => _devices.Values;

    public DeviceTable? Find(string? device) => device is null ? Node : _devices.GetValueOrDefault(device);

    public DeviceTable FindOrAdd(string? device)
    {
        if (device is null) return Node;
        if (!_devices.TryGetValue(device, out var table)) _devices[device] = table = new DeviceTable(device);
        return table;
    }

    /// <summary>Whether a device is known, or may still be added.</summary>
    public bool Admits(string? device) =>
        device is null || _devices.ContainsKey(device) || _devices.Count < SparkplugLimits.MaxDevicesPerNode;

    public MetricDefinition? FindAlias(ulong alias) => _byAlias.GetValueOrDefault(alias);

    /// <summary>A new birth of a device replaces what it announced before, its aliases included.</summary>
    internal DeviceTable Replace(string? device)
    {
        if (device is null) return Node;
        if (_devices.Remove(device, out var old))
        {
            _metrics -= old.Metrics.Count;
            foreach (var metric in old.Metrics)
            {
                if (metric.Alias is { } alias && ReferenceEquals(_byAlias.GetValueOrDefault(alias), metric)) _byAlias.Remove(alias);
            }
        }

        return FindOrAdd(device);
    }

    /// <summary>Takes a metric in under its name as it is on the wire. One that is refused costs no memory beyond its alias.</summary>
    internal MetricDefinition Add(DeviceTable table, ReadOnlySpan<byte> name, SparkplugDataType type, ulong? alias)
    {
        var refusal = NameRule.WhyNotMetric(name);
        if (refusal is null && _metrics >= SparkplugLimits.MaxMetricsPerNode)
        {
            refusal = $"the edge node has {SparkplugLimits.MaxMetricsPerNode} metrics already; at most as many are taken";
        }

        if (refusal is not null)
        {
            var refused = new MetricDefinition("", type, alias, table.Device) { Refusal = refusal };
            if (alias is { } known && _byAlias.Count < SparkplugLimits.MaxMetricsPerNode) _byAlias[known] = refused;
            return refused;
        }

        var metric = new MetricDefinition(Encoding.UTF8.GetString(name), type, alias, table.Device);
        if (table.Add(metric)) _metrics++;
        if (alias is { } number) _byAlias[number] = metric;
        return metric;
    }

    /// <summary>
    /// Takes in a metric that no birth announced. One of a device that was never born is forgotten with its message: it has no share in
    /// what the node may have.
    /// </summary>
    internal MetricDefinition AddUnborn(DeviceTable table, ReadOnlySpan<byte> name, SparkplugDataType type)
    {
        if (ReferenceEquals(Find(table.Device), table)) return Add(table, name, type, alias: null);
        if (NameRule.WhyNotMetric(name) is { } refusal) return new MetricDefinition("", type, null, table.Device) { Refusal = refusal };
        var metric = new MetricDefinition(Encoding.UTF8.GetString(name), type, null, table.Device);
        table.Add(metric);
        return metric;
    }
}
