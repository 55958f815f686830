using OeeOrleans.Sparkplug;

namespace OeeOrleans.Edge.Sources;

/// <summary>A tag as a source knows it.</summary>
/// <param name="Device">The Sparkplug device it belongs to.</param>
/// <param name="Tag">Address, metric and conversion.</param>
/// <param name="Type">Datatype of its values as published.</param>
public sealed record SourceTag(string Device, EdgeTag Tag, SparkplugDataType Type);

/// <summary>A value read: long, double, bool or string; null with a bad quality (OPC numbers).</summary>
public readonly record struct SourceValue(int Tag, long TimeMs, object? Value, int Quality = 192);

/// <summary>Something values are polled from. Reading throws when the source does not answer; the caller tries again.</summary>
public interface ISource : IAsyncDisposable
{
    string Id { get; }

    IReadOnlyList<SourceTag> Tags { get; }

    /// <summary>Reads what is due.</summary>
    /// <param name="tags">Indexes into <see cref="Tags"/>.</param>
    /// <param name="timeMs">The instant the reading is for, milliseconds; sources without a clock of their own stamp with it.</param>
    Task ReadAsync(IReadOnlyList<int> tags, long timeMs, List<SourceValue> into, CancellationToken cancellationToken);

    /// <summary>Writes a raw value to a tag. Throws when the source refuses.</summary>
    Task WriteAsync(int tag, object? value, CancellationToken cancellationToken);

    /// <summary>
    /// The buffer is at its high mark, or below it again: a source that subscribes stops and resumes its subscriptions; polling slows down
    /// by itself.
    /// </summary>
    void SetPaused(bool paused);

    /// <summary>The values of a reading are durable.</summary>
    void Stored(long timeMs);
}
