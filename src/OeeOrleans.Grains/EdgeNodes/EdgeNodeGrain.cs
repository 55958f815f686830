using Microsoft.Extensions.Logging;
using OeeOrleans.CommitProtocol;
using OeeOrleans.Grains.Machines;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Session;
using OeeOrleans.Sparkplug.Topics;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Sink;
using Orleans.Placement;
using Orleans.Streams;
using Orleans.Streams.Core;

namespace OeeOrleans.Grains.EdgeNodes;

/// <summary>
/// The host application's side of one edge node. What becomes of a delivery is said in <see cref="Deliveries"/>; this ties it to the stream
/// before it and the machines behind it, asks for rebirths, and tells our own edge nodes how far they are committed.
/// </summary>
[PreferLocalPlacement]
[ImplicitStreamSubscription(MessageBatch.StreamNamespace)]
internal sealed class EdgeNodeGrain : Grain, IEdgeNodeGrain, IStreamSubscriptionObserver, IAsyncObserver<MessageBatch>, IDeliveryEnds
{
    /// <summary>No topic is called so.</summary>
    private const string AheadOfStore = "#ahead";

    private static readonly TimeSpan Soon = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan RereadLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SendLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SourcesAgain = TimeSpan.FromSeconds(4);

    private readonly TimeProvider _clock;
    private readonly ILogger<EdgeNodeGrain> _log;
    private readonly ICommandPublisher _commands;
    private readonly RebirthRequests _rebirths;
    private readonly CommitMarks _marks;
    private readonly BatchDecoder _decoder;
    private readonly Deliveries _deliveries;
    private readonly Dictionary<string, IMachineGrain> _machines = new(StringComparer.Ordinal);
    private readonly HashSet<string> _reread = new(StringComparer.Ordinal);
    private IGrainTimer? _due;

    /// <summary>Records of one of our own edge nodes that are committed; empty for all others.</summary>
    private CommittedRecords _records = new();
    private bool _taking;
    private long _missed;
    private long? _lastMessageUs;
    private double? _skewS;

    /// <summary>The sources that were handed over last.</summary>
    private (long Number, string Digest, long At)? _sources;

    public EdgeNodeGrain(
        IStore store, ICommitSink sink, PlantDirectory plant, ICommandPublisher commands, RebirthLimiter limiter,
        UnreadableLogThrottle throttle,
        TimeProvider clock, ILogger<EdgeNodeGrain> log)
    {
        (_clock, _log, _commands) = (clock, log, commands);
        _rebirths = new RebirthRequests(commands, limiter, clock, log);
        _marks = new CommitMarks(commands, clock, log);
        _decoder = new BatchDecoder(Id, store, new SignalBinder(store, plant, Id), throttle, clock, log)
        {
            Noted = Note, RebirthWanted = _rebirths.Want, Rebound = _reread.UnionWith,
        };
        _deliveries = new Deliveries(Id, sink, this, clock, log) { MaySay = () => throttle.ShouldLog(AheadOfStore) };
    }

    private string Id => this.GetPrimaryKeyString();

    private bool OfUnreadable => Id == MessageBatch.UnreadableKey;

    public async Task OnSubscribed(IStreamSubscriptionHandleFactory handleFactory) =>
        await handleFactory.Create<MessageBatch>().ResumeAsync(this);

    public async Task<EdgeNodeStatus> GetStatus()
    {
        // Also right after a restart or a failed delivery: what the store knows of it is at hand.
        var decoder = await _decoder.SessionAsync();
        return new EdgeNodeStatus
        {
            EdgeNode = Id,
            Online = decoder.Session.Online,
            LastMessageUs = _lastMessageUs ?? (decoder.State.LastMs > 0 ? (long)decoder.State.LastMs * UnixMicros.PerMillisecond : null),
            ClockSkewS = _skewS,
            MissedMessages = _missed,
            RebirthsRequested = _rebirths.Count,
            Devices = [.. decoder.Session.Current?.Devices.Select(d => d.Device!) ?? []],
            Sources = decoder.State.Sources is { } told
                ? new ToldSourcesStatus
                {
                    Number = told.Number, Digest = told.Digest, Host = told.Host, Refused = told.Refused, Problem = told.Problem,
                }
                : null,
        };
    }

