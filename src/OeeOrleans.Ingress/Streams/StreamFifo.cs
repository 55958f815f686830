using OeeOrleans.Ingress.Connection;
using OeeOrleans.Model;
using OeeOrleans.Model.Delivery;
using Orleans.Runtime;

namespace OeeOrleans.Ingress.Streams;

/// <summary>
/// Messages of one stream in order. At most one batch is out for delivery; it is done, or comes back to the front and is offered again.
/// What is offered then follows from the class of the failure:
/// <code>
/// store away, not reached -> the same and what came meanwhile, after a pause, as long as it takes
/// refused, bug             -> half of it, and half of that, until the message that provokes it fails alone;
///                             after so many tries alone it is put aside as a dead letter, and everything behind it flows
/// </code>
/// </summary>
internal sealed class StreamFifo(StreamId stream, Partition partition)
{
    private const int MaxDoublings = 5;

    /// <summary>
    /// Deliveries that ended without an answer: as many in a row may be a silo that goes; more are a message that nobody gets done with.
    /// </summary>
    private const int MaxUnanswered = 5;

    /// <summary>Bytes of a batch, so that a backlog of large messages takes no large arrays: rows need twice as much.</summary>
    private const int MaxBytes = 256 << 10;

    /// <summary>A delivery that is out for longer is stuck; a busy store answers sooner, and then a copy would be only work.</summary>
    private static readonly TimeSpan Busy = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan NudgeEvery = TimeSpan.FromMilliseconds(50);

    private readonly Queue<InFlightMessage> _queue = new();

    /// <summary>What was out and came back, before all of the queue; the oldest last.</summary>
    private readonly Stack<InFlightMessage> _returned = new();
    private readonly bool _unreadable = stream.GetKeyAsString() == MessageBatch.UnreadableKey;
    private long _takenAt;
    private long _retryAt;
    private long _nudgedAt;
    private int _attempts;
    private int _unanswered;

    /// <summary>While somebody in the queue is being looked for, so many messages are offered at most.</summary>
    private int? _isolating;

    public StreamId Stream => stream;

    public bool IsEmpty => _queue.Count == 0 && _returned.Count == 0;

    /// <summary>Cursors that look at this stream; without any, and empty, it may be forgotten.</summary>
    public int Cursors { get; set; }

    /// <summary>A batch is out.</summary>
    public bool Delivering { get; private set; }

    public void Add(InFlightMessage message)
    {
        if (IsHeldUp) message.StayAlone();
        _queue.Enqueue(message);
        partition.Waits(this);
    }

    /// <summary>
    /// Everything that waits, as one batch; null when nothing does, when a batch is out, or when the pause after a failure lasts.
    /// </summary>
    public List<InFlightMessage>? Take()
    {
        if (Delivering || partition.Clock.GetTimestamp() < _retryAt) return null;
        // While the store is away each attempt takes more: whoever cannot store them can at least see all of them.
        var doublings = Math.Min(_attempts, MaxDoublings);
        var (limit, maxBytes) = (_isolating ?? partition.Options.MaxBatch << doublings, MaxBytes << doublings);
        var batch = new List<InFlightMessage>(Math.Min(_queue.Count + _returned.Count, limit));
        var bytes = 0;
        while (batch.Count < limit && bytes < maxBytes && (_returned.TryPop(out var first) || _queue.TryDequeue(out first)))
        {
            // The broker sends it again: delivering this copy as well would only be work.
            if (first.ComesAgain)
            {
                BufferAccount.Leave(first);
                continue;
            }

            batch.Add(first);
            bytes += first.Message.Payload.Length;
        }

        if (batch.Count == 0) return null;
        Delivering = true;
        _takenAt = partition.Clock.GetTimestamp();
        return batch;
    }

    /// <summary>The batch is committed and applied.</summary>
    public void Delivered(List<InFlightMessage> batch)
    {
        Delivering = false;
        (_attempts, _unanswered, _retryAt) = (0, 0, 0);
        // Whoever is being looked for is not among these; a little more may be tried.
        if (_isolating is { } size) _isolating = size >= partition.Options.MaxBatch ? null : size * 2;
        foreach (var message in batch) BufferAccount.Leave(message);
    }

    /// <summary>The batch was not delivered, and nobody failed: the cursor was given up.</summary>
    public void PutBack(List<InFlightMessage> batch)
    {
        Delivering = false;
        for (var i = batch.Count - 1; i >= 0; i--)
        {
            batch[i].StayAlone();
            _returned.Push(batch[i]);
        }

        partition.Waits(this);
        partition.Tell();
    }

