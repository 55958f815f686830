using System.Reflection;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.Grains.EdgeNodes;
using OeeOrleans.Grains.Machines;
using OeeOrleans.Ingress;
using OeeOrleans.Ingress.Connection;
using OeeOrleans.Ingress.Streams;
using OeeOrleans.Model;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Sink;

namespace OeeOrleans.Grains.Tests.Fate;

/// <summary>What the store does with the next commit it is asked for.</summary>
public enum StoreDoes
{
    Commits,
    IsAway,
    /// <summary>Commits, and the answer is lost.</summary>
    CommitsAndIsAway,
}

/// <summary>What a message is.</summary>
public enum Kind
{
    Fine,
    /// <summary>The store refuses its unit.</summary>
    Refused,
    /// <summary>Decoding it is a bug.</summary>
    DecodeBug,
    /// <summary>Committing it is a bug.</summary>
    CommitBug,
    /// <summary>Its machine cannot apply it.</summary>
    ApplyBug,
}

/// <summary>
/// A broker, a queue, an edge node's deliveries, the real sink and a store with a script, without Orleans between them: everything that
/// decides what becomes of a message, in one thread of control.
/// </summary>
internal sealed class FateModel : IDeliveryEnds, IAsyncDisposable
{
    private const string Stream = "g/n";

    private readonly MqttOptions _options = new() { RetryPause = TimeSpan.FromTicks(1), MaxRetryPause = TimeSpan.FromTicks(1) };
    private readonly Partition _partition;
    private readonly Queue<StoreDoes> _script;
    private readonly Queue<bool> _applyFails;
    private readonly Queue<bool> _decodeFails;
    private readonly IReadOnlyList<Kind> _kinds;
    private readonly GroupCommitSink _sink;
    private readonly Dictionary<string, Deliveries> _lives = [];
    private readonly Lock _lock = new();

    /// <summary>Sessions as the store has them.</summary>
    private readonly Dictionary<string, string> _sessions = [];

    public FateModel(
        IReadOnlyList<Kind> kinds, IEnumerable<StoreDoes> script, IEnumerable<bool> applyFails, IEnumerable<bool>? decodeFails = null)
    {
        (_kinds, _script, _applyFails) = (kinds, new Queue<StoreDoes>(script), new Queue<bool>(applyFails));
        _decodeFails = new Queue<bool>(decodeFails ?? []);
        _partition = new Partition("f", _options, TimeProvider.System, NullLogger.Instance);
        var store = FateStore.Create(Commit);
        var options = new SinkOptions { FlushMs = 0, RetryPause = TimeSpan.FromTicks(1), MaxRetryPause = TimeSpan.FromMilliseconds(1) };
        _sink = new GroupCommitSink(store, options, TimeProvider.System, NullLogger<GroupCommitSink>.Instance);
        Sink = new WitnessSink(_sink);
        Restart();
    }

    public WitnessSink Sink { get; }

    /// <summary>How often each message was committed.</summary>
    public Dictionary<int, int> Stored { get; } = [];

    public HashSet<int> Applied { get; } = [];

    /// <summary>How often each message became a dead letter.</summary>
    public Dictionary<int, int> DeadLetters { get; } = [];

    public HashSet<int> Acknowledged { get; } = [];

    /// <summary>
    /// What should never have been seen; told here, because whoever is told it there would take it for an error of the store.
    /// </summary>
    public List<string> Violations { get; } = [];

    /// <summary>The messages that the edge node's session has seen, as the store has it.</summary>
    public IEnumerable<int> Session => SessionOf(Stream).Dead.Keys.Select(k => int.Parse(k, null));

    /// <summary>Shown ahead of the store and neither committed nor taken back, by delivery.</summary>
    public HashSet<string> ShownAhead { get; } = [];

    public int PendingRows => _sink.PendingRows;

    public int InMemory => _partition.Account.Messages;

    public bool IsDone => Acknowledged.Count == _kinds.Count;

    public void Arrive(int id, bool redelivered)
    {
        var message = new InFlightMessage(
            new BrokerMessage("t", BitConverter.GetBytes(id), 0) { Redelivered = redelivered }, Stream);
        _partition.Receive(message);
        _partition.Arrived.TryDequeue(out _);
        _partition.FifoOf(Partition.StreamOf(Stream)).Add(message);
    }

