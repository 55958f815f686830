using System.Text;
using OeeOrleans.CommitProtocol;
using OeeOrleans.Grains.Machines;
using OeeOrleans.Model;
using OeeOrleans.Model.Commands;
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
    public const ulong MaxMs = 253_402_300_799_999;

    /// <summary>Reports of writes of one edge node that are taken within a minute.</summary>
    private const int MaxReportsPerMinute = 600;

    private static readonly byte[] SourcesMetric = Encoding.UTF8.GetBytes(SourcesReport.MetricName);

    private readonly RowBuffer _rows = new();
    private long _reportsMinute;
    private int _reports;
    private readonly CommitControl _control = new();

    /// <summary>The machine of every sample the present message added.</summary>
    private readonly List<MachineTarget> _sampled = [];

    /// <summary>The machine of every value of the present message that has a limit.</summary>
    private readonly List<MachineTarget> _watched = [];

    public HostNodeSession Session { get; } = new();

    public NodeState State { get; set; } = new();

    /// <summary>Machines by device (empty: the node).</summary>
    public Dictionary<string, MachineTarget> Machines { get; } = new(StringComparer.Ordinal);

    public List<MetricDefinition> Unbound { get; } = [];

    public List<BirthRecord> Births { get; } = [];

    /// <summary>Rows of deaths that were moved.</summary>
    public List<RowKey> Removed { get; } = [];

    /// <summary>What our own edge nodes report of values written to PLCs.</summary>
    public List<AuditEntry> Audit { get; } = [];

    /// <summary>What became of commands.</summary>
    public List<CommandAnswer> Answers { get; } = [];

    public ReadOnlyMemory<SampleRow> Rows => _rows.Written;

    /// <summary>Newest payload time of the present delivery, milliseconds; one that is far off tells nothing.</summary>
    public ulong NewestMs { get; private set; }

    /// <summary>Why metrics of the message that was emitted last are not taken; null when all are.</summary>
    public string? Refusal { get; private set; }

    /// <summary>Begins a delivery. After a failed one the rows may still be in the sink's hands, so they are not reused.</summary>
    public void Begin(bool reuseRows)
    {
        _rows.Begin(reuseRows);
        NewestMs = 0;
        Births.Clear();
        Removed.Clear();
        Audit.Clear();
        Answers.Clear();
        foreach (var machine in Machines.Values)
        {
            machine.Samples.Clear();
            machine.Watched.Clear();
            machine.Touched = false;
        }
    }

    /// <summary>Lets the session see the message.</summary>
    /// <param name="topic">Its topic.</param>
    /// <param name="message">The message.</param>
    /// <param name="again">It was seen before, by the broker's word or by ours.</param>
    /// <exception cref="SparkplugFormatException">The payload is malformed.</exception>
    public SessionOutcome Accept(in SparkplugTopic topic, BrokerMessage message, bool again)
    {
        var reader = new SparkplugPayloadReader(message.Payload.Span);
        if (reader.Timestamp > MaxMs)
        {
            throw new SparkplugFormatException($"the payload's timestamp {reader.Timestamp} is beyond the year 9999", 0);
        }

        if (topic.Type is SparkplugMessageType.NBirth or SparkplugMessageType.DBirth)
        {
            // All of a birth must be readable before any of it counts.
            while (reader.TryReadMetric(out _)) { }
            reader.Rewind();
        }

        var outcome = Session.Accept(topic, ref reader, again);
        if (reader.Timestamp is { } ms && TimeRule.Admits((long)ms * UnixMicros.PerMillisecond, message.IngestUs))
        {
            NewestMs = Math.Max(NewestMs, ms);
        }

        if (outcome.BirthToKeep)
        {
            var bornMs = (long)outcome.Table!.BirthMs;
            Births.Add(new BirthRecord(edgeNode, topic.Device ?? "", bornMs, message.Topic, message.Payload.ToArray()));
        }

        return outcome;
    }

    /// <summary>Adds the rows of a message. False when signals must be bound first (nothing was added then).</summary>
    /// <exception cref="SparkplugFormatException">The payload is malformed, or an alias is unknown; nothing was added.</exception>
    public bool TryEmit(in SessionOutcome outcome, BrokerMessage message, bool birth)
    {
        var start = _rows.Count;
        var removed = Removed.Count;
        _sampled.Clear();
        _watched.Clear();
        Unbound.Clear();
        _control.Clear();
        Refusal = null;
        try
        {
            var unknownAlias = Emit(outcome, message, birth);
            if (Unbound.Count > 0)
            {
                Rollback(start, removed);
                return false;
            }

            if (unknownAlias is not null) throw new UnknownAliasException(unknownAlias.Value);
            // What comes again may be of a queue that is lost since; what it said was counted when it came first.
            if (!outcome.Redelivered || (!birth && ReferenceEquals(outcome.Generation, Session.Current)))
            {
                foreach (var (entry, answer) in _control.NewReports(State.Committed))
                {
                    Audit.Add(entry);
                    if (answer is not null) Answers.Add(answer);
                }

                _control.CommitTo(State.Committed);
                if (birth && outcome.Table!.Device is null) State.Sources = _control.Sources;
            }

            return true;
        }
        catch (SparkplugFormatException)
        {
            Rollback(start, removed);
            throw;
        }
    }

    /// <summary>
    /// When a payload was sent, microseconds; null when it does not say so, or cannot be read, of which it is told when its turn comes.
    /// </summary>
    public static long? SentUs(ReadOnlySpan<byte> payload)
    {
        try
        {
            var timestamp = new SparkplugPayloadReader(payload).Timestamp;
            return timestamp is { } ms and <= MaxMs ? (long)ms * UnixMicros.PerMillisecond : null;
        }
        catch (SparkplugFormatException)
        {
            return null;
        }
    }

    /// <summary>What a birth of the node says of the sources that the plant gave it; null: nothing.</summary>
    public static SourcesReport? SourcesIn(ReadOnlySpan<byte> payload)
    {
        try
        {
            var reader = new SparkplugPayloadReader(payload);
            while (reader.TryReadMetric(out var metric))
            {
                if (metric.HasName && metric.Name.SequenceEqual(SourcesMetric)) return SourcesReport.Parse(metric.Content);
            }
        }
        catch (SparkplugFormatException)
        {
            // It was told when it came.
            return null;
        }

        return null;
    }

    /// <summary>Adds the deaths that a message tells of.</summary>
    /// <param name="topic">Its topic.</param>
    /// <param name="outcome">What the session says of it.</param>
    /// <param name="message">The message.</param>
    /// <param name="bornAgainUs">When the node was born again, if that came with the same delivery.</param>
    public void EmitDeaths(
        in SparkplugTopic topic, in SessionOutcome outcome, BrokerMessage message, long bornAgainUs = long.MaxValue)
    {
        var sentUs = topic.Type == SparkplugMessageType.DDeath ? SentUs(message.Payload.Span) : null;
        foreach (var table in outcome.Deaths) EmitDeath(table, message.IngestUs, sentUs, bornAgainUs);
    }

    /// <summary>Everything a device could say is unknown from its death on.</summary>
    /// <param name="table">Who died.</param>
    /// <param name="ingestUs">When we heard of it: a will has no time of its own, so that is when a node dies.</param>
    /// <param name="sentUs">When a device died by its node's word (DDEATH).</param>
    /// <param name="bornAgainUs">When the node was born again, if that came with the same delivery: it died before.</param>
    public void EmitDeath(DeviceTable table, long ingestUs, long? sentUs = null, long bornAgainUs = long.MaxValue)
    {
        var device = table.Device ?? "";
        if (!Machines.TryGetValue(device, out var machine))
        {
            State.Dead[device] = ingestUs;
            return;
        }

        // A birth whose time is far off says nothing of when it was.
        var bornUs = TimeRule.Admits(bornAgainUs, ingestUs) ? bornAgainUs : long.MaxValue;
        // The message may have waited for us, but it was not sent after it came, nor before another one: then the node's clock is wrong.
        var believed = sentUs < ingestUs && TimeRule.Admits(sentUs.Value, ingestUs)
            && sentUs >= (long)Session.LastMs * UnixMicros.PerMillisecond;
        // Source times are whole milliseconds, so no sample has this instant.
        var diedUs = believed ? sentUs!.Value + 1 : ingestUs;
        // Not before what the device said last: its clock may be ahead of ours.
        var deathUs = Math.Max(Math.Min(diedUs, bornUs - 1), machine.LastSeenUs + 1);
        State.Dead[device] = deathUs;
        foreach (var (id, kind) in machine.Signals)
        {
            _rows.Add(new SampleRow(id, deathUs, double.NaN, null, Quality.Bad, ingestUs));
            if (kind != SignalKind.Other) machine.Samples.Add(new MachineSample(kind, deathUs, double.NaN, null, Quality.Bad));
        }

        foreach (var name in machine.WatchedNames) machine.Watched.Add(new WatchedSample(name, deathUs, double.NaN, Quality.Bad));
        machine.Connected = false;
        machine.Touched = true;
    }

    private ulong? Emit(in SessionOutcome outcome, BrokerMessage message, bool birth)
    {
        var reader = new SparkplugPayloadReader(message.Payload.Span);
        var sentMs = reader.Timestamp;
        ulong? unknownAlias = null;
        var bornUs = (long)(sentMs ?? (ulong)(message.IngestUs / UnixMicros.PerMillisecond)) * UnixMicros.PerMillisecond;
        var deathUs = birth && outcome.CameBack && State.Dead.TryGetValue(outcome.Table!.Device ?? "", out var died) ? died : long.MinValue;
        if (deathUs >= bornUs && TimeRule.Admits(bornUs, message.IngestUs))
        {
            MoveDeath(outcome.Table!, deathUs, bornUs - 1, message.IngestUs);
            deathUs = bornUs - 1;
        }

        while (reader.TryReadMetric(out var metric))
        {
            var definition = HostNodeSession.Resolve(outcome, metric);
            if (definition is null)
            {
                unknownAlias ??= metric.Alias ?? 0;
                continue;
            }

            if ((definition.Refusal ?? (definition.Binding as SignalRefusal)?.Reason) is { } refusal)
            {
                Refusal ??= refusal;
                GrainMetrics.RefusedMetrics.Inc();
                continue;
            }

            if (definition.IsControl)
            {
                _control.Read(definition, metric);
                if (definition.Name == CommitMetrics.WriteReport) Report(outcome.Table!, metric, message.IngestUs);
                continue;
            }

            if (definition.Binding is not SignalBinding binding)
            {
                Unbound.Add(definition);
                continue;
            }

            var timeMs = metric.Timestamp ?? sentMs ?? (ulong)(message.IngestUs / UnixMicros.PerMillisecond);
            if (timeMs > MaxMs)
            {
                throw new SparkplugFormatException($"the timestamp {timeMs} of {definition.Name} is beyond the year 9999", metric.Offset);
            }

            var timeUs = (long)timeMs * UnixMicros.PerMillisecond;
            // The device was unknown since its death; its birth says that an old value holds again, from the birth on.
            if (timeUs <= deathUs) timeUs = Math.Max(timeUs, Math.Max(bornUs, deathUs + UnixMicros.PerMillisecond));
            Add(
                binding, metric, metric.DataType != SparkplugDataType.Unknown ? metric.DataType : definition.Type, timeUs,
                message.IngestUs);
        }

        if (Unbound.Count == 0 && birth) State.Dead.Remove(outcome.Table!.Device ?? "");
        return unknownAlias;
    }

    /// <summary>Entries of the audit log are there for good: an edge node cannot make as many as it likes.</summary>
    private bool MayReport(long ingestUs)
    {
        var minute = ingestUs / UnixMicros.PerMinute;
        if (minute != _reportsMinute) (_reportsMinute, _reports) = (minute, 0);
        return ++_reports <= MaxReportsPerMinute;
    }

    private void Report(DeviceTable table, scoped in MetricView metric, long ingestUs)
    {
        // In a birth it only announces the metric.
        if (metric.IsNull) return;
        if (!MayReport(ingestUs))
        {
            Refusal ??= $"more than {MaxReportsPerMinute} reports of writes within a minute";
            return;
        }

        var machine = Machines.TryGetValue(table.Device ?? "", out var known) && known.InPlant ? known.Id : null;
        if (WriteReport.Read(metric, edgeNode, table.Device, machine, ingestUs, out var mistake) is { } report) _control.Add(report);
        else Refusal ??= mistake;
    }

    /// <summary>A will has no time of its own: this one was heard of after the birth that followed it had been sent. So the device died
    /// before that birth, and what was stored of its death is moved there.</summary>
    private void MoveDeath(DeviceTable table, long fromUs, long toUs, long ingestUs)
    {
        if (!Machines.TryGetValue(table.Device ?? "", out var machine)) return;
        foreach (var (id, kind) in machine.Signals)
        {
            Removed.Add(new RowKey(id, fromUs));
            _rows.Add(new SampleRow(id, toUs, double.NaN, null, Quality.Bad, ingestUs));
            if (kind == SignalKind.Other) continue;
            AddSample(machine, new MachineSample(kind, fromUs, double.NaN, null, Quality.Retracted));
            AddSample(machine, new MachineSample(kind, toUs, double.NaN, null, Quality.Bad));
        }
    }

    private void Add(SignalBinding binding, scoped in MetricView metric, SparkplugDataType type, long timeUs, long ingestUs)
    {
        var quality = MetricDecoder.QualityOf(metric);
        var (value, text) = quality == Quality.Bad && metric.IsNull ? (double.NaN, null) : MetricDecoder.Decode(metric, type);
        if (binding.Scaled && !double.IsNaN(value)) (value, text) = (binding.Apply(value), null);
        _rows.Add(new SampleRow(binding.SignalId, timeUs, value, text, quality, ingestUs));
        var machine = binding.Machine;
        machine.Touched = true;
        machine.Connected = true;
        if (binding.Watched is { } name && TimeRule.Admits(timeUs, ingestUs))
        {
            // A clock that was ahead once must not make a limit deaf to all that comes before that time.
            machine.Watched.Add(new WatchedSample(name, Math.Min(timeUs, ingestUs), value, quality));
            _watched.Add(machine);
        }

        if (TimeRule.Admits(timeUs, ingestUs)) Admit(machine, new MachineSample(binding.Kind, timeUs, value, text, quality));
        else if (TimeRule.IsAhead(timeUs, ingestUs)) GrainMetrics.FutureSamples.Inc();
        else GrainMetrics.StaleSamples.Inc();
    }

    private void Admit(MachineTarget machine, in MachineSample sample)
    {
        machine.LastSeenUs = Math.Max(machine.LastSeenUs, sample.TimeUs);
        if (sample.Kind != SignalKind.Other) AddSample(machine, sample);
    }

    /// <summary>Forgets devices that no birth knows any more: names may come and go, memory may not grow with them.</summary>
    public void ForgetDevices()
    {
        foreach (var device in Machines.Keys.Where(d => d.Length > 0 && !Session.Generations.Any(g => g.Find(d) is not null)).ToList())
        {
            Machines.Remove(device);
        }

        foreach (var device in State.Dead.Keys.Where(d => d.Length > 0 && !Machines.ContainsKey(d)).ToList()) State.Dead.Remove(device);
    }

    private void AddSample(MachineTarget machine, in MachineSample sample)
    {
        machine.Samples.Add(sample);
        _sampled.Add(machine);
    }

    /// <summary>Takes back what a half-read message added: its rows, and for each sample the newest of its machine.</summary>
    private void Rollback(int start, int removed)
    {
        foreach (var machine in _sampled) machine.Samples.RemoveAt(machine.Samples.Count - 1);
        foreach (var machine in _watched) machine.Watched.RemoveAt(machine.Watched.Count - 1);
        _sampled.Clear();
        _watched.Clear();
        _rows.CutTo(start);
        Removed.RemoveRange(removed, Removed.Count - removed);
    }
}

/// <summary>A message used aliases that no birth announced: what it said under known names counts, the message itself is kept.</summary>
internal sealed class UnknownAliasException(ulong alias) : Exception($"alias {alias} was announced by no birth that is known");
