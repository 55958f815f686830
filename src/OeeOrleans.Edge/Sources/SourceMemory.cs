using System.Text.Json;
using OeeOrleans.Sparkplug;

namespace OeeOrleans.Edge.Sources;

/// <summary>
/// What a source must know before its server answers, kept in a file: the types of its tags, so that the edge node can be born, and for
/// each
/// the time up to which all its values are durable, so that what came while nobody was there can be fetched from the server's history.
/// </summary>
internal sealed class SourceMemory
{
    private readonly string _file;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, SparkplugDataType> _types = new(StringComparer.Ordinal);
    private readonly Dictionary<string, long> _durable = new(StringComparer.Ordinal);

    /// <summary>Where a gap begins that is not filled yet: beyond it nothing is complete.</summary>
    private readonly Dictionary<string, (long SinceMs, int Gaps)> _open = new(StringComparer.Ordinal);

    public SourceMemory(string file)
    {
        _file = file;
        if (!File.Exists(file)) return;
        try
        {
            var content = JsonSerializer.Deserialize<Content>(File.ReadAllBytes(file));
            foreach (var (address, ms) in content?.CompleteToMs ?? []) _durable[address] = ms;
            foreach (var (address, type) in content?.Types ?? [])
            {
                if (Enum.TryParse<SparkplugDataType>(type, out var known)) _types[address] = known;
            }
        }
        catch (JsonException error)
        {
            IsLost = $"{file} cannot be read: {error.Message}";
        }
    }

    /// <summary>Why what was remembered is lost; null when it is not. Then the server is asked, as at the first start.</summary>
    public string? IsLost { get; }

    public SparkplugDataType TypeOf(string address)
    {
        lock (_lock) return _types.GetValueOrDefault(address);
    }

    public void SetType(string address, SparkplugDataType type)
    {
        lock (_lock) _types[address] = type;
    }

    /// <summary>All values up to here are durable, milliseconds; 0 when none is.</summary>
    public long CompleteToMs(string address)
    {
        lock (_lock)
        {
            var durable = _durable.GetValueOrDefault(address);
            return _open.TryGetValue(address, out var open) ? Math.Min(open.SinceMs, durable) : durable;
        }
    }

    public void Durable(string address, long timeMs)
    {
        lock (_lock)
        {
            if (timeMs > _durable.GetValueOrDefault(address)) _durable[address] = timeMs;
        }
    }

    /// <summary>Something is missing from here on; as often as this is said, <see cref="Close"/> must be.</summary>
    public void Open(string address, long sinceMs)
    {
        lock (_lock)
        {
            var (since, gaps) = _open.GetValueOrDefault(address, (sinceMs, 0));
            _open[address] = (Math.Min(since, sinceMs), gaps + 1);
        }
    }

    /// <summary>What was missing is durable, or not to be had.</summary>
    public void Close(string address)
    {
        lock (_lock)
        {
            var (since, gaps) = _open.GetValueOrDefault(address);
            if (gaps > 1) _open[address] = (since, gaps - 1);
            else _open.Remove(address);
        }
    }

    /// <exception cref="IOException">The disk does not take it.</exception>
    public void Save()
    {
        Content content;
        lock (_lock)
        {
            content = new Content(
                _types.ToDictionary(t => t.Key, t => t.Value.ToString()), _durable.ToDictionary(d => d.Key, d => CompleteToMs(d.Key)));
        }

        DurableFile.Replace(_file, stream => JsonSerializer.Serialize(stream, content));
    }

    private sealed record Content(Dictionary<string, string> Types, Dictionary<string, long> CompleteToMs);
}
