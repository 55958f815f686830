using Orleans.Runtime;
using Orleans.Streams;

namespace OeeOrleans.Ingress.Streams;

/// <summary>
/// Queues are topic filters. Which queue a stream comes from follows from the broker, not from a hash; the answer is only used for
/// producing, which nobody does.
/// </summary>
internal sealed class PartitionMapper : IConsistentRingStreamQueueMapper
{
    private readonly QueueId[] _queues;
    private readonly IReadOnlyList<string> _filters;

    public PartitionMapper(string provider, IReadOnlyList<string> filters)
    {
        _filters = filters;
        _queues =
        [
            .. filters.Select(
                (_, i) => QueueId.GetQueueId(provider, (uint)i, (uint)(((ulong)uint.MaxValue + 1) / (ulong)filters.Count * (ulong)i))),
        ];
    }

    public string FilterOf(QueueId queue) => _filters[(int)queue.GetNumericId()];

    public IEnumerable<QueueId> GetAllQueues() => _queues;

    public QueueId GetQueueForStream(StreamId streamId) => _queues[0];

    public IEnumerable<QueueId> GetQueuesForRange(IRingRange range) => _queues.Where(q => range.InRange(q.GetUniformHashCode()));
}