    public async Task<string?> TellSources(long number, string digest, string signed)
    {
        var decoder = await _decoder.SessionAsync();
        if (!decoder.Session.Online) return $"the edge node {Id} is not there";
        if (decoder.State.Sources is null) return $"the edge node {Id} takes no sources of the plant, or is none of ours";
        // Several processes tell it.
        var isSame = _sources is { } last && (last.Number, last.Digest) == (number, digest);
        if (isSame && _clock.GetElapsedTime(_sources!.Value.At) < SourcesAgain) return null;
        _sources = (number, digest, _clock.GetTimestamp());
        var (group, node) = Names();
        var (topic, payload) = SignedSources.Message(group, node, signed, NowMs());
        return await SendAsync(topic, payload);
    }

    public async Task<string?> SendCommand(string device, string signed)
    {
        var decoder = await _decoder.SessionAsync();
        if (!decoder.Session.Online) return $"the edge node {Id} is not there";
        if (decoder.Session.Current?.Find(device) is not { Online: true } table) return $"the device {Id}/{device} is not there";
        if (table.Find(SignedCommand.MetricName) is null)
        {
            return $"the device {Id}/{device} takes no signed commands: its edge node is none of ours, or has no writable tag for it";
        }

        var (group, node) = Names();
        var (topic, payload) = SignedCommand.Message(group, node, device, signed, NowMs());
        return await SendAsync(topic, payload);
    }

    private (string Group, string Node) Names()
    {
        var slash = Id.IndexOf('/', StringComparison.Ordinal);
        return (Id[..slash], Id[(slash + 1)..]);
    }

    private ulong NowMs() => (ulong)(UnixMicros.Now(_clock) / UnixMicros.PerMillisecond);

    /// <summary>Null, or why it is not sent.</summary>
    private async Task<string?> SendAsync(SparkplugTopic topic, ReadOnlyMemory<byte> payload)
    {
        using var limit = new CancellationTokenSource(SendLimit, _clock);
        try
        {
            await _commands.PublishAsync(topic, payload, limit.Token);
            return null;
        }
        catch (Exception error)
        {
            // A boundary: it is not repeated, whatever it was. Whether the broker has it is told by the answer, or nobody.
            Log.CommandNotSent(_log, Id, error.Message, error);
            return $"it could not be handed to the broker: {error.Message}";
        }
    }

    public Task OnCompletedAsync() => Task.CompletedTask;

    public Task OnErrorAsync(Exception ex) => Task.CompletedTask;

    public async Task OnNextAsync(MessageBatch item, StreamSequenceToken? token = null)
    {
        _taking = true;
        try
        {
            await _deliveries.TakeAsync(item, Done);
            if (_reread.Count > 0) await RereadAsync();
        }
        finally
        {
            _taking = false;
        }

        await TellDueAsync();
    }

    Task<Decoded> IDeliveryEnds.DecodeAsync(
        string source, IReadOnlyList<BrokerMessage> messages, Func<ulong, bool> again, bool reuseRows) =>
        _decoder.DecodeAsync(source, messages, again, reuseRows);

    void IDeliveryEnds.Rewind(EdgeNodeRecord? record) => _decoder.Rewind(record);

    Task IDeliveryEnds.ApplyAsync(OpenDelivery delivery, bool ahead)
    {
        var machines = delivery.Decoded.Machines;
        if (machines.Count == 1) return ApplyAsync(delivery, machines[0], ahead);
        return machines.Count == 0 ? Task.CompletedTask : Task.WhenAll(machines.Select(m => ApplyAsync(delivery, m, ahead)));
    }

    Task IDeliveryEnds.TakeBackAsync(OpenDelivery delivery) =>
        Task.WhenAll(delivery.Decoded.Machines.Select(m => MachineOf(m.Machine).TakeBack(delivery.Id)));

