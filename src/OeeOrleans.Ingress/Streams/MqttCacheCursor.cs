using OeeOrleans.Ingress.Connection;
using OeeOrleans.Model;
using Orleans.Streams;

namespace OeeOrleans.Ingress.Streams;

/// <summary>
/// Gives a consumer all that waits for its stream as one batch. Moving on means that the batch before was delivered, unless a failure was
/// recorded: Orleans goes on after a failed delivery as if it had succeeded, so the failure is remembered here and the batch goes back.
/// </summary>
internal sealed class MqttCacheCursor : IQueueCacheCursor
{
    private static long _sequence;

    private readonly StreamFifo _fifo;
    private readonly Partition _partition;
    private List<InFlightMessage>? _out;
    private MqttBatchContainer? _current;
    private bool _disposed;

    public MqttCacheCursor(StreamFifo fifo, Partition partition)
    {
        (_fifo, _partition) = (fifo, partition);
        _fifo.Cursors++;
    }

    public IBatchContainer? GetCurrent(out Exception? exception)
    {
        exception = null;
        return _current;
    }

    public bool MoveNext()
    {
        if (_out is not null)
        {
            _fifo.Delivered(_out);
            AckQueue.Done(_out);
        }

        _current = null;
        _out = _fifo.Take();
        if (_out is null) return false;
        var batch = new MessageBatch(_out.ConvertAll(m => m.Message)) { Source = _partition.Account.Source };
        _current = new MqttBatchContainer(_fifo.Stream, batch, Interlocked.Increment(ref _sequence));
        return true;
    }

    public void Refresh(StreamSequenceToken token)
    {
        // The FIFO always knows what is next.
    }

    public void RecordDeliveryFailure()
    {
        if (_out is null) return;
        _fifo.Failed(_out, _current?.Failure);
        _out = null;
        _current = null;
    }

    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        _fifo.Cursors--;
        if (_out is not null) _fifo.PutBack(_out);
        _out = null;
        _current = null;
    }
}
