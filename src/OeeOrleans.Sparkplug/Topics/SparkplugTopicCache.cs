namespace OeeOrleans.Sparkplug.Topics;

/// <summary>
/// Topics of a node come again with every message: read once, remembered. Bounded: a flood of topics starts it anew. Not safe for
/// concurrent use.
/// </summary>
public sealed class SparkplugTopicCache(int capacity = SparkplugTopicCache.DefaultCapacity)
{
    private const int DefaultCapacity = 5_000;

    private readonly Dictionary<string, (SparkplugTopic Topic, string? Reason)> _known = new(StringComparer.Ordinal);

    /// <inheritdoc cref="SparkplugTopic.TryParse"/>
    public bool TryParse(string topic, out SparkplugTopic result, out string reason)
    {
        if (!_known.TryGetValue(topic, out var known))
        {
            if (_known.Count >= capacity) _known.Clear();
            known = SparkplugTopic.TryParse(topic, out var parsed, out var why) ? (parsed, null) : (default, why);
            _known[topic] = known;
        }

        (result, reason) = (known.Topic, known.Reason ?? "");
        return known.Reason is null;
    }
}
