using System.Collections.Concurrent;

namespace OeeOrleans.S7.Simulation;

/// <summary>What goes wrong, to order; each may be changed at any time.</summary>
public sealed class PlcFaults
{
    private readonly ConcurrentDictionary<(S7Area Area, int Db), S7Status> _failing = new();

    /// <summary>Before each answer.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>It takes everything and says nothing, as behind a pulled plug.</summary>
    public bool IsFrozen { get; set; }

    /// <summary>Error class and code that every reading and writing is refused with, such as 0x8104; 0: none.</summary>
    public ushort RefuseWith { get; set; }

    /// <summary>Items it answers at most; of more the rest is silently left out, as some servers do.</summary>
    public int MaxItems { get; set; } = int.MaxValue;

    /// <summary>It resets a connection with more requests under way than this.</summary>
    public int ResetAbove { get; set; } = int.MaxValue;

    /// <summary>Changes the bytes of an answer, from the S7 header on, before they go out; null: none.</summary>
    public Func<byte[], byte[]>? Mutate { get; set; }

    /// <summary>Every access to a block or area ends like this.</summary>
    /// <param name="area">Where.</param>
    /// <param name="db">Of a data block; 0 for other areas.</param>
    /// <param name="status">What is said of it; <see cref="S7Status.Good"/> takes it back.</param>
    public void Fail(S7Area area, int db, S7Status status)
    {
        if (status == S7Status.Good) _failing.TryRemove((area, db), out _);
        else _failing[(area, db)] = status;
    }

    internal S7Status? Of(S7Area area, int db) => _failing.TryGetValue((area, db), out var status) ? status : null;
}
