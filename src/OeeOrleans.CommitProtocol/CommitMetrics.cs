using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Edge;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.CommitProtocol;

/// <summary>
/// The end-to-end acknowledgement between our own edge nodes and our own hosts. A broker's PUBACK only says that the broker has a message.
/// So an edge numbers its records, and its host tells it up to which number everything is committed; the edge keeps its records until then.
/// All of it travels in metrics under `Node Control/` and `Device Control/`, so that foreign hosts and edge nodes are not disturbed.
/// </summary>
public static class CommitMetrics
{
    /// <summary>In NBIRTH and in NCMD beside the mark: the queue's identity, a new one with every life of the edge (String).</summary>
    public const string Queue = "Node Control/Commit Queue";

    /// <summary>
    /// In NBIRTH and NDATA: the lowest record number that will still come (UInt64); what lies below is stored or given up.
    /// </summary>
    public const string First = "Node Control/Commit First";

    /// <summary>In NBIRTH to announce it, in NCMD from the host: every record up to this number is committed (UInt64).</summary>
    public const string Mark = "Node Control/Commit Mark";

    /// <summary>In data messages of devices: the number of the record (UInt64).</summary>
    public const string Record = "Device Control/Commit Record";

    /// <summary>In NDATA: a record that will never come in a message of its device, because the device is gone (UInt64).</summary>
    public const string GivenUp = "Node Control/Commit Record";

    /// <summary>
    /// In data messages of devices: what became of a value for the PLC, in JSON (String); announced for devices that can be written to. The
    /// record it comes in counts it once.
    /// </summary>
    public const string WriteReport = "Device Control/Write Report";

    /// <summary>Longer ones are not taken, bytes.</summary>
    public const int MaxReportBytes = 8_000;

    /// <summary>Aliases of the record metric lie above all others: one per device.</summary>
    private const ulong RecordAliasBase = 1UL << 40;

    /// <summary>What an NBIRTH says of the queue.</summary>
    public static ControlValue[] InNodeBirth(string queue, ulong first) =>
    [
        new(Queue, SparkplugDataType.String, queue),
        new(First, SparkplugDataType.UInt64, first),
        new(Mark, SparkplugDataType.UInt64, first - 1),
    ];

    /// <summary>What a DBIRTH announces: number 0 is none.</summary>
    public static ControlValue[] InDeviceBirth(EdgeNodeDefinition definition, EdgeDevice device) =>
        device.Metrics.Any(m => m.Writable)
            ?
            [
                RecordOf(definition, device, 0), new ControlValue(WriteReport, SparkplugDataType.String, null),
                new ControlValue(SignedCommand.MetricName, SparkplugDataType.String, null),
            ]
            : [RecordOf(definition, device, 0)];

    /// <summary>A payload, for the queue, that reports a write.</summary>
    public static byte[] ReportPayload(string report, ulong nowMs)
    {
        var writer = new SparkplugPayloadWriter().Begin(nowMs, null);
        writer.String(new MetricHead(WriteReport, null, nowMs, SparkplugDataType.String), report);
        return writer.Written.ToArray();
    }

    public static ControlValue RecordOf(EdgeNodeDefinition definition, EdgeDevice device, ulong number)
    {
        for (var i = 0; i < definition.Devices.Count; i++)
        {
            if (definition.Devices[i].Id == device.Id)
            {
                return new ControlValue(Record, SparkplugDataType.UInt64, number, RecordAliasBase + (ulong)i);
            }
        }

        throw new ArgumentException($"{device.Id} is no device of {definition.Group}/{definition.Node}", nameof(device));
    }

    public static ControlValue[] FirstIs(ulong first) => [new(First, SparkplugDataType.UInt64, first)];

    public static ControlValue[] GiveUp(ulong record) => [new(GivenUp, SparkplugDataType.UInt64, record)];

    /// <summary>The command that tells an edge node its mark.</summary>
    public static (SparkplugTopic Topic, ReadOnlyMemory<byte> Payload) TellMark(
        string group, string node, string queue, ulong mark, ulong nowMs)
    {
        var writer = new SparkplugPayloadWriter().Begin(nowMs, null);
        // Beside the mark, so that an edge that lost its queue does not take the mark of the old one for its own.
        writer.String(new MetricHead(Queue, null, nowMs, SparkplugDataType.String), queue);
        writer.Integer(new MetricHead(Mark, null, nowMs, SparkplugDataType.UInt64), (long)mark);
        return (new SparkplugTopic(SparkplugMessageType.NCommand, group, node, null), writer.Written.ToArray());
    }

    /// <summary>The mark in what a host asks for; null when it does not speak of one.</summary>
    public static (string Queue, ulong Mark)? MarkIn(IReadOnlyList<EdgeRequest> requests)
    {
        string? queue = null;
        ulong? mark = null;
        foreach (var request in requests)
        {
            if (request is EdgeRequest.Control { Name: Queue, Value: string id }) queue = id;
            else if (request is EdgeRequest.Control { Name: Mark, Value: ulong number }) mark = number;
        }

        return queue is not null && mark is { } known ? (queue, known) : null;
    }
}
