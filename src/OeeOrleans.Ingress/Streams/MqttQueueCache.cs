using Orleans.Runtime;
using Orleans.Streams;

namespace OeeOrleans.Ingress.Streams;

/// <summary>
/// The cache of one queue: FIFOs per stream instead of a window over time, so a cursor needs no token and a slow stream holds back no
/// other.
/// </summary>
internal sealed class MqttQueueCache(Partition partition) : IQueueCache
{
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
        // What is delivered is acknowledged where that is known: Orleans would ask with its next read only.
        purgedItems = [];
        return false;
    }

    public IQueueCacheCursor GetCacheCursor(StreamId streamId, StreamSequenceToken? token) =>
        new MqttCacheCursor(partition.FifoOf(streamId), partition);

    /// <summary>Reading is held back in the receiver, where it costs no log line.</summary>
    public bool IsUnderPressure() => false;
}
