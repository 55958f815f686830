using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Sparkplug.Session;

/// <summary>
/// The host's side of one edge node: births and alias tables, `seq`, `bdSeq`, deaths (Sparkplug 3.0 sections 5 and 6.4).
/// At-least-once delivery shapes it: a message may come twice, and old ones may come again after a newer birth. The broker says which
/// messages it sent before (MQTT's DUP flag). Only such a one may be older than the newest birth: it is resolved with the births of its own
/// time, and a break in `seq` in it is no loss. An older time without the flag is a clock that went back: nobody knows whose aliases it
/// uses, so a rebirth is needed, never a guess. Not safe for concurrent use: a grain owns it.
/// </summary>
public sealed class HostNodeSession
{
    /// <summary>Births that are kept to resolve messages sent before the newest one.</summary>
    public const int KeptGenerations = 4;

    /// <summary>After it `seq` is 0 again (tck-id-payloads-sequence-num-...).</summary>
    private const ulong MaxSeq = 255;

    private readonly List<NodeGeneration> _generations = [];

    /// <summary>Sequence numbers that were skipped and may still come.</summary>
    private readonly HashSet<byte> _missing = [];

    /// <summary>The newest payload time before the node's clock went back; 0 when it never did.</summary>
    private ulong _beforeStepMs;

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
    /// <param name="topic">Where it came.</param>
    /// <param name="payload">Its payload.</param>
    /// <param name="redelivered">The broker says that it sent the message before.</param>
    /// <exception cref="SparkplugFormatException">A birth is malformed, or `seq` is none.</exception>
    public SessionOutcome Accept(in SparkplugTopic topic, ref SparkplugPayloadReader payload, bool redelivered = false)
    {
        if (payload.Seq > MaxSeq) throw new SparkplugFormatException($"seq is {payload.Seq}; 0..{MaxSeq} is possible", 0);
        var sent = new Sent(payload.Timestamp ?? LastMs, payload.Seq, redelivered);
        return topic.Type switch
        {
            SparkplugMessageType.NBirth => NodeBirth(ref payload, sent),
            SparkplugMessageType.DBirth => DeviceBirth(topic, ref payload, sent),
            SparkplugMessageType.NData or SparkplugMessageType.DData => Data(topic, sent),
            SparkplugMessageType.NDeath => NodeDeath(ref payload),
            SparkplugMessageType.DDeath => DeviceDeath(topic, sent),
            _ => new SessionOutcome { Deaths = [], Ignored = $"{SparkplugTopic.NameOf(topic.Type)} is not for hosts" },
        };
    }

    /// <summary>
    /// The definition of a metric in a message; null for an alias nobody announced. A name that was not born is taken as it is, unless it
    /// is refused; an alias beside it is not believed, since only births give aliases (tck-id-payloads-alias-birth-requirement).
    /// </summary>
    public static MetricDefinition? Resolve(in SessionOutcome outcome, scoped in MetricView metric)
    {
        if (metric.HasName)
        {
            return outcome.Table!.Find(metric.Name) ?? outcome.Generation!.AddUnborn(outcome.Table, metric.Name, metric.DataType);
        }

        return metric.Alias is { } alias ? outcome.Generation!.FindAlias(alias) : null;
    }

    private SessionOutcome NodeBirth(ref SparkplugPayloadReader payload, Sent sent)
    {
        var bdSeq = ReadBdSeq(ref payload);
        var again = _generations.FindIndex(g => g.BirthMs == sent.Ms && g.BdSeq == bdSeq);
        if (again >= 0 && (again < _generations.Count - 1 || sent.Redelivered))
        {
            // Processed already: it comes again and changes nothing; whatever came after it stays in order.
            return new SessionOutcome
            {
                Table = _generations[again].Node, Generation = _generations[again], Redelivered = true, Deaths = [],
            };
        }

        if (again < 0 && IsOld(sent) && sent.Redelivered)
        {
            return new SessionOutcome
            {
                Deaths = [], Redelivered = true, Ignored = "a newer birth was processed, and this one is forgotten",
            };
        }

        // A birth that is older than those we hold and was not sent before: the node's clock went back. Those would shadow it.
        if (again < 0 && IsOld(sent)) _beforeStepMs = Math.Max(_beforeStepMs, LastMs);
        if (again < 0) _generations.RemoveAll(g => g.BirthMs >= sent.Ms);
        else _generations.RemoveAt(again);
        var cameBack = !Online;
        var generation = new NodeGeneration(sent.Ms, bdSeq);
        Fill(generation, generation.Node, ref payload);
        generation.Node.Online = true;
        generation.Node.BirthMs = sent.Ms;
        _generations.Add(generation);
        if (_generations.Count > KeptGenerations) _generations.RemoveAt(0);
        Online = true;
        _missing.Clear();
        LastSeq = (int)(sent.Seq ?? 0);
        LastMs = again < 0 ? sent.Ms : Math.Max(LastMs, sent.Ms);
        return new SessionOutcome
        {
            Table = generation.Node,
            Generation = generation,
            BirthToKeep = true,
            CameBack = cameBack,
            Redelivered = again >= 0,
            Deaths = [],
        };
    }