    /// <summary>
    /// The delivery failed: the batch goes back to the front, in order, and is offered again after a pause; or its one message is put
    /// aside.
    /// </summary>
    public void Failed(List<InFlightMessage> batch, Exception? error)
    {
        var failure = ClassOf(error);
        IngressMetrics.Redeliveries.WithLabels(partition.Filter, failure.ToString()).Inc();
        if (failure is FailureClass.NotReached or FailureClass.StoreAway)
        {
            PutBack(batch);
            Pause(batch.Count, failure, error);
            return;
        }

        if (batch.Count > 1)
        {
            PutBack(batch);
            _isolating = batch.Count / 2;
            Pause(batch.Count, failure, error);
            return;
        }

        _isolating = 1;
        if (++batch[0].Tries < partition.Options.MaxTries)
        {
            PutBack(batch);
            Pause(1, failure, error);
            return;
        }

        Delivering = false;
        (_attempts, _unanswered, _retryAt) = (0, 0, 0);
        PutAside(batch[0], failure, error);
    }

    /// <summary>
    /// Whether the agent must be told of this stream again: the agent only looks at streams for which something new came.
    /// </summary>
    public bool NeedsNudge()
    {
        if (Delivering || IsEmpty) return false;
        var now = partition.Clock.GetTimestamp();
        if (now < _retryAt || partition.Clock.GetElapsedTime(_nudgedAt, now) < NudgeEvery) return false;
        _nudgedAt = now;
        return true;
    }

    /// <summary>What comes now waits for longer than a moment.</summary>
    private bool IsHeldUp => _attempts > 0 || _isolating is not null || (Delivering && partition.Clock.GetElapsedTime(_takenAt) > Busy);

    public void Clear()
    {
        foreach (var message in _queue.Concat(_returned)) BufferAccount.Leave(message);
        _queue.Clear();
        _returned.Clear();
    }

    /// <summary>
    /// No answer in time may be a silo that is going; again and again it is a message that the consumer never gets done with.
    /// </summary>
    private FailureClass ClassOf(Exception? error)
    {
        var unanswered = error is TimeoutException;
        var reached = error is not null and not TimeoutException and not OrleansException;
        if (reached) return DeliveryFailedException.ClassOf(error);
        _unanswered = unanswered ? _unanswered + 1 : 0;
        return _unanswered > MaxUnanswered ? FailureClass.Bug : FailureClass.NotReached;
    }

    private void Pause(int count, FailureClass failure, Exception? error)
    {
        var options = partition.Options;
        var longest = failure == FailureClass.StoreAway ? options.MaxStoreAwayPause : options.MaxRetryPause;
        var doubled = options.RetryPause.TotalMilliseconds * Math.Pow(2, Math.Min(_attempts, 10));
        var pause = TimeSpan.FromMilliseconds(Math.Min(longest.TotalMilliseconds, doubled));
        _attempts++;
        _retryAt = partition.Clock.GetTimestamp() + (long)(pause.TotalSeconds * partition.Clock.TimestampFrequency);
        if (failure == FailureClass.StoreAway)
        {
            // A store may be away for hours, and a thousand streams wait for it: told now and then for all of them.
            if (partition.SayAway() is { } times) Ingress.Log.StoreAway(partition.Log, stream.ToString(), count, ReasonOf(error), times);
            return;
        }

        Ingress.Log.DeliveryFailed(
            partition.Log,
            stream.ToString(),
            count,
            failure,
            ReasonOf(error),
            _attempts,
            (int)pause.TotalMilliseconds,
            BugOf(failure, error));
    }

    private void PutAside(InFlightMessage message, FailureClass failure, Exception? error)
    {
        var (topic, size, reason) = (
            DeadLetter.Clip(message.Message.Topic, DeadLetter.MaxTopic), message.Message.Payload.Length, ReasonOf(error));
        if (_unreadable && message.Message.Refusal is not null)
        {
            // It was to be kept as it is, and not even that is possible.
            Ingress.Log.Lost(partition.Log, topic, size, reason, BugOf(failure, error));
            IngressMetrics.Dropped.WithLabels("unstorable").Inc();
            BufferAccount.Leave(message);
            message.Acks?.Done(message);
            return;
        }

        Ingress.Log.PutAside(partition.Log, stream.ToString(), topic, size, message.Tries, failure, reason, BugOf(failure, error));
        IngressMetrics.PutAside.WithLabels(partition.Filter, failure.ToString()).Inc();
        message.Tries = 0;
        message.Refuse($"{failure}: {reason}");
        partition.PutAside(message);
    }

    private static string ReasonOf(Exception? error) =>
        error is null ? "nobody took it" : DeadLetter.Clip(error.Message, DeadLetter.MaxReason);

    private static Exception? BugOf(FailureClass failure, Exception? error) => failure == FailureClass.Bug ? error : null;
}
