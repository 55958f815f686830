using Orleans.Runtime;
using Orleans.Streams;

namespace OeeOrleans.Ingress.Streams;

/// <summary>
/// The cache of one queue: FIFOs per stream instead of a window over time, so a cursor needs no token and a slow stream holds back no
/// other.
/// </summary>
internal sealed class MqttQueueCache(Partition partition) : IQueueCache
{
    private List<IBatchContainer> _delivered = [];

    public int GetMaxAddCount() => QueueAdapterConstants.UNLIMITED_GET_QUEUE_MSG;

    public void AddToCache(IList<IBatchContainer> messages)
    {
        foreach (var container in messages.OfType<MqttBatchContainer>())
        {
            var fifo = partition.FifoOf(container.StreamId);
            foreach (var message in container.Arrivals) fifo.Add(message);
        }
    }

    public bool TryPurgeFromCache(out IList<IBatchContainer> purgedItems)
    {
        purgedItems = _delivered;
        if (_delivered.Count == 0) return false;
        _delivered = [];
        return true;
    }

    public IQueueCacheCursor GetCacheCursor(StreamId streamId, StreamSequenceToken? token) =>
        new MqttCacheCursor(partition.FifoOf(streamId), partition, this);

    /// <summary>Reading is held back in the receiver, where it costs no log line.</summary>
    public bool IsUnderPressure() => false;

    internal void NoteDelivered(IBatchContainer container) => _delivered.Add(container);
}