    private SessionOutcome DeviceBirth(in SparkplugTopic topic, ref SparkplugPayloadReader payload, Sent sent)
    {
        if (IsOfFormerTime(sent)) return Refused(new SessionOutcome { Deaths = [] });
        var order = CheckOrder(sent);
        if (ClockWentBack(sent)) return Refused(order);
        if (GenerationAt(sent.Ms) is not { } generation)
        {
            return order with { RebirthReason = "a device was born before its node", Ignored = "no NBIRTH of the node is known" };
        }

        if (!generation.Admits(topic.Device)) return TooManyDevices(order);
        var existing = generation.Find(topic.Device);
        if (existing is not null && sent.Redelivered && existing.BirthMs > sent.Ms)
        {
            return order with { Table = existing, Generation = generation, Redelivered = true };
        }

        var cameBack = existing is not { Online: true };
        var table = generation.Replace(topic.Device);
        Fill(generation, table, ref payload);
        table.BirthMs = sent.Ms;
        table.Online = true;
        return order with { Table = table, Generation = generation, BirthToKeep = true, CameBack = cameBack };
    }

    private SessionOutcome Data(in SparkplugTopic topic, Sent sent)
    {
        if (IsOfFormerTime(sent)) return Refused(new SessionOutcome { Deaths = [] });
        var order = CheckOrder(sent);
        if (ClockWentBack(sent)) return Refused(order);
        if (GenerationAt(sent.Ms) is not { } generation)
        {
            // Named metrics can be understood all the same; aliases cannot.
            generation = new NodeGeneration(sent.Ms, null);
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

    /// <summary>
    /// A will belongs to the birth with its bdSeq (tck-id-payloads-ndeath-bdseq); one without belongs to a birth without.
    /// </summary>
    private SessionOutcome NodeDeath(ref SparkplugPayloadReader payload)
    {
        var bdSeq = ReadBdSeq(ref payload);
        if (Current is not { } current) return new SessionOutcome { Deaths = [], Ignored = "the node was never born" };
        if (!Online) return new SessionOutcome { Deaths = [], Ignored = "the node is dead already" };
        if (bdSeq != current.BdSeq)
        {
            var (of, born) = (bdSeq?.ToString() ?? "none", current.BdSeq?.ToString() ?? "none");
            return new SessionOutcome { Deaths = [], Ignored = $"its bdSeq {of} is not that of the current birth ({born})" };
        }

        Online = false;
        var deaths = new List<DeviceTable> { current.Node };
        deaths.AddRange(current.Devices.Where(d => d.Online));
        foreach (var table in deaths) table.Online = false;
        return new SessionOutcome { Deaths = deaths, Generation = current };
    }

    private SessionOutcome DeviceDeath(in SparkplugTopic topic, Sent sent)
    {
        var order = CheckOrder(sent);
        // A death has no aliases: whatever its clock says, in its turn it means the device as it is.
        var table = (ClockWentBack(sent) ? Current : GenerationAt(sent.Ms))?.Find(topic.Device);
        if (table is not { Online: true }) return order with { Ignored = "the device is not alive" };
        if (sent.Redelivered && sent.Ms < table.BirthMs) return order with { Ignored = "the device was born again since" };
        table.Online = false;
        return order with { Deaths = [table], Generation = Current };
    }

    /// <summary>
    /// `seq` grows by one per message of node and devices together and wraps after 255 (tck-id-payloads-sequence-num-always-included).
    /// </summary>
    private SessionOutcome CheckOrder(Sent sent)
    {
        var outcome = new SessionOutcome { Deaths = [] };
        if (sent.Seq is not { } number) return outcome;
        var expected = (LastSeq + 1) & 0xFF;
        var newest = LastMs;
        // Sent before and older than what we know: whatever its number, it was in order once.
        if (sent.Redelivered && sent.Ms < newest) return Again(outcome, number);
        if (LastSeq < 0 || (int)number == expected)
        {
            LastSeq = (int)number;
            LastMs = Math.Max(newest, sent.Ms);
            return outcome;
        }

        if (sent.Ms <= newest && (sent.Redelivered || _missing.Contains((byte)number))) return Again(outcome, number);
        LastSeq = (int)number;
        LastMs = Math.Max(newest, sent.Ms);
        for (var skipped = expected; skipped != (int)number; skipped = (skipped + 1) & 0xFF) _missing.Add((byte)skipped);
        return outcome with
        {
            MissedMessages = (int)((number + 256 - (ulong)expected) & 0xFF),
            RebirthReason = $"sequence gap: expected {expected}, came {number}",
        };
    }

    private SessionOutcome Again(in SessionOutcome outcome, ulong number) =>
        outcome with { Redelivered = true, Filled = _missing.Remove((byte)number) && _missing.Count == 0 };

    private bool IsOld(Sent sent) => Current is { } current && sent.Ms < current.BirthMs;

    /// <summary>Sent before and later than anything since the clock went back: of the time before, whose aliases are gone.</summary>
    private bool IsOfFormerTime(Sent sent) => sent.Redelivered && sent.Ms > LastMs && sent.Ms <= _beforeStepMs;

    private bool ClockWentBack(Sent sent) => IsOld(sent) && !sent.Redelivered;

    private static SessionOutcome Refused(in SessionOutcome order) => order with
    {
        RebirthReason = "the node's clock went back",
        Refusal =
            "it was sent before the newest birth by its own clock, and not by the broker: the node's clock went back, and nobody knows "
                + "its aliases",
    };

    private static SessionOutcome TooManyDevices(in SessionOutcome order) => order with
    {
        Refusal = $"the edge node has {SparkplugLimits.MaxDevicesPerNode} devices already; at most as many are taken",
    };

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
            generation.Add(table, metric.Name, metric.DataType, metric.Alias);
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

    /// <summary>When, as which, and how often a message was sent.</summary>
    private readonly record struct Sent(ulong Ms, ulong? Seq, bool Redelivered);
}
