namespace OeeOrleans.Sparkplug.Session;

/// <summary>What one NBIRTH began: its alias table and its devices. A rebirth begins a new generation, and data sent before it still belongs to the old one.</summary>
public sealed class NodeGeneration(ulong birthMs, ulong? bdSeq)
{
    private readonly Dictionary<ulong, MetricDefinition> _byAlias = [];
    private readonly Dictionary<string, DeviceTable> _devices = new(StringComparer.Ordinal);

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

    public MetricDefinition? FindAlias(ulong alias) => _byAlias.GetValueOrDefault(alias);

    /// <summary>A new birth of a device replaces what it announced before, its aliases included.</summary>
    internal DeviceTable Replace(string? device)
    {
        if (device is null) return Node;
        if (_devices.Remove(device, out var old))
        {
            foreach (var metric in old.Metrics)
            {
                if (metric.Alias is { } alias && ReferenceEquals(_byAlias.GetValueOrDefault(alias), metric)) _byAlias.Remove(alias);
            }
        }

        return FindOrAdd(device);
    }

    internal void Add(DeviceTable table, MetricDefinition metric)
    {
        table.Add(metric);
        if (metric.Alias is { } alias) _byAlias[alias] = metric;
    }
}
