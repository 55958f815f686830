using OeeOrleans.Edge;
using OeeOrleans.Edge.Sources;
using OeeOrleans.Sparkplug;

namespace OeeOrleans.Conformance.Tests;

/// <summary>
/// A source with one text, `n`, that says something else at every reading: the number of the reading, and what fills it up.
/// </summary>
internal sealed class FailingSource(string device, int length = 0) : ISource
{
    private int _readings;

    /// <summary>While it is, a reading throws.</summary>
    public volatile bool Broken;

    /// <summary>While it is, a reading finds what the last one found.</summary>
    public volatile bool Still;

    /// <summary>The next word about a pause throws.</summary>
    public volatile bool PauseFails;

    /// <summary>What it was told of pauses, but for the one that failed.</summary>
    public List<bool> Pauses { get; } = [];

    public int Readings => Volatile.Read(ref _readings);

    public string Id => "failing";

    public IReadOnlyList<SourceTag> Tags { get; } = [new(device, new EdgeTag("n", "n"), SparkplugDataType.String)];

    public Task ReadAsync(IReadOnlyList<int> tags, long timeMs, List<SourceValue> into, CancellationToken cancellationToken)
    {
        if (Broken) throw new IOException("the PLC does not answer");
        into.Add(new SourceValue(0, timeMs, $"{(Still ? Readings : Interlocked.Increment(ref _readings))}".PadRight(length, '.')));
        return Task.CompletedTask;
    }

    public Task<object?> WriteAsync(int tag, object? value, CancellationToken cancellationToken) => throw new NotSupportedException();

    public void SetPaused(bool paused)
    {
        if (PauseFails)
        {
            PauseFails = false;
            throw new InvalidOperationException("no pauses here");
        }

        lock (Pauses) Pauses.Add(paused);
    }

    public void Stored(long timeMs)
    {
        // It keeps nothing.
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
