namespace OeeOrleans.CommitProtocol;

/// <summary>Record numbers [From, To].</summary>
public readonly record struct RecordRange(ulong From, ulong To);

/// <summary>The host's side: which records of one edge node are committed. Live records and old ones that are replayed come interleaved, so
/// it is a few ranges; the mark is the end of the first. Plain data, stored in the transaction of the rows.</summary>
public sealed class CommittedRecords
{
    /// <summary>More holes than this are not remembered: the records come again, which has no effect.</summary>
    private const int MaxRanges = 256;

    /// <summary>Which queue the numbers are of; null when the node is none of ours.</summary>
    public string? Queue { get; set; }

    /// <summary>Ranges [from, to] in order, not touching; the first one holds everything from the beginning.</summary>
    public List<RecordRange> Ranges { get; set; } = [];

    /// <summary>Everything up to here is committed; 0 = nothing.</summary>
    public ulong Mark => Ranges.Count > 0 && Ranges[0].From == 0 ? Ranges[0].To : 0;

    /// <summary>Something above the mark is committed: what lies between got lost on the way, or is still on it.</summary>
    public bool HasHoles => Ranges.Count > (Mark > 0 || (Ranges.Count > 0 && Ranges[0].From == 0) ? 1 : 0);

    /// <summary>A record that is committed; one above too many holes may be, and is not known to be.</summary>
    public bool Holds(ulong record) => Ranges.Exists(r => r.From <= record && record <= r.To);

    public CommittedRecords Clone() => new() { Queue = Queue, Ranges = [.. Ranges] };

    /// <summary>A birth or an update: whose queue it is, and below which number nothing more comes.</summary>
    public void Announce(string? queue, ulong first)
    {
        if (queue is not null && queue != Queue)
        {
            Queue = queue;
            Ranges.Clear();
        }

        if (first > 0) Add(0, first - 1);
    }

    public void Add(ulong record) => Add(record, record);

    private void Add(ulong from, ulong to)
    {
        var i = Ranges.FindIndex(r => r.To + 1 >= from);
        if (i < 0)
        {
            Ranges.Add(new RecordRange(from, to));
        }
        else
        {
            var last = i;
            while (last < Ranges.Count && Ranges[last].From <= to + 1)
            {
                (from, to) = (Math.Min(from, Ranges[last].From), Math.Max(to, Ranges[last].To));
                last++;
            }

            Ranges.RemoveRange(i, last - i);
            Ranges.Insert(i, new RecordRange(from, to));
        }

        if (Ranges.Count > MaxRanges) Ranges.RemoveRange(MaxRanges, Ranges.Count - MaxRanges);
    }
}
