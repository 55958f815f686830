using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Sparkplug.Host;

/// <summary>
/// The end-to-end acknowledgement between our own edge nodes and our own hosts. A broker's PUBACK only says that the broker has a message. So an
/// edge numbers its records, and its host tells it up to which number everything is committed; the edge keeps its records until then.
/// All of it travels in metrics under `Node Control/` and `Device Control/`, so that foreign hosts and edge nodes are not disturbed.
/// </summary>
public static class CommitProtocol
{
    /// <summary>In NBIRTH and in NCMD beside the mark: the queue's identity, a new one when the edge lost its queue (String).</summary>
    public const string Queue = "Node Control/Commit Queue";

    /// <summary>In NBIRTH and NDATA: the lowest record number that will still come (UInt64); what lies below is stored or given up.</summary>
    public const string First = "Node Control/Commit First";

    /// <summary>In NBIRTH to announce it, in NCMD from the host: every record up to this number is committed (UInt64).</summary>
    public const string Mark = "Node Control/Commit Mark";

    /// <summary>In data messages of devices: the number of the record (UInt64).</summary>
    public const string Record = "Device Control/Commit Record";

    /// <summary>In NDATA: a record that will never come in a message of its device, because the device is gone (UInt64).</summary>
    public const string GivenUp = "Node Control/Commit Record";

    /// <summary>The command that tells an edge node its mark.</summary>
    public static (SparkplugTopic Topic, ReadOnlyMemory<byte> Payload) TellMark(string group, string node, string queue, ulong mark, ulong nowMs)
    {
        var writer = new SparkplugPayloadWriter().Begin(nowMs, null);
        // Beside the mark, so that an edge that lost its queue does not take the mark of the old one for its own.
        writer.String(new MetricHead(Queue, null, nowMs, SparkplugDataType.String), queue);
        writer.Integer(new MetricHead(Mark, null, nowMs, SparkplugDataType.UInt64), (long)mark);
        return (new SparkplugTopic(SparkplugMessageType.NCommand, group, node, null), writer.Written.ToArray());
    }
}

/// <summary>Record numbers [From, To].</summary>
public readonly record struct RecordRange(ulong From, ulong To);

/// <summary>The host's side: which records of one edge node are committed. Live records and old ones that are replayed come interleaved, so it
/// is a few ranges; the mark is the end of the first. Plain data, stored in the transaction of the rows.</summary>
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