    /// <summary>The silo dies: whatever was not acknowledged comes again from the broker, to a grain that knows nothing.</summary>
    public void Restart(int arrived = 0)
    {
        _partition.Clear();
        _lives.Clear();
        Reactivate();
        for (var id = 0; id < arrived; id++)
        {
            if (!Acknowledged.Contains(id)) Arrive(id, redelivered: true);
        }
    }

    /// <summary>
    /// The grains die and the queue lives: it offers the same to grains that know what the store does. What machines were shown by the
    /// former life ends with it (see AheadBookTests).
    /// </summary>
    public void Reactivate()
    {
        ShownAhead.Clear();
        foreach (var key in new[] { Stream, MessageBatch.UnreadableKey })
        {
            _lives[key] = new Deliveries(key, Sink, new Ends(this, key), TimeProvider.System, NullLogger.Instance)
            {
                Patience = TimeSpan.FromMilliseconds(3), BusyPatience = TimeSpan.FromMilliseconds(3),
            };
        }
    }

    /// <summary>One delivery of each stream, as the pulling agent would.</summary>
    public async Task DeliverAsync()
    {
        foreach (var (key, deliveries) in _lives)
        {
            var fifo = _partition.FifoOf(Partition.StreamOf(key));
            if (fifo.Take() is not { } batch) continue;
            try
            {
                await deliveries.TakeAsync(
                    new MessageBatch([.. batch.Select(m => m.Message)]) { Source = _partition.Account.Source }, _ => { });
                fifo.Delivered(batch);
                foreach (var message in batch) Acknowledged.Add(IdOf(message.Message));
            }
            catch (Exception error)
            {
                fifo.Failed(batch, error);
            }
        }
    }

    public Task<Decoded> DecodeAsync(string source, IReadOnlyList<BrokerMessage> messages, Func<ulong, bool> again, bool reuseRows) =>
        throw new NotSupportedException("each stream has ends of its own");

    public void Rewind(EdgeNodeRecord? record) => throw new NotSupportedException("each stream has ends of its own");

    public Task ApplyAsync(OpenDelivery delivery, bool ahead)
    {
        var ids = IdsOf((TelemetryUnit)delivery.Ticket.Unit);
        if (ahead)
        {
            ShownAhead.Add(delivery.Id);
            return Task.CompletedTask;
        }

        if (delivery.Ticket.State != CommitState.Committed) Violations.Add($"applied as committed, and {delivery.Ticket.State}");
        if (ids.Any(id => _kinds[id] == Kind.ApplyBug)) throw new FormatException("a machine's bug");
        if (_applyFails.TryDequeue(out var fails) && fails) throw new StoreUnavailableException("a machine cannot be opened");
        foreach (var id in ids) Applied.Add(id);
        ShownAhead.Remove(delivery.Id);
        return Task.CompletedTask;
    }

