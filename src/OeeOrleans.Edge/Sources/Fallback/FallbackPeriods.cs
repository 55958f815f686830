using System.Text.Json;

namespace OeeOrleans.Edge.Sources.Fallback;

/// <summary>
/// When the second of two sources spoke, by the edge's clock, kept in a file: what the first remembers of these times was told already.
/// After a crash up to where it had told is known to some seconds.
/// </summary>
internal sealed class FallbackPeriods
{
    /// <summary>Older ones are forgotten: no history reaches back over so many.</summary>
    private const int Most = 500;

    private readonly string _file;
    private readonly List<Period> _periods = [];
    private bool _isOpen;

    public FallbackPeriods(string file)
    {
        _file = file;
        if (!File.Exists(file)) return;
        try
        {
            _periods = JsonSerializer.Deserialize<List<Period>>(File.ReadAllBytes(file)) ?? [];
        }
        catch (JsonException error)
        {
            IsLost = $"{file} cannot be read: {error.Message}";
        }
    }

    /// <summary>Why what was remembered is lost; null when it is not.</summary>
    public string? IsLost { get; }

    /// <summary>Where the latest begins, milliseconds; null when there is none.</summary>
    public long? LatestFromMs => _periods.Count > 0 ? _periods[^1].FromMs : null;

    /// <summary>Where the latest ends, milliseconds; it has no end while the second speaks.</summary>
    public long LatestToMs => _isOpen ? long.MaxValue : LatestClosedMs;

    private long LatestClosedMs => _periods.Count > 0 ? _periods[^1].ToMs : 0;

    /// <summary>The second spoke then.</summary>
    public bool Covers(long timeMs)
    {
        for (var i = _periods.Count - 1; i >= 0; i--)
        {
            var isOpen = _isOpen && i == _periods.Count - 1;
            if (timeMs >= _periods[i].FromMs && (isOpen || timeMs < _periods[i].ToMs)) return true;
        }

        return false;
    }

    public void Begin(long timeMs)
    {
        _periods.Add(new Period(timeMs, timeMs));
        if (_periods.Count > Most) _periods.RemoveAt(0);
        _isOpen = true;
    }

    /// <summary>What the second told is durable up to here.</summary>
    public void Extend(long timeMs)
    {
        if (_isOpen && timeMs > _periods[^1].ToMs) _periods[^1] = _periods[^1] with { ToMs = timeMs };
    }

    public void End(long timeMs)
    {
        Extend(timeMs);
        _isOpen = false;
    }

    /// <exception cref="IOException">The disk does not take it.</exception>
    public void Save() => DurableFile.Replace(_file, stream => JsonSerializer.Serialize(stream, _periods));

    private sealed record Period(long FromMs, long ToMs);
}
