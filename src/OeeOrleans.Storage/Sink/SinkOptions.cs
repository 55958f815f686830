namespace OeeOrleans.Storage.Sink;

/// <summary>How units are grouped into transactions.</summary>
public sealed class SinkOptions
{
    /// <summary>A group is written at the latest this long after its first unit came.</summary>
    public int FlushMs { get; set; } = 50;

    /// <summary>A group is written as soon as it weighs this much.</summary>
    public int FlushRows { get; set; } = 10_000;

    /// <summary>Rows that may wait; beyond it writers wait, and with them the broker.</summary>
    public int MaxPendingRows { get; set; } = 400_000;

    /// <summary>Groups written at the same time; the store must have as many connections.</summary>
    public int Writers { get; set; } = 1;

    /// <summary>Pause before the second attempt of a group; doubles up to <see cref="MaxRetryPause"/>.</summary>
    public TimeSpan RetryPause { get; set; } = TimeSpan.FromMilliseconds(100);

    public TimeSpan MaxRetryPause { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a unit may wait for room.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(8);

    /// <summary>One sentence per mistake.</summary>
    public IEnumerable<string> Validate()
    {
        if (FlushMs is < 0 or > 10_000) yield return $"store.flush_ms is {FlushMs}; 0..10000 is possible";
        if (FlushRows is < 1 or > 1_000_000) yield return $"store.flush_rows is {FlushRows}; 1..1000000 is possible";
        if (Writers is < 1 or > 8) yield return $"store.writers is {Writers}; 1..8 is possible";
        if (MaxPendingRows < FlushRows)
        {
            yield return $"store.max_pending_rows ({MaxPendingRows}) must be at least store.flush_rows ({FlushRows})";
        }
    }
}
