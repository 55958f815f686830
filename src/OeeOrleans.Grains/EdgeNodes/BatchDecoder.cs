using Microsoft.Extensions.Logging;
using OeeOrleans.Grains.Machines;
using OeeOrleans.Model;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.Sparkplug.Session;
using OeeOrleans.Sparkplug.Topics;
using OeeOrleans.Storage;

namespace OeeOrleans.Grains.EdgeNodes;

/// <summary>
/// Decodes the messages of a delivery: session, signals, rows; what cannot be read becomes a dead letter of the same unit.
/// </summary>
internal sealed class BatchDecoder(
    string edgeNode, IStore store, SignalBinder binder, UnreadableLogThrottle throttle, TimeProvider clock, ILogger log)
{
    private readonly SparkplugTopicCache _topics = new();

    /// <summary>The session as it is after the newest decoded message; null: as the store has it.</summary>
    private EdgeNodeRecord? _record;
    private Task<EdgeNodeDecoder>? _session;

    /// <summary>Grows when the session is wound back: whatever was begun before has no say any more.</summary>
    private int _epoch;

    /// <summary>Told of every outcome, in order.</summary>
    public required Action<SessionOutcome> Noted { get; init; }

    /// <summary>Told of machines whose values came under another name, or unread, until now.</summary>
    public required Action<IReadOnlyList<string>> Rebound { get; init; }

    /// <summary>Told why the node cannot be understood without a rebirth.</summary>
    public required Action<string> RebirthWanted { get; init; }

    private bool OfUnreadable => edgeNode == MessageBatch.UnreadableKey;

    /// <summary>The session, read from the store when it is not at hand.</summary>
    public Task<EdgeNodeDecoder> SessionAsync()
    {
        if (_session is { IsCompleted: true, IsCompletedSuccessfully: false }) _session = null;
        return _session ??= LoadAsync(_record, _epoch);
    }

    public void Rewind(EdgeNodeRecord? record)
    {
        (_record, _session) = (record, null);
        _epoch++;
    }

    public async Task<Decoded> DecodeAsync(
        string source, IReadOnlyList<BrokerMessage> messages, Func<ulong, bool> again, bool reuseRows)
    {
        if (binder.IsOutdated(out var rebound))
        {
            Rebound(rebound);
            // From the births again, as after a restart; and a rebirth, which says what does not change.
            Rewind(_record);
            RebirthWanted("the plant model has changed");
        }

        var epoch = _epoch;
        var decoder = await SessionAsync();
        decoder.Begin(reuseRows);
        var letters = new List<DeadLetter>();
        for (var i = 0; i < messages.Count; i++)
        {
            // The state says what it holds: also when whoever committed it is gone, or a later delivery was committed before this one.
            var number = messages[i].Number;
            await TakeAsync(decoder, letters, messages, i, again(number) || decoder.State.Holds(source, number));
        }

        if (epoch != _epoch) throw new OperationCanceledException("it took too long, and its delivery was given up");
        decoder.State.Took(source, messages[^1].Number);
        var state = decoder.State.ToJson(decoder.Session);
        var births = decoder.Births.ToList();
        var unit = new TelemetryUnit
        {
            Owner = edgeNode, Rows = decoder.Rows, RemovedRows = [.. decoder.Removed], Births = births,
            EdgeNode = OfUnreadable ? null : (edgeNode, state), DeadLetters = letters, Audit = [.. decoder.Audit],
            Answers = [.. decoder.Answers],
        };
        if (!OfUnreadable) _record = new EdgeNodeRecord(state, _record is null ? births : Newest(_record.Births, births));
        var ingestUs = messages[^1].IngestUs;
        var records = decoder.State.Committed.Queue is null ? null : decoder.State.Committed.Clone();
        return new Decoded(unit, MachinesOf(decoder, ingestUs), OfUnreadable ? null : _record, records, decoder.NewestMs, ingestUs);
    }

    private static List<(string, MachineBatch)> MachinesOf(EdgeNodeDecoder decoder, long ingestUs)
    {
        var machines = new List<(string, MachineBatch)>();
        foreach (var machine in decoder.Machines.Values)
        {
            if (!machine.Touched || !machine.InPlant) continue;
            var batch = new MachineBatch
            {
                Samples = [.. machine.Samples], Watched = [.. machine.Watched],
                LastSeenUs = machine.LastSeenUs, IngestUs = ingestUs, Connected = machine.Connected,
            };
            machines.Add((machine.Id, batch));
        }

        return machines;
    }

    /// <summary>As many births of each device as the store keeps; a birth that came again counts once.</summary>
    private static IReadOnlyList<BirthRecord> Newest(IReadOnlyList<BirthRecord> known, List<BirthRecord> taken)
    {
        if (taken.Count == 0) return known;
        var births = known;
        foreach (var birth in taken)
        {
            // A clock that went back: what is dated later is of no use any more, and would shadow this one.
            var before = births;
            births = [.. before.Where(b => !birth.Overtakes(b, before)), birth];
        }

        var once = births.GroupBy(b => (b.Device, b.BirthMs)).Select(g => g.Last());
        var kept = once.GroupBy(b => b.Device).SelectMany(g => g.OrderByDescending(b => b.BirthMs).Take(BirthRecord.KeptPerDevice));
        return [.. kept.OrderBy(b => b.BirthMs).ThenBy(b => b.Device.Length)];
    }

    private async ValueTask TakeAsync(
        EdgeNodeDecoder decoder, List<DeadLetter> letters, IReadOnlyList<BrokerMessage> messages, int index, bool again)
    {
        var message = messages[index];
        if (message.Refusal is { } refusal)
        {
            Unreadable(letters, "refused", message, refusal);
            return;
        }

        if (!_topics.TryParse(message.Topic, out var topic, out var reason))
        {
            Unreadable(letters, "topic", message, reason);
            return;
        }

        try
        {
            var outcome = decoder.Accept(topic, message, message.Redelivered || again);
            Noted(outcome);
            if (outcome.Deaths.Count > 0) await EmitDeathsAsync(decoder, topic, outcome, messages, index);

            if (outcome.Refusal is { } why) Unreadable(letters, "session", message, why);
            if (outcome.Table is null || outcome.Ignored is not null || outcome.Refusal is not null) return;
            await EmitAsync(decoder, outcome, message, topic.Type is SparkplugMessageType.NBirth or SparkplugMessageType.DBirth);
            if (decoder.Refusal is { } refused) Unreadable(letters, "metric", message, refused);
        }
        catch (SparkplugFormatException error)
        {
            Unreadable(letters, "payload", message, error.Message);
        }
        catch (UnknownAliasException error)
        {
            Unreadable(letters, "alias", message, error.Message);
            RebirthWanted(error.Message);
        }
    }

    private async Task EmitDeathsAsync(
        EdgeNodeDecoder decoder, SparkplugTopic topic, SessionOutcome outcome, IReadOnlyList<BrokerMessage> messages, int index)
    {
        var bornAgainUs = topic.Type == SparkplugMessageType.NDeath ? NextBirthUs(messages, index) : long.MaxValue;
        if (topic.Type == SparkplugMessageType.DDeath && decoder.Machines.TryGetValue(topic.Device ?? "", out var machine)
            && machine.LastSeenUs == 0)
        {
            // What it said to a former life of ours was said before it died.
            machine.LastSeenUs = await store.LastSeenAsync(machine.Id, CancellationToken.None) ?? 0;
        }

        decoder.EmitDeaths(topic, outcome, messages[index], bornAgainUs);
        foreach (var death in outcome.Deaths.Where(d => d.Device is not null)) Log.Died(log, edgeNode, death.Device!);
    }

    private async Task EmitAsync(EdgeNodeDecoder decoder, SessionOutcome outcome, BrokerMessage message, bool birth)
    {
        if (decoder.TryEmit(outcome, message, birth)) return;
        await binder.BindAsync(decoder, decoder.Unbound);
        decoder.TryEmit(outcome, message, birth);
    }

    /// <summary>When the node was born again, as far as this delivery knows.</summary>
    private long NextBirthUs(IReadOnlyList<BrokerMessage> messages, int index)
    {
        for (var i = index + 1; i < messages.Count; i++)
        {
            if (!_topics.TryParse(messages[i].Topic, out var topic, out _) || topic.Type != SparkplugMessageType.NBirth) continue;
            if (EdgeNodeDecoder.SentUs(messages[i].Payload.Span) is { } us) return us;
        }

        return long.MaxValue;
    }

    /// <summary>Takes up where the last life of this session ended: births are replayed, so aliases are known at once.</summary>
    private async Task<EdgeNodeDecoder> LoadAsync(EdgeNodeRecord? known, int epoch)
    {
        var decoder = new EdgeNodeDecoder(edgeNode);
        if (OfUnreadable) return decoder;
        var record = known ?? await store.LoadEdgeNodeAsync(edgeNode, CancellationToken.None);
        if (epoch == _epoch) _record = record;
        if (record is null) return decoder;
        foreach (var birth in record.Births) await RestoreAsync(decoder, birth);
        decoder.State = NodeState.Parse(record.State);
        // A release that did not know of it has stored this state, and the birth that tells it.
        if (decoder.State.Sources is null && record.Births.LastOrDefault(b => b.Device.Length == 0) is { } born)
        {
            decoder.State.Sources = EdgeNodeDecoder.SourcesIn(born.Payload);
        }

        decoder.Session.Restore(decoder.State.Online, decoder.State.LastSeq, decoder.State.LastMs, decoder.State.Dead.Keys.ToHashSet());
        Log.Restored(log, edgeNode, record.Births.Count, decoder.State.LastSeq);
        return decoder;
    }

    private async Task RestoreAsync(EdgeNodeDecoder decoder, BirthRecord birth)
    {
        if (!SparkplugTopic.TryParse(birth.Topic, out var topic, out _)) return;
        try
        {
            var outcome = decoder.Accept(topic, new BrokerMessage(birth.Topic, birth.Payload, UnixMicros.Now(clock)), again: false);
            if (outcome.Table is not { } table) return;
            await binder.BindAsync(decoder, [.. table.Metrics.Where(m => m is { IsControl: false, Binding: null })]);
        }
        catch (Exception error) when (error is not StoreUnavailableException)
        {
            // A boundary: one birth that we cannot take up must not keep the node from being heard.
            Log.BirthNotRestored(log, edgeNode, DeadLetter.Clip(birth.Topic, DeadLetter.MaxTopic), error);
            RebirthWanted("a stored birth cannot be taken up");
        }
    }

    private void Unreadable(List<DeadLetter> letters, string kind, BrokerMessage message, string reason)
    {
        GrainMetrics.DecodeErrors.WithLabels(kind).Inc();
        var letter = DeadLetter.Of(message.IngestUs, message.Topic, message.Payload, reason);
        letters.Add(letter);
        if (throttle.ShouldLog(letter.Topic)) Log.Unreadable(log, letter.Topic, letter.Size, letter.Reason);
    }
}
