using System.Text;

namespace OeeOrleans.Sparkplug.Session;

/// <summary>The metrics of one device (or of the node itself) by name; looked up by the bytes of a name without making a string.</summary>
public sealed class DeviceTable(string? device)
{
    private readonly Dictionary<string, MetricDefinition> _byName = new(StringComparer.Ordinal);

    public string? Device { get; } = device;

    /// <summary>Born and not dead since.</summary>
    public bool Online { get; set; }

    /// <summary>Payload time of its birth, milliseconds; 0 when it was never born.</summary>
    public ulong BirthMs { get; set; }

    public IReadOnlyCollection<MetricDefinition> Metrics => _byName.Values;

    public MetricDefinition? Find(ReadOnlySpan<byte> utf8Name)
    {
        Span<char> chars = utf8Name.Length <= 512 ? stackalloc char[512] : new char[utf8Name.Length];
        var length = Encoding.UTF8.GetChars(utf8Name, chars);
        return _byName.GetAlternateLookup<ReadOnlySpan<char>>().TryGetValue(chars[..length], out var found) ? found : null;
    }

    public MetricDefinition? Find(string name) => _byName.GetValueOrDefault(name);

    /// <returns>Whether the name is new.</returns>
    internal bool Add(MetricDefinition metric)
    {
        var isNew = !_byName.ContainsKey(metric.Name);
        _byName[metric.Name] = metric;
        return isNew;
    }
}
