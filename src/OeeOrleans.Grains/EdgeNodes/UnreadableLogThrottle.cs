using System.Collections.Concurrent;

namespace OeeOrleans.Grains.EdgeNodes;

/// <summary>
/// Lets an unreadable message be logged once per topic and minute; the rest is counted and kept. Bounded: a flood of topics is logged as
/// one.
/// </summary>
public sealed class UnreadableLogThrottle(TimeProvider clock)
{
    private const int MaxTopics = 1_000;
    private static readonly TimeSpan Between = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, long> _last = new(StringComparer.Ordinal);

    public bool ShouldLog(string topic)
    {
        if (_last.Count >= MaxTopics)
        {
            foreach (var (old, at) in _last)
            {
                if (clock.GetElapsedTime(at) >= Between) _last.TryRemove(old, out _);
            }

            if (_last.Count >= MaxTopics) topic = "";
        }

        var now = clock.GetTimestamp();
        if (_last.TryGetValue(topic, out var last) && clock.GetElapsedTime(last, now) < Between) return false;
        _last[topic] = now;
        return true;
    }
}
