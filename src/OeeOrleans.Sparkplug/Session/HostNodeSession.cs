using System.Text;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Sparkplug.Session;

/// <summary>
/// The host's side of one edge node: births and alias tables, `seq`, `bdSeq`, deaths (Sparkplug 3.0 sections 5 and 6.4).
/// At-least-once delivery shapes it: a message may come twice, and old ones may come again after a newer birth. So the last few births
/// are kept and a message is resolved by the time it was sent, and a break in `seq` in an old message is a redelivery, not a loss.
/// Not safe for concurrent use: a grain owns it.
/// </summary>
public sealed class HostNodeSession
{
    /// <summary>Births that are kept to resolve messages sent before the newest one.</summary>
    public const int KeptGenerations = 4;

    private readonly List<NodeGeneration> _generations = [];

    /// <summary>Sequence numbers that were skipped and may still come.</summary>
    private readonly HashSet<byte> _missing = [];

    /// <summary>Whether the node is born and not dead.</summary>
    public bool Online { get; private set; }

    /// <summary>The last `seq` in order; -1 when none is known.</summary>
    public int LastSeq { get; private set; } = -1;

    /// <summary>The newest payload time seen, milliseconds.</summary>
    public ulong LastMs { get; private set; }

    public NodeGeneration? Current => _generations.Count > 0 ? _generations[^1] : null;

    public IReadOnlyList<NodeGeneration> Generations => _generations;

    /// <summary>Takes up the state a former life stored, after its births were replayed through <see cref="Accept"/>.</summary>
    public void Restore(bool online, int lastSeq, ulong lastMs, IReadOnlySet<string> deadDevices)
    {
        Online = online;
        LastSeq = lastSeq;
        LastMs = Math.Max(LastMs, lastMs);
        if (Current is not { } current) return;
        current.Node.Online = online;
        foreach (var device in current.Devices) device.Online = online && !deadDevices.Contains(device.Device ?? "");
    }

    /// <summary>Takes a message in. Its metrics are then resolved with <see cref="Resolve"/>.</summary>
    /// <exception cref="SparkplugFormatException">A birth is malformed.</exception>
    public SessionOutcome Accept(in SparkplugTopic topic, ref SparkplugPayloadReader payload)
    {
        var sentMs = payload.Timestamp ?? LastMs;
        return topic.Type switch
        {
            SparkplugMessageType.NBirth => NodeBirth(ref payload, sentMs),
            SparkplugMessageType.DBirth => DeviceBirth(topic, ref payload, sentMs),
            SparkplugMessageType.NData or SparkplugMessageType.DData => Data(topic, payload.Seq, sentMs),
            SparkplugMessageType.NDeath => NodeDeath(ref payload),
            SparkplugMessageType.DDeath => DeviceDeath(topic, payload.Seq, sentMs),
            _ => new SessionOutcome { Deaths = [], Ignored = $"{SparkplugTopic.NameOf(topic.Type)} is not for hosts" },
        };
    }

    /// <summary>The definition of a metric in a message; null for an alias nobody announced. A name that was not born is taken as it is.</summary>
    public static MetricDefinition? Resolve(in SessionOutcome outcome, scoped in MetricView metric)
    {
        if (metric.HasName)
        {
            var known = outcome.Table!.Find(metric.Name);
            if (known is not null) return known;
            var added = new MetricDefinition(Encoding.UTF8.GetString(metric.Name), metric.DataType, metric.Alias, outcome.Table.Device);
            outcome.Generation!.Add(outcome.Table, added);
            return added;
        }

        return metric.Alias is { } alias ? outcome.Generation!.FindAlias(alias) : null;
    }

    private SessionOutcome NodeBirth(ref SparkplugPayloadReader payload, ulong sentMs)
    {
        var bdSeq = ReadBdSeq(ref payload);
        var again = _generations.FindIndex(g => g.BirthMs == sentMs && g.BdSeq == bdSeq);
        if (again >= 0 && again < _generations.Count - 1)
        {
            // A newer birth was processed already: this one comes again and changes nothing.
            return new SessionOutcome { Table = _generations[again].Node, Generation = _generations[again], Redelivered = true, Deaths = [] };
        }

        // A birth that is older than those we hold and none of them: the node's clock went back. Those would shadow it.
        if (again < 0) _generations.RemoveAll(g => g.BirthMs >= sentMs);
        else _generations.RemoveAt(again);
        var cameBack = !Online;
        var generation = new NodeGeneration(sentMs, bdSeq);
        Fill(generation, generation.Node, ref payload);
        generation.Node.Online = true;
        generation.Node.BirthMs = sentMs;
        _generations.Add(generation);
        if (_generations.Count > KeptGenerations) _generations.RemoveAt(0);
        Online = true;
        _missing.Clear();
        LastSeq = (int)(payload.Seq ?? 0);
        LastMs = again < 0 ? sentMs : Math.Max(LastMs, sentMs);
        return new SessionOutcome { Table = generation.Node, Generation = generation, BirthToKeep = true, CameBack = cameBack, Redelivered = again >= 0, Deaths = [] };
    }