    public Task TakeBackAsync(OpenDelivery delivery)
    {
        ShownAhead.Remove(delivery.Id);
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => _sink.DisposeAsync();

    private IReadOnlyList<RefusedUnit> Commit(IReadOnlyList<CommitUnit> units)
    {
        lock (_lock)
        {
            Violations.AddRange(Sink.NotCommitting(units));
            if (units.Any(u => IdsOf((TelemetryUnit)u).Any(id => _kinds[id] == Kind.CommitBug)))
            {
                throw new FormatException("a bug of the store's");
            }

            var does = _script.TryDequeue(out var next) ? next : StoreDoes.Commits;
            if (does == StoreDoes.IsAway) throw new StoreUnavailableException("away");
            var refused = units.Where(u => IdsOf((TelemetryUnit)u).Any(id => _kinds[id] == Kind.Refused)).ToList();
            foreach (var unit in units.Except(refused).Cast<TelemetryUnit>())
            {
                foreach (var id in IdsOf(unit)) Stored[id] = Stored.GetValueOrDefault(id) + 1;
                foreach (var id in unit.DeadLetters.Select(l => BitConverter.ToInt32(l.Payload)))
                {
                    DeadLetters[id] = DeadLetters.GetValueOrDefault(id) + 1;
                }

                if (unit.EdgeNode is { } session) _sessions[session.EdgeNode] = session.State;
            }

            return does == StoreDoes.CommitsAndIsAway
                ? throw new StoreUnavailableException("no answer")
                : [.. refused.Select(u => new RefusedUnit(u, "no"))];
        }
    }

    private static int IdOf(BrokerMessage message) => BitConverter.ToInt32(message.Payload.Span);

    private static List<int> IdsOf(TelemetryUnit unit) => [.. unit.Rows.ToArray().Select(r => r.SignalId)];

    private NodeState SessionOf(string key)
    {
        lock (_lock) return NodeState.Parse(_sessions.GetValueOrDefault(key, ""));
    }

    /// <summary>An edge node whose session is the set of messages it has seen; they are kept as its dead devices.</summary>
    private sealed class Ends(FateModel model, string key) : IDeliveryEnds
    {
        private NodeState _session = model.SessionOf(key);

        public Task<Decoded> DecodeAsync(string source, IReadOnlyList<BrokerMessage> messages, Func<ulong, bool> again, bool reuseRows)
        {
            var rows = new List<SampleRow>();
            var letters = new List<DeadLetter>();
            foreach (var message in messages)
            {
                var id = IdOf(message);
                if (message.Refusal is { } refusal) letters.Add(DeadLetter.Of(0, "t", message.Payload, refusal));
                else if (model._kinds[id] == Kind.DecodeBug) throw new FormatException("a decoder's bug");
                else rows.Add(new SampleRow(id, 0, 0, null, 0, 0));
                if (message.Refusal is not null) continue;
                var known = message.Redelivered || again(message.Number) || _session.Holds(source, message.Number);
                if (!_session.Dead.TryAdd($"{id}", 0) && !known) model.Violations.Add($"the session met {id} as new a second time");
            }

            // A new signal is asked of a store that is away, when the session has seen all of it.
            if (model._decodeFails.TryDequeue(out var fails) && fails) throw new StoreUnavailableException("no ids of signals");
            _session.Took(source, messages[^1].Number);
            var state = JsonSerializer.Serialize(_session);
            var unit = new TelemetryUnit { Owner = key, Rows = rows.ToArray(), DeadLetters = letters, EdgeNode = (key, state) };
            return Task.FromResult(new Decoded(unit, [], new EdgeNodeRecord(state, []), null, 0, 0));
        }

        public void Rewind(EdgeNodeRecord? record) => _session = record is null ? model.SessionOf(key) : NodeState.Parse(record.State);

        public Task ApplyAsync(OpenDelivery delivery, bool ahead) => model.ApplyAsync(delivery, ahead);

        public Task TakeBackAsync(OpenDelivery delivery) => model.TakeBackAsync(delivery);
    }
}

/// <summary>Remembers every ticket that was given.</summary>
internal sealed class WitnessSink(ICommitSink sink) : ICommitSink
{
    public string? Trouble => sink.Trouble;

    private readonly List<CommitTicket> _tickets = [];

    public IReadOnlyList<CommitTicket> Tickets
    {
        get
        {
            lock (_tickets) return [.. _tickets];
        }
    }

    public async Task<CommitTicket> WriteAsync(CommitUnit unit, CancellationToken cancellationToken)
    {
        var ticket = await sink.WriteAsync(unit, cancellationToken);
        lock (_tickets) _tickets.Add(ticket);
        return ticket;
    }

    /// <summary>
    /// Nothing is written whose owner was told that it is not: a ticket that is not here yet has no owner who was told anything.
    /// </summary>
    public IEnumerable<string> NotCommitting(IReadOnlyList<CommitUnit> units) => Tickets
        .Where(t => units.Contains(t.Unit) && t.State != CommitState.Committing)
        .Select(t => $"a unit is written whose ticket says {t.State}");
}

/// <summary>A store that only commits, by script.</summary>
public class FateStore : DispatchProxy
{
    private Func<IReadOnlyList<CommitUnit>, IReadOnlyList<RefusedUnit>>? _commit;

    public static IStore Create(Func<IReadOnlyList<CommitUnit>, IReadOnlyList<RefusedUnit>> commit)
    {
        var proxy = Create<IStore, FateStore>();
        ((FateStore)(object)proxy)._commit = commit;
        return proxy;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => targetMethod?.Name == nameof(IStore.CommitAsync)
        ? CommitAsync((IReadOnlyList<CommitUnit>)args![0]!)
        : throw new NotSupportedException(targetMethod?.Name);

    private async Task<IReadOnlyList<RefusedUnit>> CommitAsync(IReadOnlyList<CommitUnit> units)
    {
        await Task.Yield();
        return _commit!(units);
    }
}
