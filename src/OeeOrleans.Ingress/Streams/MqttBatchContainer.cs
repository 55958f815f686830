using OeeOrleans.Model;
using Orleans.Providers.Streams.Common;
using Orleans.Runtime;
using Orleans.Streams;

namespace OeeOrleans.Ingress.Streams;

/// <summary>Everything queued for one edge node, as one event. Empty = only a nudge, never delivered.</summary>
[GenerateSerializer]
[Immutable]
[Alias("oee.mqtt-batch")]
public sealed class MqttBatchContainer : IBatchContainer
{
    public MqttBatchContainer(StreamId streamId, MessageBatch batch, long sequence)
    {
        (StreamId, Batch, Sequence) = (streamId, batch, sequence);
    }

    [Id(0)]
    public StreamId StreamId { get; }

    [Id(1)]
    public MessageBatch Batch { get; }

    [Id(2)]
    public long Sequence { get; }

    public StreamSequenceToken SequenceToken => new EventSequenceTokenV2(Sequence);

    /// <summary>What arrived, for the cache of this silo; not part of the message.</summary>
    [field: NonSerialized]
    internal IReadOnlyList<Connection.InFlightMessage> Arrivals { get; init; } = [];

    /// <summary>What its delivery failed of; null while it did not, or when nobody was reached at all.</summary>
    [field: NonSerialized]
    internal Exception? Failure { get; set; }

    public IEnumerable<Tuple<T, StreamSequenceToken>> GetEvents<T>() =>
        Batch is T batch ? [Tuple.Create(batch, SequenceToken)] : [];

    public bool ImportRequestContext() => false;
}
