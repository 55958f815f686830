using OeeOrleans.Edge.Sources;
using OeeOrleans.Edge.Sources.Polling;
using OeeOrleans.Sparkplug;

namespace OeeOrleans.Edge.Tests.Fallback;

/// <summary>A source that shows what a test says.</summary>
internal sealed class ScriptedSource(string id, TimeProvider clock, params SourceTag[] tags) : ISource
{
    public string Id => id;

    public IReadOnlyList<SourceTag> Tags { get; set; } = tags;

    /// <summary>By tag: what is there now.</summary>
    public object?[] Shown { get; } = new object?[tags.Length];

    public int Quality { get; set; } = 192;

    /// <summary>Told at the next reading, instead of what is there: as a subscription does.</summary>
    public List<SourceValue>? Queue { get; set; }

    public bool IsDown { get; set; }

    /// <summary>A reading waits until this is done.</summary>
    public TaskCompletionSource? Holding { get; set; }

    /// <summary>Asked for everything it does not answer.</summary>
    public bool HangsWhenAsked { get; set; }

    public List<(int Tag, object? Value)> Written { get; } = [];

    public int Readings { get; private set; }

    public int Storings { get; private set; }

    public long ClockAheadMs { get; set; }

    public async Task ReadAsync(IReadOnlyList<int> due, long timeMs, List<SourceValue> into, CancellationToken cancellationToken)
    {
        Readings++;
        if (Holding is { } holding) await holding.Task.WaitAsync(cancellationToken);
        if (IsDown) throw new PlcException($"{id} is down", isAway: true);
        if (Queue is { } queue)
        {
            into.AddRange(queue);
            return;
        }

        Show(due, into);
    }

    public async Task ReadNowAsync(long timeMs, List<SourceValue> into, CancellationToken cancellationToken)
    {
        if (IsDown) throw new PlcException($"{id} is down", isAway: true);
        if (HangsWhenAsked) await Task.Delay(Timeout.InfiniteTimeSpan, cancellationToken);
        Show([.. Enumerable.Range(0, Tags.Count)], into);
    }

    public Task<object?> WriteAsync(int tag, object? value, CancellationToken cancellationToken)
    {
        Written.Add((tag, value));
        return Task.FromResult(Shown[tag]);
    }

    public void SetPaused(bool paused)
    {
    }

    public void Stored(long timeMs)
    {
        Storings++;
        if (Queue is not null) Queue = [];
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private void Show(IReadOnlyList<int> due, List<SourceValue> into)
    {
        var timeMs = clock.GetUtcNow().ToUnixTimeMilliseconds() + ClockAheadMs;
        foreach (var tag in due) into.Add(new SourceValue(tag, timeMs, Quality < 64 ? null : Shown[tag], Quality));
    }

    public static SourceTag Tag(string metric, SparkplugDataType type = SparkplugDataType.Int64, double scale = 1, bool writable = false) =>
        new("device", new EdgeTag($"at {metric}", metric, Scale: scale, Writable: writable), type);
}
