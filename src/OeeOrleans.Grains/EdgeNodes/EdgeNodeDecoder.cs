using OeeOrleans.Model;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.Sparkplug.Session;
using OeeOrleans.Sparkplug.Topics;
using OeeOrleans.Storage;

namespace OeeOrleans.Grains.EdgeNodes;

/// <summary>
/// From messages of one edge node to rows and machine samples. Synchronous: what needs the store (ids of signals that are new) is
/// reported in <see cref="Unbound"/>, bound by the owner, and the message is emitted again.
/// </summary>
internal sealed class EdgeNodeDecoder(string edgeNode)
{
    /// <summary>The last millisecond of the year 9999; beyond it no store has a time.</summary>
    private const ulong MaxMs = 253_402_300_799_999;

    /// <summary>Further ahead than a wrong time zone: such a sample is stored, but would freeze the live account in the future.</summary>
    private const long MaxAheadUs = 26 * UnixMicros.PerHour;

    private SampleRow[] _rows = new SampleRow[256];
    private int _count;

    /// <summary>The machine of every sample the present message added.</summary>
    private readonly List<MachineTarget> _sampled = [];

    public HostNodeSession Session { get; } = new();

    public NodeState State { get; set; } = new();

    /// <summary>Machines by device (empty: the node).</summary>
    public Dictionary<string, MachineTarget> Machines { get; } = new(StringComparer.Ordinal);

    public List<MetricDefinition> Unbound { get; } = [];

    public List<BirthRecord> Births { get; } = [];

    public ReadOnlyMemory<SampleRow> Rows => _rows.AsMemory(0, _count);

    /// <summary>Newest payload time of the present delivery, milliseconds.</summary>
    public ulong NewestMs { get; private set; }

    /// <summary>Begins a delivery. After a failed one the rows may still be in the sink's hands, so they are not reused.</summary>
    public void Begin(bool reuseRows)
    {
        if (!reuseRows) _rows = new SampleRow[_rows.Length];
        _count = 0;
        NewestMs = 0;
        Births.Clear();
        foreach (var machine in Machines.Values)
        {
            machine.Samples.Clear();
            machine.Touched = false;
        }
    }

    /// <summary>Lets the session see the message.</summary>
    /// <exception cref="SparkplugFormatException">The payload is malformed.</exception>
    public SessionOutcome Accept(in SparkplugTopic topic, BrokerMessage message)
    {
        var reader = new SparkplugPayloadReader(message.Payload);
        if (reader.Timestamp > MaxMs) throw new SparkplugFormatException($"the payload's timestamp {reader.Timestamp} is beyond the year 9999", 0);
        if (topic.Type is SparkplugMessageType.NBirth or SparkplugMessageType.DBirth)
        {
            // All of a birth must be readable before any of it counts.
            while (reader.TryReadMetric(out _)) { }
            reader.Rewind();
        }

        var outcome = Session.Accept(topic, ref reader);
        NewestMs = Math.Max(NewestMs, reader.Timestamp ?? 0);
        if (outcome.BirthToKeep)
        {
            Births.Add(new BirthRecord(edgeNode, topic.Device ?? "", (long)outcome.Table!.BirthMs, message.Topic, message.Payload));
        }

        return outcome;
    }

    /// <summary>Adds the rows of a message. False when signals must be bound first (nothing was added then).</summary>
    /// <exception cref="SparkplugFormatException">The payload is malformed, or an alias is unknown; nothing was added.</exception>
    public bool TryEmit(in SessionOutcome outcome, BrokerMessage message, bool birth)
    {
        var start = _count;
        _sampled.Clear();
        Unbound.Clear();
        try
        {
            var unknownAlias = Emit(outcome, message, birth);
            if (Unbound.Count > 0)
            {
                Rollback(start);
                return false;
            }

            return unknownAlias is null ? true : throw new UnknownAliasException(unknownAlias.Value);
        }
        catch (SparkplugFormatException)
        {
            Rollback(start);
            throw;
        }
    }

    /// <summary>Everything a device could say is unknown from its death on. A will has no time of its own, so a node dies when we hear of it; but
    /// when we were away and its next birth came with the same delivery, it died before that birth.</summary>
    public void EmitDeath(DeviceTable table, long ingestUs, long bornAgainUs = long.MaxValue)
    {
        var device = table.Device ?? "";
        if (!Machines.TryGetValue(device, out var machine))
        {
            State.Dead[device] = ingestUs;
            return;
        }

        // Not before what the device said last: its clock may be ahead of ours. Source times are whole milliseconds, so no sample has this instant.
        var deathUs = Math.Max(Math.Min(ingestUs, bornAgainUs - 1), machine.LastSeenUs + 1);
        State.Dead[device] = deathUs;
        foreach (var (id, kind) in machine.Signals)
        {
            AddRow(new SampleRow(id, deathUs, double.NaN, null, Quality.Bad, ingestUs));
            if (kind != SignalKind.Other) machine.Samples.Add(new MachineSample(kind, deathUs, double.NaN, null, Quality.Bad));
        }

        machine.Connected = false;
        machine.Touched = true;
    }

