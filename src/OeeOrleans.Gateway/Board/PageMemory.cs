using System.Collections.Concurrent;
using OeeOrleans.Model;

namespace OeeOrleans.Gateway.Board;

/// <summary>
/// What a page was first painted with, until its connection is there and goes on from it: nothing is read twice, and nothing flickers. Safe
/// for concurrent use.
/// </summary>
internal sealed class PageMemory(TimeProvider clock)
{
    private const int Most = 100;
    private const long KeptUs = 15 * UnixMicros.PerSecond;

    private readonly ConcurrentDictionary<string, (object Page, long AtUs)> _pages = new(StringComparer.Ordinal);

    public void Keep(string key, object page)
    {
        var nowUs = UnixMicros.Now(clock);
        foreach (var (old, (_, atUs)) in _pages)
        {
            if (nowUs - atUs > KeptUs) _pages.TryRemove(old, out _);
        }

        // Whoever paints more than that waits for another reading.
        if (_pages.Count < Most) _pages[key] = (page, nowUs);
    }

    /// <summary>What was kept, once; null: nothing, or it is too old.</summary>
    public object? Take(string key) =>
        _pages.TryRemove(key, out var kept) && UnixMicros.Now(clock) - kept.AtUs <= KeptUs ? kept.Page : null;
}
