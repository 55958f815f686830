using Microsoft.Extensions.Logging;
using OeeOrleans.Grains.Machines;
using OeeOrleans.Grains.Plant;
using OeeOrleans.Model;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.Sparkplug.Session;
using OeeOrleans.Sparkplug.Topics;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Sink;
using Orleans.Streams;
using Orleans.Streams.Core;

namespace OeeOrleans.Grains.EdgeNodes;

/// <summary>
/// The host application's side of one edge node: decode, resolve, store, apply, and only then return; the stream acknowledges to the
/// broker what returned. A delivery that throws is offered again, and everything here is idempotent.
/// </summary>
[ImplicitStreamSubscription(MessageBatch.StreamNamespace)]
public sealed class EdgeNodeGrain : Grain, IEdgeNodeGrain, IStreamSubscriptionObserver, IAsyncObserver<MessageBatch>
{
    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(250);

    /// <summary>How long machines wait for the store before they are shown what it does not hold yet.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly IStore _store;
    private readonly ISampleSink _sink;
    private readonly TimeProvider _clock;
    private readonly ILogger<EdgeNodeGrain> _log;
    private readonly DeadLetterLog _letters;
    private readonly RebirthRequests _rebirths;
    private readonly CommitMarks _marks;
    private readonly SignalBinder _binder;
    private IGrainTimer? _due;
    private readonly List<DeadLetter> _unreadable = [];
    private EdgeNodeDecoder? _decoder;

    /// <summary>The session as the store has it.</summary>
    private EdgeNodeRecord? _stored;
    private bool _lastDeliveryDone = true;
    private long _missed;
    private long? _lastMessageUs;
    private double? _skewS;

    public EdgeNodeGrain(IStore store, ISampleSink sink, PlantDirectory plant, ICommandPublisher commands, RebirthLimiter limiter, DeadLetterLog letters, TimeProvider clock, ILogger<EdgeNodeGrain> log)
    {
        (_store, _sink, _clock, _letters, _log) = (store, sink, clock, letters, log);
        _binder = new SignalBinder(store, plant, this.GetPrimaryKeyString());
        _rebirths = new RebirthRequests(commands, limiter, clock, log);
        _marks = new CommitMarks(commands, clock, log);
    }

    private string Id => this.GetPrimaryKeyString();

    public async Task OnSubscribed(IStreamSubscriptionHandleFactory handleFactory) => await handleFactory.Create<MessageBatch>().ResumeAsync(this);

    public Task<EdgeNodeStatus> GetStatus() => Task.FromResult(new EdgeNodeStatus
    {
        EdgeNode = Id,
        Online = _decoder?.Session.Online ?? false,
        LastMessageUs = _lastMessageUs,
        ClockSkewS = _skewS,
        MissedMessages = _missed,
        RebirthsRequested = _rebirths.Count,
        Devices = [.. _decoder?.Session.Current?.Devices.Select(d => d.Device!) ?? []],
    });

    public Task OnCompletedAsync() => Task.CompletedTask;

    public Task OnErrorAsync(Exception ex) => Task.CompletedTask;

    public async Task OnNextAsync(MessageBatch item, StreamSequenceToken? token = null)
    {
        var decoder = _decoder ??= await LoadAsync();
        decoder.Begin(reuseRows: _lastDeliveryDone);
        _lastDeliveryDone = false;
        _unreadable.Clear();
        try
        {
            for (var i = 0; i < item.Messages.Count; i++) await TakeAsync(decoder, item.Messages, i);
            await CommitAsync(decoder, item.Messages[^1].IngestUs);
            GrainMetrics.MetricsStored.Inc(decoder.Rows.Length);
            await ApplyAsync(decoder, item.Messages[^1].IngestUs, ahead: false);
        }
        catch
        {
            // What the session learned is not durable: the same messages come again and must meet the session as it was.
            _decoder = null;
            throw;
        }

        _lastDeliveryDone = true;
        _lastMessageUs = item.Messages[^1].IngestUs;
        ObserveLag(decoder.NewestMs, item.Messages[^1].IngestUs);
        await TellDueAsync();
    }