    private ulong? Emit(in SessionOutcome outcome, BrokerMessage message, bool birth)
    {
        var reader = new SparkplugPayloadReader(message.Payload);
        var sentMs = reader.Timestamp;
        ulong? unknownAlias = null;
        var deathUs = birth && outcome.CameBack && State.Dead.TryGetValue(outcome.Table!.Device ?? "", out var died) ? died : long.MinValue;
        while (reader.TryReadMetric(out var metric))
        {
            var definition = HostNodeSession.Resolve(outcome, metric);
            if (definition is null)
            {
                unknownAlias ??= metric.Alias ?? 0;
                continue;
            }

            if (definition.IsControl) continue;
            if (definition.Binding is not SignalBinding binding)
            {
                Unbound.Add(definition);
                continue;
            }

            var timeMs = metric.Timestamp ?? sentMs ?? (ulong)(message.IngestUs / UnixMicros.PerMillisecond);
            if (timeMs > MaxMs) throw new SparkplugFormatException($"the timestamp {timeMs} of {definition.Name} is beyond the year 9999", metric.Offset);
            var timeUs = (long)timeMs * UnixMicros.PerMillisecond;
            // The device was unknown since its death; its birth says that an old value holds again, from the birth on. A value measured at the birth
            // keeps its time even when we heard of the death later than that: then only the live account is told that it still holds.
            var heardLate = false;
            if (timeUs <= deathUs)
            {
                var sentUs = (long)(sentMs ?? timeMs) * UnixMicros.PerMillisecond;
                heardLate = timeUs >= sentUs;
                if (!heardLate) timeUs = Math.Max(sentUs, deathUs + UnixMicros.PerMillisecond);
            }

            Add(binding, metric, metric.DataType != SparkplugDataType.Unknown ? metric.DataType : definition.Type, timeUs, message.IngestUs);
            if (heardLate && binding.Kind != SignalKind.Other && binding.Machine.Samples.Count > 0)
            {
                AddSample(binding.Machine, binding.Machine.Samples[^1] with { TimeUs = deathUs + 1 });
            }
        }

        if (Unbound.Count == 0 && birth) State.Dead.Remove(outcome.Table!.Device ?? "");
        return unknownAlias;
    }

    private void Add(SignalBinding binding, scoped in MetricView metric, SparkplugDataType type, long timeUs, long ingestUs)
    {
        var quality = MetricDecoder.QualityOf(metric);
        var (value, text) = quality == Quality.Bad && metric.IsNull ? (double.NaN, null) : MetricDecoder.Decode(metric, type);
        if (binding.Scaled && !double.IsNaN(value)) (value, text) = (binding.Apply(value), null);
        AddRow(new SampleRow(binding.SignalId, timeUs, value, text, quality, ingestUs));
        var machine = binding.Machine;
        machine.Touched = true;
        machine.Connected = true;
        machine.LastSeenUs = Math.Max(machine.LastSeenUs, timeUs);
        if (binding.Kind == SignalKind.Other) return;
        if (timeUs - ingestUs > MaxAheadUs) GrainMetrics.FutureSamples.Inc();
        else AddSample(machine, new MachineSample(binding.Kind, timeUs, value, text, quality));
    }

    private void AddRow(in SampleRow row)
    {
        if (_count == _rows.Length) Array.Resize(ref _rows, _count * 2);
        _rows[_count++] = row;
    }

    private void AddSample(MachineTarget machine, in MachineSample sample)
    {
        machine.Samples.Add(sample);
        _sampled.Add(machine);
    }

    /// <summary>Takes back what a half-read message added: its rows, and for each sample the newest of its machine.</summary>
    private void Rollback(int start)
    {
        foreach (var machine in _sampled) machine.Samples.RemoveAt(machine.Samples.Count - 1);
        _sampled.Clear();
        _count = start;
    }
}

/// <summary>A message used aliases that no birth announced: what it said under known names counts, the message itself is kept.</summary>
internal sealed class UnknownAliasException(ulong alias) : Exception($"alias {alias} was announced by no birth that is known");