    private Task ApplyAsync(OpenDelivery delivery, (string Machine, MachineBatch Batch) machine, bool ahead) =>
        MachineOf(machine.Machine).Apply(
            ahead ? machine.Batch.AsAhead(delivery.Id) : machine.Batch.AsCommitted(delivery.Id, delivery.Ticket.LacksRows));

    /// <summary>Making a reference costs a look into the attributes of its interface: once a machine, not once a message.</summary>
    private IMachineGrain MachineOf(string id)
    {
        if (_machines.TryGetValue(id, out var machine)) return machine;
        if (_machines.Count >= SparkplugLimits.MaxDevicesPerNode) _machines.Clear();
        return _machines[id] = GrainFactory.GetGrain<IMachineGrain>(id);
    }

    /// <summary>
    /// Between the change of the plant and this node's hearing of it, values were stored that the machine was not told of. Everything that
    /// came before this delivery is committed: it finds them in the store.
    /// </summary>
    private async Task RereadAsync()
    {
        string[] machines = [.. _reread];
        _reread.Clear();
        try
        {
            await Task.WhenAll(machines.Select(m => MachineOf(m).Reread())).WaitAsync(RereadLimit, _clock);
        }
        catch (Exception error)
        {
            // The delivery is done; it is said again with the next one.
            _reread.UnionWith(machines);
            Log.NotReread(_log, Id, error.Message, error);
        }
    }

    private void Done(Decoded decoded)
    {
        GrainMetrics.MetricsStored.Inc(decoded.Unit.Rows.Length);
        if (decoded.Records is { } records) _records = records;
        _lastMessageUs = decoded.IngestUs;
        ObserveLag(decoded.NewestMs, decoded.IngestUs);
    }

    /// <summary>
    /// Marks and rebirth requests that are due; those that are not yet are looked at again soon, also when no message comes.
    /// </summary>
    private async Task TellDueAsync()
    {
        if (OfUnreadable) return;
        await _marks.TellDueAsync(Id, _records);
        await _rebirths.SendDueAsync(Id);
        if (!_rebirths.IsOwed && !_marks.IsOwed(_records)) return;
        var once = new GrainTimerCreationOptions { DueTime = Timeout.InfiniteTimeSpan, Period = Timeout.InfiniteTimeSpan };
        _due ??= this.RegisterGrainTimer(_ => _taking ? Task.CompletedTask : TellDueAsync(), once);
        _due.Change(Soon, Timeout.InfiniteTimeSpan);
    }

    private void Note(SessionOutcome outcome)
    {
        if (outcome.Redelivered) GrainMetrics.Redelivered.Inc();
        if (outcome.Filled) _rebirths.Filled();
        if (outcome.MissedMessages > 0)
        {
            _missed += outcome.MissedMessages;
            GrainMetrics.SequenceGaps.WithLabels(GrainMetrics.Label(Id)).Inc(outcome.MissedMessages);
            Log.MessagesMissed(_log, Id, outcome.MissedMessages, outcome.RebirthReason ?? "");
        }

        if (outcome is { RebirthReason: { } gap, MissedMessages: > 0, Refusal: null }) _rebirths.WantUnlessFilled(gap);
        else if (outcome.RebirthReason is { } reason) _rebirths.Want(reason);
        if (outcome is not { BirthToKeep: true, Table.Device: null }) return;
        _rebirths.Born();
        _marks.Born();
    }

    private void ObserveLag(ulong newestMs, long ingestUs)
    {
        if (newestMs == 0) return;
        var sentUs = (long)newestMs * UnixMicros.PerMillisecond;
        GrainMetrics.IngestLagMs.Observe((UnixMicros.Now(_clock) - sentUs) / 1000.0);
        // A message takes time, so each one says "at least this much ahead"; the estimate forgets slowly, to follow a drifting clock.
        var ahead = UnixMicros.ToSeconds(sentUs - ingestUs);
        _skewS = _skewS is { } skew ? Math.Max(ahead, skew - 0.0005) : ahead;
        GrainMetrics.ClockSkew.WithLabels(GrainMetrics.Label(Id)).Set(_skewS.Value);
    }
}