    /// <summary>Stores what was decoded. While the store is away machines are shown what it will hold: the same messages come again, and applying them twice has no effect.</summary>
    private async Task CommitAsync(EdgeNodeDecoder decoder, long ingestUs)
    {
        var state = decoder.State.ToJson(decoder.Session);
        var births = decoder.Births.ToList();
        var commit = _sink.WriteAsync(
            new CommitUnit { Owner = Id, Rows = decoder.Rows, RemovedRows = [.. decoder.Removed], Births = births, EdgeNode = Id == MessageBatch.UnreadableKey ? null : (Id, state), DeadLetters = [.. _unreadable] },
            CancellationToken.None);
        try
        {
            await commit.WaitAsync(Patience, _clock);
        }
        catch (TimeoutException)
        {
            await ApplyAheadAsync(decoder, ingestUs, "it is slow");
        }
        catch (StoreUnavailableException error)
        {
            await ApplyAheadAsync(decoder, ingestUs, error.Message);
            throw;
        }

        await commit;
        if (Id != MessageBatch.UnreadableKey) _stored = new EdgeNodeRecord(state, _stored is null ? births : Newest([.. _stored.Births, .. births]));
    }

    private async Task ApplyAheadAsync(EdgeNodeDecoder decoder, long ingestUs, string reason)
    {
        try
        {
            await ApplyAsync(decoder, ingestUs, ahead: true);
            Log.AheadOfStore(_log, Id, reason);
        }
        catch (Exception error)
        {
            // A machine that must first be read from the store cannot be live without it.
            Log.NotAhead(_log, Id, error.Message);
        }
    }

    /// <summary>As many births of each device as the store keeps; a birth that came again counts once.</summary>
    private static List<BirthRecord> Newest(List<BirthRecord> births) =>
    [
        .. births.GroupBy(b => (b.Device, b.BirthMs)).Select(g => g.Last()).GroupBy(b => b.Device)
            .SelectMany(g => g.OrderByDescending(b => b.BirthMs).Take(BirthRecord.KeptPerDevice)).OrderBy(b => b.BirthMs).ThenBy(b => b.Device.Length),
    ];

    /// <summary>Marks and rebirth requests that are due; those that are not yet are looked at again soon, also when no message comes.</summary>
    private async Task TellDueAsync()
    {
        if (_decoder is not { } decoder || Id == MessageBatch.UnreadableKey) return;
        await _marks.TellDueAsync(Id, decoder.State.Committed);
        await _rebirths.SendDueAsync(Id);
        if (!_rebirths.IsOwed && !_marks.IsOwed(decoder.State.Committed)) return;
        _due ??= this.RegisterGrainTimer(_ => _lastDeliveryDone ? TellDueAsync() : Task.CompletedTask, new GrainTimerCreationOptions { DueTime = Timeout.InfiniteTimeSpan, Period = Timeout.InfiniteTimeSpan });
        _due.Change(Soon, Timeout.InfiniteTimeSpan);
    }

    private async Task TakeAsync(EdgeNodeDecoder decoder, IReadOnlyList<BrokerMessage> messages, int index)
    {
        var message = messages[index];
        if (!SparkplugTopic.TryParse(message.Topic, out var topic, out var reason))
        {
            Unreadable("topic", message, reason);
            return;
        }

        try
        {
            var outcome = decoder.Accept(topic, message);
            Note(outcome);
            foreach (var death in outcome.Deaths)
            {
                decoder.EmitDeath(death, message.IngestUs, topic.Type == SparkplugMessageType.NDeath ? NextBirthUs(messages, index) : long.MaxValue);
                if (death.Device is not null) Log.Died(_log, Id, death.Device);
            }

            if (outcome.Table is null || outcome.Ignored is not null) return;
            var birth = topic.Type is SparkplugMessageType.NBirth or SparkplugMessageType.DBirth;
            if (decoder.TryEmit(outcome, message, birth)) return;
            await _binder.BindAsync(decoder, decoder.Unbound);
            decoder.TryEmit(outcome, message, birth);
        }
        catch (SparkplugFormatException error)
        {
            Unreadable("payload", message, error.Message);
        }
        catch (UnknownAliasException error)
        {
            Unreadable("alias", message, error.Message);
            _rebirths.Want(error.Message);
        }
    }

