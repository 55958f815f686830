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

    /// <summary>How well the difference of two clocks is known, milliseconds.</summary>
    private const int MarginMs = 200;

    private readonly string _file;
    private readonly List<Period> _periods = [];

    /// <summary>Something of the period that is open is durable.</summary>
    private bool _isDurable;

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

    /// <summary>The second is speaking.</summary>
    public bool IsOpen { get; private set; }

    public bool IsEmpty => _periods.Count == 0;

    /// <summary>Up to where a second told last, milliseconds.</summary>
    public long LatestToMs => _periods.Count > 0 ? _periods[^1].ToMs : 0;

    /// <summary>The second spoke then, or at an instant that may have been then.</summary>
    public bool Covers(long timeMs)
    {
        for (var i = _periods.Count - 1; i >= 0; i--)
        {
            var isOpen = IsOpen && i == _periods.Count - 1;
            if (timeMs >= _periods[i].FromMs - MarginMs && (isOpen || timeMs < _periods[i].ToMs + MarginMs)) return true;
        }

        return false;
    }

    public void Begin(long timeMs)
    {
        _periods.Add(new Period(timeMs, timeMs));
        if (_periods.Count > Most) _periods.RemoveAt(0);
        (IsOpen, _isDurable) = (true, false);
    }

    /// <summary>What the second told is durable up to here.</summary>
    public void Extend(long timeMs)
    {
        if (!IsOpen) return;
        _isDurable = true;
        if (timeMs > _periods[^1].ToMs) _periods[^1] = _periods[^1] with { ToMs = timeMs };
    }

    /// <summary>
    /// The second does not speak any more: the period ends where its values are durable, and was none if none of them is.
    /// </summary>
    public void End()
    {
        if (IsOpen && !_isDurable) _periods.RemoveAt(_periods.Count - 1);
        IsOpen = false;
    }

    /// <exception cref="IOException">The disk does not take it.</exception>
    public void Save() => DurableFile.Replace(_file, stream => JsonSerializer.Serialize(stream, _periods));

    private sealed record Period(long FromMs, long ToMs);
}
