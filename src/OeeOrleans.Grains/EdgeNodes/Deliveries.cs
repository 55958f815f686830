using Microsoft.Extensions.Logging;
using OeeOrleans.Model;
using OeeOrleans.Model.Delivery;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Sink;

namespace OeeOrleans.Grains.EdgeNodes;

/// <summary>What a delivery needs of its edge node: the decoder before it, the machines behind it.</summary>
internal interface IDeliveryEnds
{
    /// <summary>Decodes messages. Throws as the store and our bugs do; then nothing of them may be taken as seen.</summary>
    /// <param name="source">The queue that their numbers are of.</param>
    /// <param name="messages">In the order of arrival.</param>
    /// <param name="again">Whether the message of a number was committed before.</param>
    /// <param name="reuseRows">No row of an earlier delivery is in the sink's hands.</param>
    Task<Decoded> DecodeAsync(string source, IReadOnlyList<BrokerMessage> messages, Func<ulong, bool> again, bool reuseRows);

    /// <summary>Makes the session what it was after a record; null: as the store has it.</summary>
    void Rewind(EdgeNodeRecord? record);

    /// <summary>Has the machines apply what is committed, or shows them what is not yet.</summary>
    Task ApplyAsync(OpenDelivery delivery, bool ahead);

    /// <summary>Tells the machines that what they were shown ahead of the store will not be stored.</summary>
    Task TakeBackAsync(OpenDelivery delivery);
}

