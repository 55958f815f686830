using OeeOrleans.Sparkplug.Edge;

namespace OeeOrleans.Edge.Sessions;

/// <summary>
/// What every metric shows now (durable values only), which devices are alive, and what must be told of them. Safe for concurrent use.
/// </summary>
internal sealed class EdgeImage(EdgeNodeDefinition definition)
{
    private readonly Dictionary<string, Dictionary<ulong, EdgeValue>> _values = definition.Devices.ToDictionary(
        d => d.Id, _ => new Dictionary<ulong, EdgeValue>());
    private readonly Dictionary<string, bool> _online = definition.Devices.ToDictionary(d => d.Id, _ => false);
    private readonly Queue<EdgeDevice> _changed = new();
    private readonly Lock _lock = new();

    public void Update(string device, IReadOnlyList<EdgeValue> values)
    {
        lock (_lock)
        {
            var known = _values[device];
            foreach (var value in values) known[value.Metric.Alias] = value;
        }
    }

    public List<EdgeValue> Values(string device)
    {
        lock (_lock) return [.. _values[device].Values];
    }

    public bool IsOnline(string device)
    {
        lock (_lock) return _online.GetValueOrDefault(device);
    }

    /// <summary>A device came or went; true when that is news.</summary>
    public bool SetOnline(EdgeDevice device, bool online)
    {
        lock (_lock)
        {
            if (_online[device.Id] == online) return false;
            _online[device.Id] = online;
            _changed.Enqueue(device);
            return true;
        }
    }

    /// <summary>The next device whose birth or death is to be published.</summary>
    public EdgeDevice? NextChanged()
    {
        lock (_lock) return _changed.TryDequeue(out var device) ? device : null;
    }

    /// <summary>All births are about to be published: what waited is in them.</summary>
    public List<EdgeDevice> TakeOnline()
    {
        lock (_lock)
        {
            _changed.Clear();
            return [.. definition.Devices.Where(d => _online[d.Id])];
        }
    }
}
