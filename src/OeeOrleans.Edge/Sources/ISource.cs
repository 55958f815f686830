using OeeOrleans.Sparkplug;

namespace OeeOrleans.Edge.Sources;

/// <summary>A tag as a source knows it.</summary>
/// <param name="Device">The Sparkplug device it belongs to.</param>
/// <param name="Tag">Address, metric and conversion.</param>
/// <param name="Type">Datatype of its values as published; Unknown until the PLC was asked, and until then nothing is published.</param>
public sealed record SourceTag(string Device, EdgeTag Tag, SparkplugDataType Type);

/// <summary>A value read: long, ulong, double, bool or string; null with a bad quality (OPC numbers).</summary>
/// <param name="Tag">Index into <see cref="ISource.Tags"/>.</param>
/// <param name="TimeMs">Milliseconds since 1970.</param>
/// <param name="Value">As it was read.</param>
/// <param name="Quality">OPC number.</param>
/// <param name="Historical">Of the past, from the source's own history: newer values may have been told before.</param>
public readonly record struct SourceValue(int Tag, long TimeMs, object? Value, int Quality = 192, bool Historical = false);

/// <summary>Something values are polled from. Reading throws when the source does not answer; the caller tries again.</summary>
public interface ISource : IAsyncDisposable
{
    string Id { get; }

    IReadOnlyList<SourceTag> Tags { get; }

    /// <summary>Reads what is due.</summary>
    /// <param name="tags">Indexes into <see cref="Tags"/>.</param>
    /// <param name="timeMs">The instant the reading is for, milliseconds; sources without a clock of their own stamp with it.</param>
    Task ReadAsync(IReadOnlyList<int> tags, long timeMs, List<SourceValue> into, CancellationToken cancellationToken);

    /// <summary>Asks the PLC for every tag now, whatever was told before; the values have the PLC's time, or that of asking.</summary>
    Task ReadNowAsync(long timeMs, List<SourceValue> into, CancellationToken cancellationToken) =>
        ReadAsync([.. Enumerable.Range(0, Tags.Count)], timeMs, into, cancellationToken);

    /// <summary>Writes a raw value to a tag; returns what stood there before as <see cref="SourceValue.Value"/> has it, null when that is
    /// not known. Throws when the source
    /// refuses.</summary>
    Task<object?> WriteAsync(int tag, object? value, CancellationToken cancellationToken);

    /// <summary>Asks the PLC for one tag now; null when it is bad.</summary>
    async Task<object?> ReadBackAsync(int tag, CancellationToken cancellationToken)
    {
        var values = new List<SourceValue>();
        await ReadNowAsync(0, values, cancellationToken);
        return values.Find(v => v.Tag == tag).Value;
    }

    /// <summary>
    /// The buffer is at its high mark, or below it again: a source hands over nothing meanwhile, but what it shows at the first reading of
    /// a life, which its device is born with.
    /// </summary>
    void SetPaused(bool paused);

    /// <summary>The values of a reading are durable.</summary>
    void Stored(long timeMs);

    /// <summary>Where a value would be written to.</summary>
    string AddressOf(int tag) => Tags[tag].Tag.Address;

    /// <summary>It has a connection now; one that is lost may be kept quiet about for a while.</summary>
    bool IsHere => true;

    /// <summary>Returns when the PLC or server answered, for sources whose readings do not ask it.</summary>
    Task ProbeAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>How far the clock of its values' times is ahead of ours now, milliseconds, as far as that is known.</summary>
    long ClockAheadMs => 0;

    /// <summary>No reading goes on in it any more when this is done.</summary>
    Task RestAsync() => Task.CompletedTask;

    /// <summary>
    /// Whether it looks after its connection by itself: then it is asked often, and answers at once, also while there is none.
    /// </summary>
    bool Reconnects => false;

    /// <summary>Done when the types of its tags are others than <see cref="Tags"/> said before: the edge node is born anew with them, and
    /// the source tells all its values again.</summary>
    Task Redescribed => Never.Task;

    /// <summary>The edge node is about to be born with the types as they are now.</summary>
    void Describe()
    {
    }
}

/// <summary>What never happens.</summary>
internal static class Never
{
    public static readonly Task Task = new TaskCompletionSource().Task;
}