    /// <summary>When the node was born again, as far as this delivery knows.</summary>
    private static long NextBirthUs(IReadOnlyList<BrokerMessage> messages, int index)
    {
        for (var i = index + 1; i < messages.Count; i++)
        {
            if (!SparkplugTopic.TryParse(messages[i].Topic, out var topic, out _) || topic.Type != SparkplugMessageType.NBirth) continue;
            try
            {
                return (long)(new SparkplugPayloadReader(messages[i].Payload).Timestamp ?? long.MaxValue / 1000) * UnixMicros.PerMillisecond;
            }
            catch (SparkplugFormatException)
            {
                // It is told of when its turn comes.
                continue;
            }
        }

        return long.MaxValue;
    }

    private void Note(in SessionOutcome outcome)
    {
        if (outcome.Redelivered) GrainMetrics.Redelivered.Inc();
        if (outcome.Filled) _rebirths.Filled();
        if (outcome.MissedMessages > 0)
        {
            _missed += outcome.MissedMessages;
            GrainMetrics.SequenceGaps.WithLabels(Id).Inc(outcome.MissedMessages);
            Log.MessagesMissed(_log, Id, outcome.MissedMessages, outcome.RebirthReason ?? "");
        }

        if (outcome is { RebirthReason: { } gap, MissedMessages: > 0 }) _rebirths.WantUnlessFilled(gap);
        else if (outcome.RebirthReason is { } reason) _rebirths.Want(reason);
        if (outcome is not { BirthToKeep: true, Table.Device: null }) return;
        _rebirths.Born();
        _marks.Born();
    }

    private async Task ApplyAsync(EdgeNodeDecoder decoder, long ingestUs, bool ahead)
    {
        var applied = new List<Task>();
        foreach (var machine in decoder.Machines.Values)
        {
            if (!machine.Touched || !machine.InPlant) continue;
            applied.Add(GrainFactory.GetGrain<IMachineGrain>(machine.Id).Apply(new MachineBatch
            {
                Samples = [.. machine.Samples],
                LastSeenUs = machine.LastSeenUs,
                IngestUs = ingestUs,
                Connected = machine.Connected,
                Ahead = ahead,
            }));
        }

        await Task.WhenAll(applied);
    }

    /// <summary>Takes up where the last life of this grain ended: births are replayed, so aliases are known at once.</summary>
    private async Task<EdgeNodeDecoder> LoadAsync()
    {
        var decoder = new EdgeNodeDecoder(Id);
        // After a failed delivery what was committed last is at hand, also while the store is away.
        _stored ??= await _store.LoadEdgeNodeAsync(Id, CancellationToken.None);
        if (_stored is not { } record) return decoder;
        foreach (var birth in record.Births)
        {
            if (!SparkplugTopic.TryParse(birth.Topic, out var topic, out _)) continue;
            var outcome = decoder.Accept(topic, new BrokerMessage(birth.Topic, birth.Payload, 0));
            if (outcome.Table is { } table) await _binder.BindAsync(decoder, [.. table.Metrics.Where(m => m is { IsControl: false, Binding: null })]);
        }

        decoder.State = NodeState.Parse(record.State);
        decoder.Session.Restore(decoder.State.Online, decoder.State.LastSeq, decoder.State.LastMs, decoder.State.Dead.Keys.ToHashSet());
        Log.Restored(_log, Id, record.Births.Count, decoder.State.LastSeq);
        return decoder;
    }

    private void Unreadable(string kind, BrokerMessage message, string reason)
    {
        GrainMetrics.DecodeErrors.WithLabels(kind).Inc();
        _unreadable.Add(new DeadLetter(message.IngestUs, Clip(message.Topic), message.Payload, reason));
        if (_letters.ShouldLog(message.Topic)) Log.Unreadable(_log, Clip(message.Topic), message.Payload.Length, reason);
    }

    private void ObserveLag(ulong newestMs, long ingestUs)
    {
        if (newestMs == 0) return;
        var sentUs = (long)newestMs * UnixMicros.PerMillisecond;
        GrainMetrics.IngestLagMs.Observe((UnixMicros.Now(_clock) - sentUs) / 1000.0);
        // A message takes time, so each one says "at least this much ahead"; the estimate forgets slowly, to follow a drifting clock.
        var ahead = UnixMicros.ToSeconds(sentUs - ingestUs);
        _skewS = _skewS is { } skew ? Math.Max(ahead, skew - 0.0005) : ahead;
        GrainMetrics.ClockSkew.WithLabels(Id).Set(_skewS.Value);
    }

    private static string Clip(string topic) => topic.Replace('\0', '\uFFFD') is var clean && clean.Length > 500 ? clean[..500] : clean;
}