/// <summary>
/// The fate of everything that one edge node's stream delivers; decision D2 in code. A delivery returns, and its messages are acknowledged
/// to the broker, when its ticket says that its rows are committed and its machines have applied them:
/// <code>
/// decode -> ticket -> committed -> machines apply -> return                  acknowledged
///              |----> slow, or the store is away -> machines are shown it    thrown as StoreAway: offered again, joins its ticket
///              |----> refused, or a bug of ours                              thrown as such: the queue looks for the message
/// </code>
/// A message that is offered again joins the ticket it has; only what is new is decoded and queued. What was shown ahead hangs on its
/// ticket: when that comes to nothing, the machines take it back. Nothing that is told here as failed is committed afterwards.
/// </summary>
internal sealed class Deliveries(string edgeNode, ICommitSink sink, IDeliveryEnds ends, TimeProvider clock, ILogger log)
{
    /// <summary>How long machines wait for the store before they are shown what it does not hold yet.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// How long they wait while the store commits what came before: a plant that comes up is no store that is away. Then it counts as away,
    /// because one that hangs says nothing.
    /// </summary>
    public TimeSpan BusyPatience { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>Whether to say that machines are shown what is not stored: a plant has a thousand edge nodes, and they all would.</summary>
    public Func<bool> MaySay { get; init; } = () => true;

    private static readonly TimeSpan Brief = TimeSpan.FromMilliseconds(100);

    /// <summary>So often a store that is busy is asked whether it is away.</summary>
    private static readonly TimeSpan Slice = TimeSpan.FromMilliseconds(500);

    /// <summary>New signals are asked of the store. All limits together end before Orleans gives up on the call.</summary>
    private static readonly TimeSpan DecodeLimit = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan ApplyLimit = TimeSpan.FromSeconds(8);
    private static readonly TimeSpan ShowLimit = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan ShowAllLimit = TimeSpan.FromSeconds(8);

    /// <summary>
    /// Answers that did not come in time, one after another; then it is no silo that is going but a message nobody gets done with.
    /// </summary>
    private const int MaxLate = 20;

    /// <summary>In the order of their tickets.</summary>
    private readonly List<OpenDelivery> _open = [];

    /// <summary>Which delivery a message is in, by its number; until the queue has heard that it is done.</summary>
    private readonly Dictionary<(string Source, ulong Number), OpenDelivery> _byNumber = [];

    /// <summary>Messages that are committed and will be decoded once more, because their machines failed.</summary>
    private readonly HashSet<(string Source, ulong Number)> _committedBefore = [];
    private readonly string _life = Guid.NewGuid().ToString("N");
    private string _source = "";
    private long _takenAt;
    private int _late;
    private long _sequence;

    /// <summary>The session after the newest delivery that is committed; null until there is one.</summary>
    public EdgeNodeRecord? Committed { get; private set; }

    /// <summary>Nothing is decoded that the store does not hold.</summary>
    public bool IsIdle => _open.Count == 0;

    /// <summary>Sees a delivery to its end.</summary>
    /// <param name="batch">What the queue offers.</param>
    /// <param name="done">Called for each delivery that is committed and applied, in order.</param>
    /// <exception cref="DeliveryFailedException">It has not come to its end; the class says what its queue is to do.</exception>
    public async Task TakeAsync(MessageBatch batch, Action<Decoded> done)
    {
        _takenAt = clock.GetTimestamp();
        if (batch.Source != _source) NewSource(batch.Source);
        ForgetPassed(batch);
        var fresh = new List<BrokerMessage>();
        var mine = new HashSet<OpenDelivery>();
        foreach (var message in batch.Messages)
        {
            if (message.Number != 0 && _byNumber.TryGetValue((batch.Source, message.Number), out var joined)) mine.Add(joined);
            else fresh.Add(message);
        }

        try
        {
            if (fresh.Count > 0) mine.Add(await OpenAsync(batch.Source, fresh));
            await SettleAsync(mine, done);
        }
        catch (Exception error) when (error is not DeliveryFailedException)
        {
            throw await FailedAsync(error);
        }

        foreach (var message in batch.Messages)
        {
            _byNumber.Remove((batch.Source, message.Number));
            _committedBefore.Remove((batch.Source, message.Number));
        }

        _late = 0;
    }

    /// <summary>A queue offers in order: what lies before its first message and is done is not offered any more.</summary>
    private void ForgetPassed(MessageBatch batch)
    {
        if (_byNumber.Count == 0 || batch.Messages.Count == 0) return;
        var first = batch.Messages[0].Number;
        foreach (var (key, delivery) in _byNumber)
        {
            if (key.Source == batch.Source && key.Number < first && delivery.Done) _byNumber.Remove(key);
        }
    }

    /// <summary>Decode, and ask for a ticket.</summary>
    private async Task<OpenDelivery> OpenAsync(string source, IReadOnlyList<BrokerMessage> messages)
    {
        CommitTicket ticket;
        Decoded decoded;
        try
        {
            var decoding = ends.DecodeAsync(source, messages, n => _committedBefore.Contains((source, n)), IsIdle);
            decoded = decoding.IsCompleted ? await decoding : await decoding.WaitAsync(DecodeLimit, clock);
            ticket = await sink.WriteAsync(decoded.Unit, CancellationToken.None);
        }
        catch
        {
            // What the session learned is in no ticket: the same messages come again and must meet it as it was.
            ends.Rewind(_open.Count > 0 ? _open[^1].Decoded.After : Committed);
            throw;
        }

        var delivery = new OpenDelivery(
            $"{edgeNode}|{_life}|{++_sequence}", decoded, ticket, [.. messages.Where(m => m.Number != 0).Select(m => (source, m.Number))]);
        _open.Add(delivery);
        foreach (var number in delivery.Numbers) _byNumber[number] = delivery;
        return delivery;
    }

    /// <summary>Ticket by ticket, in their order: committed, then applied.</summary>
    private async Task SettleAsync(HashSet<OpenDelivery> mine, Action<Decoded> done)
    {
        var started = clock.GetTimestamp();
        // A store that is known to be away is not waited for: machines want to see what came meanwhile.
        var patience = _open.Exists(d => d.ShownAhead) ? Brief : Patience;
        while (mine.Any(d => !d.Done))
        {
            var delivery = _open[0];
            if (!await SettledInTimeAsync(delivery.Ticket, started, patience))
            {
                throw await ShowAheadAsync(delivery.Ticket);
            }

            if (delivery.Ticket.State != CommitState.Committed) throw await ComeToNothingAsync(delivery.Ticket);
            Committed = delivery.Decoded.After ?? Committed;
            await ends.ApplyAsync(delivery, ahead: false).WaitAsync(ApplyLimit, clock);
            _open.RemoveAt(0);
            delivery.Done = true;
            done(delivery.Decoded);
        }
    }

    private async Task<bool> SettledInTimeAsync(CommitTicket ticket, long started, TimeSpan patience)
    {
        if (await SettledWithinAsync(ticket, patience - clock.GetElapsedTime(started))) return true;
        // Machines that are shown what is not stored want to see what comes next.
        if (patience == Brief) return false;
        // From when the delivery came, decoding included: all limits together end before Orleans gives up on the call.
        while (sink.Trouble is null && ticket.Reason is null && clock.GetElapsedTime(_takenAt) is var waited && waited < BusyPatience)
        {
            var left = BusyPatience - waited;
            if (await SettledWithinAsync(ticket, left < Slice ? left : Slice)) return true;
        }

        return ticket.IsSettled;
    }

    private async Task<bool> SettledWithinAsync(CommitTicket ticket, TimeSpan left)
    {
        if (ticket.IsSettled) return true;
        if (left <= TimeSpan.Zero) return false;
        // Not settled in time is no error.
        await ((Task)ticket.Settled).WaitAsync(left, clock).ConfigureAwait(
            ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
        return ticket.Settled.IsCompleted;
    }

    /// <summary>
    /// The store is slow or away: machines are shown what it will hold, and the queue offers the messages again, with what came meanwhile.
    /// </summary>
    private async Task<DeliveryFailedException> ShowAheadAsync(CommitTicket ticket)
    {
        var reason = ticket.Reason ?? "it is slow";
        var started = clock.GetTimestamp();
        foreach (var delivery in _open)
        {
            // A machine that does not answer must not cost the others their turn, nor this call its answer.
            if (clock.GetElapsedTime(started) > ShowAllLimit) break;
            try
            {
                // Those that were shown before are shown again: it tells the machines that their ticket lives.
                await ends.ApplyAsync(delivery, ahead: true).WaitAsync(ShowLimit, clock);
                if (!delivery.ShownAhead && MaySay()) Log.AheadOfStore(log, edgeNode, reason);
                delivery.ShownAhead = true;
            }
            catch (Exception error)
            {
                // A machine that must first be read from the store cannot be live without it.
                Log.NotAhead(log, edgeNode, error.Message, error is StoreUnavailableException ? null : error);
            }
        }

        return new DeliveryFailedException(FailureClass.StoreAway, reason);
    }

    /// <summary>A ticket was refused, or taken back by a sink that ends: nothing that was decoded after it stands on firm ground.</summary>
    private async Task<DeliveryFailedException> ComeToNothingAsync(CommitTicket ticket)
    {
        var (state, reason, error) = (ticket.State, ticket.Reason ?? "no reason was given", ticket.Error);
        await ResetAsync();
        if (state == CommitState.Withdrawn)
        {
            return new DeliveryFailedException(FailureClass.StoreAway, $"the store is shutting down: {reason}");
        }

        return new DeliveryFailedException(error is null ? FailureClass.Refused : FailureClass.Bug, reason, error);
    }

    /// <summary>An error that did not come from a ticket, with its class.</summary>
    private async Task<DeliveryFailedException> FailedAsync(Exception error)
    {
        var failure = error switch
        {
            StoreUnavailableException => FailureClass.StoreAway,
            Orleans.Runtime.OrleansException or TimeoutException or OperationCanceledException => FailureClass.NotReached,
            _ => FailureClass.Bug,
        };
        _late = error is TimeoutException ? _late + 1 : 0;
        if (_late > MaxLate) failure = FailureClass.Bug;
        // The queue will look for the message among them, so they must come apart.
        if (failure == FailureClass.Bug) await ResetAsync();
        return new DeliveryFailedException(failure, error.Message, error);
    }

    /// <summary>
    /// Takes back every ticket that can be taken back, and the session with them; what is committed is remembered as such.
    /// </summary>
    private async Task ResetAsync()
    {
        foreach (var delivery in _open)
        {
            while (!delivery.Ticket.TryWithdraw() && !delivery.Ticket.IsSettled) await delivery.Ticket.AttemptAsync();
            if (delivery.Ticket.State == CommitState.Committed)
            {
                Committed = delivery.Decoded.After ?? Committed;
                _committedBefore.UnionWith(delivery.Numbers);
            }

            // Also when it is committed: it will be applied under another name, and of this one nobody speaks any more.
            if (delivery.ShownAhead) await TakeBackAsync(delivery);
        }

        _open.Clear();
        _byNumber.Clear();
        ends.Rewind(Committed);
    }

    private async Task TakeBackAsync(OpenDelivery delivery)
    {
        try
        {
            await ends.TakeBackAsync(delivery);
        }
        catch (Exception error)
        {
            // A machine that does not hear it takes it back by itself when the ticket is not spoken of any more.
            Log.NotTakenBack(log, edgeNode, error.Message, error);
        }
    }

    /// <summary>
    /// The queue lives elsewhere, or anew. What is open goes its way; whatever of it comes again has no effect. What is unreadable comes
    /// of all queues in turn, so their numbers stay side by side.
    /// </summary>
    private void NewSource(string source)
    {
        _source = source;
        if (edgeNode == MessageBatch.UnreadableKey) return;
        _byNumber.Clear();
        _committedBefore.Clear();
    }
}
