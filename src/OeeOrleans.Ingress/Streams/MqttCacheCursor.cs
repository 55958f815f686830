using OeeOrleans.Ingress.Connection;
using OeeOrleans.Model;
using Orleans.Streams;

namespace OeeOrleans.Ingress.Streams;

/// <summary>
/// Gives a consumer all that waits for its stream as one batch. Moving on means that the batch before was delivered, unless a failure was
/// recorded: Orleans goes on after a failed delivery as if it had succeeded, so the failure is remembered here and the batch goes back.
/// </summary>
internal sealed class MqttCacheCursor(StreamFifo fifo, MqttQueueCache cache) : IQueueCacheCursor
{
    private static long _sequence;

    private List<InFlightMessage>? _out;
    private MqttBatchContainer? _current;

    public IBatchContainer? GetCurrent(out Exception? exception)
    {
        exception = null;
        return _current;
    }

    public bool MoveNext()
    {
        if (_out is not null)
        {
            fifo.Delivered(_out);
            cache.NoteDelivered(new MqttBatchContainer(fifo.Stream, _current!.Batch, _current.Sequence) { Arrivals = _out });
        }

        _current = null;
        _out = fifo.Take();
        if (_out is null) return false;
        _current = new MqttBatchContainer(fifo.Stream, new MessageBatch([.. _out.Select(m => m.Message)]), Interlocked.Increment(ref _sequence));
        return true;
    }

    public void Refresh(StreamSequenceToken token)
    {
        // The FIFO always knows what is next.
    }

    public void RecordDeliveryFailure()
    {
        if (_out is null) return;
        fifo.Failed(_out);
        _out = null;
        _current = null;
    }

    public void Dispose()
    {
        if (_out is not null) fifo.PutBack(_out);
        _out = null;
        _current = null;
    }
}