    private SessionOutcome DeviceBirth(in SparkplugTopic topic, ref SparkplugPayloadReader payload, ulong sentMs)
    {
        var order = CheckOrder(payload.Seq, sentMs);
        if (GenerationAt(sentMs) is not { } generation)
        {
            return order with { RebirthReason = "a device was born before its node", Ignored = "no NBIRTH of the node is known" };
        }

        var existing = generation.Find(topic.Device);
        if (existing is not null && existing.BirthMs > sentMs)
        {
            return order with { Table = existing, Generation = generation, Redelivered = true };
        }

        var cameBack = existing is not { Online: true };
        var table = generation.Replace(topic.Device);
        Fill(generation, table, ref payload);
        table.BirthMs = sentMs;
        table.Online = true;
        return order with { Table = table, Generation = generation, BirthToKeep = true, CameBack = cameBack };
    }

    private SessionOutcome Data(in SparkplugTopic topic, ulong? seq, ulong sentMs)
    {
        var order = CheckOrder(seq, sentMs);
        if (GenerationAt(sentMs) is not { } generation)
        {
            // Named metrics can be understood all the same; aliases cannot.
            generation = new NodeGeneration(sentMs, null);
            return order with { RebirthReason = "data before birth", Generation = generation, Table = generation.FindOrAdd(topic.Device) };
        }

        var table = generation.Find(topic.Device);
        if (table is { Online: true } || (order.Redelivered && table is not null))
        {
            return order with { Table = table, Generation = generation };
        }

        return order with
        {
            RebirthReason = table is null ? "data of a device before its birth" : "data after a death",
            Table = table ?? new DeviceTable(topic.Device),
            Generation = generation,
        };
    }

    private SessionOutcome NodeDeath(ref SparkplugPayloadReader payload)
    {
        var bdSeq = ReadBdSeq(ref payload);
        if (Current is not { } current) return new SessionOutcome { Deaths = [], Ignored = "the node was never born" };
        if (!Online) return new SessionOutcome { Deaths = [], Ignored = "the node is dead already" };
        if (bdSeq is not null && current.BdSeq is not null && bdSeq != current.BdSeq)
        {
            return new SessionOutcome { Deaths = [], Ignored = $"its bdSeq {bdSeq} is not that of the current birth ({current.BdSeq})" };
        }

        Online = false;
        var deaths = new List<DeviceTable> { current.Node };
        deaths.AddRange(current.Devices.Where(d => d.Online));
        foreach (var table in deaths) table.Online = false;
        return new SessionOutcome { Deaths = deaths, Generation = current };
    }

    private SessionOutcome DeviceDeath(in SparkplugTopic topic, ulong? seq, ulong sentMs)
    {
        var order = CheckOrder(seq, sentMs);
        var table = GenerationAt(sentMs)?.Find(topic.Device);
        if (table is not { Online: true }) return order with { Ignored = "the device is not alive" };
        if (sentMs < table.BirthMs) return order with { Ignored = "the device was born again since" };
        table.Online = false;
        return order with { Deaths = [table], Generation = Current };
    }

    /// <summary>`seq` grows by one per message of node and devices together and wraps after 255 (tck-id-payloads-sequence-num-always-included).</summary>
    private SessionOutcome CheckOrder(ulong? seq, ulong sentMs)
    {
        var outcome = new SessionOutcome { Deaths = [] };
        if (seq is not { } number) return outcome;
        var expected = (LastSeq + 1) & 0xFF;
        var newest = LastMs;
        if (LastSeq < 0 || (int)number == expected)
        {
            LastSeq = (int)number;
            LastMs = Math.Max(newest, sentMs);
            return outcome;
        }

        if (sentMs <= newest) return outcome with { Redelivered = true, Filled = _missing.Remove((byte)number) && _missing.Count == 0 };
        LastSeq = (int)number;
        LastMs = sentMs;
        for (var skipped = expected; skipped != (int)number; skipped = (skipped + 1) & 0xFF) _missing.Add((byte)skipped);
        return outcome with
        {
            MissedMessages = (int)((number + 256 - (ulong)expected) & 0xFF),
            RebirthReason = $"sequence gap: expected {expected}, came {number}",
        };
    }

    private NodeGeneration? GenerationAt(ulong sentMs)
    {
        for (var i = _generations.Count - 1; i >= 0; i--)
        {
            if (_generations[i].BirthMs <= sentMs) return _generations[i];
        }

        return null;
    }

    private static void Fill(NodeGeneration generation, DeviceTable table, ref SparkplugPayloadReader payload)
    {
        payload.Rewind();
        while (payload.TryReadMetric(out var metric))
        {
            if (!metric.HasName) continue;
            generation.Add(table, new MetricDefinition(Encoding.UTF8.GetString(metric.Name), metric.DataType, metric.Alias, table.Device));
        }

        payload.Rewind();
    }

    private static ulong? ReadBdSeq(ref SparkplugPayloadReader payload)
    {
        payload.Rewind();
        ulong? found = null;
        while (payload.TryReadMetric(out var metric))
        {
            if (metric.HasName && metric.Name.SequenceEqual("bdSeq"u8)) found = metric.Bits;
        }

        payload.Rewind();
        return found;
    }
}
