using OeeOrleans.Ingress.Connection;
using Orleans.Runtime;

namespace OeeOrleans.Ingress.Streams;

/// <summary>Messages of one stream in order. At most one batch is out for delivery; it is done, or comes back to the front.</summary>
internal sealed class StreamFifo(StreamId stream, Partition partition)
{
    private const int MaxDoublings = 5;

    /// <summary>A batch may travel to another silo.</summary>
    private const int MaxBytes = 16 << 20;

    private static readonly TimeSpan NudgeEvery = TimeSpan.FromMilliseconds(50);

    private readonly LinkedList<InFlightMessage> _queue = new();
    private long _retryAt;
    private long _nudgedAt;
    private int _attempts;

    public StreamId Stream => stream;

    public bool IsEmpty => _queue.Count == 0;

    /// <summary>Cursors that look at this stream; without any, and empty, it may be forgotten.</summary>
    public int Cursors { get; set; }

    /// <summary>A batch is out.</summary>
    public bool Delivering { get; private set; }

    public void Add(InFlightMessage message) => _queue.AddLast(message);

    /// <summary>Everything that waits, as one batch; null when nothing does, when a batch is out, or when the pause after a failure lasts.</summary>
    public List<InFlightMessage>? Take()
    {
        if (Delivering || partition.Clock.GetTimestamp() < _retryAt) return null;
        // While deliveries fail each attempt takes more: whoever cannot store them can at least see all of them.
        var limit = partition.Options.MaxBatch << Math.Min(_attempts, MaxDoublings);
        var batch = new List<InFlightMessage>(Math.Min(_queue.Count, limit));
        var bytes = 0;
        while (_queue.First is { } first && batch.Count < limit && bytes < MaxBytes)
        {
            _queue.RemoveFirst();
            // Its connection is gone, so the broker sends it again: delivering this copy as well would only be work.
            if (first.Value.ComesAgain) partition.Left(1);
            else batch.Add(first.Value);
            bytes += first.Value.Message.Payload.Length;
        }

        if (batch.Count == 0) return null;
        Delivering = true;
        return batch;
    }

    /// <summary>The batch is committed and applied.</summary>
    public void Delivered(List<InFlightMessage> batch)
    {
        Delivering = false;
        _attempts = 0;
        _retryAt = 0;
        partition.Left(batch.Count);
    }

    /// <summary>The batch was not delivered, and nobody failed: the cursor was given up.</summary>
    public void PutBack(List<InFlightMessage> batch)
    {
        Delivering = false;
        for (var i = batch.Count - 1; i >= 0; i--) _queue.AddFirst(batch[i]);
    }

    /// <summary>The delivery failed: the batch goes back to the front, in order, and is offered again after a pause.</summary>
    public void Failed(List<InFlightMessage> batch)
    {
        PutBack(batch);
        var options = partition.Options;
        var pause = TimeSpan.FromMilliseconds(Math.Min(options.MaxRetryPause.TotalMilliseconds, options.RetryPause.TotalMilliseconds * Math.Pow(2, Math.Min(_attempts, 10))));
        _attempts++;
        _retryAt = partition.Clock.GetTimestamp() + (long)(pause.TotalSeconds * partition.Clock.TimestampFrequency);
        IngressMetrics.Redeliveries.WithLabels(partition.Filter).Inc();
        Ingress.Log.DeliveryFailed(partition.Log, stream.ToString(), batch.Count, _attempts, (int)pause.TotalMilliseconds);
    }

    /// <summary>Whether the agent must be told of this stream again: the agent only looks at streams for which something new came.</summary>
    public bool NeedsNudge()
    {
        if (Delivering || _queue.Count == 0) return false;
        var now = partition.Clock.GetTimestamp();
        if (now < _retryAt || partition.Clock.GetElapsedTime(_nudgedAt, now) < NudgeEvery) return false;
        _nudgedAt = now;
        return true;
    }

    public void Clear()
    {
        partition.Left(_queue.Count);
        _queue.Clear();
    }
}
