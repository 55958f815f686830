using System.Collections.Concurrent;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Runtime;
using Orleans.Streams;

namespace OeeOrleans.Ingress.Streams;

/// <summary>One queue per topic filter; receiver and cache of a queue share its <see cref="Partition"/>.</summary>
internal sealed class MqttAdapterFactory : IQueueAdapterFactory, IQueueAdapterCache
{
    private readonly string _name;
    private readonly MqttOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILoggerFactory _logs;
    private readonly IngressStatus _status;
    private readonly PartitionMapper _mapper;
    private readonly ConcurrentDictionary<QueueId, Partition> _partitions = new();

    public MqttAdapterFactory(string name, MqttOptions options, IngressStatus status, TimeProvider clock, ILoggerFactory logs)
    {
        (_name, _options, _status, _clock, _logs) = (name, options, status, clock, logs);
        _mapper = new PartitionMapper(name, options.Partitions);
    }

    public static MqttAdapterFactory Create(IServiceProvider services, string name) => new(
        name,
        services.GetRequiredService<IOptionsMonitor<MqttOptions>>().CurrentValue,
        services.GetRequiredService<IngressStatus>(),
        services.GetService<TimeProvider>() ?? TimeProvider.System,
        services.GetRequiredService<ILoggerFactory>());

    public Task<IQueueAdapter> CreateAdapter() => Task.FromResult<IQueueAdapter>(new MqttAdapter(_name, CreateReceiver));

    public IQueueAdapterCache GetQueueAdapterCache() => this;

    public IQueueCache CreateQueueCache(QueueId queueId) => new MqttQueueCache(PartitionOf(queueId));

    public IStreamQueueMapper GetStreamQueueMapper() => _mapper;

    public Task<IStreamFailureHandler> GetDeliveryFailureHandler(QueueId queueId) =>
        Task.FromResult<IStreamFailureHandler>(new OfferedAgain());

    private MqttReceiver CreateReceiver(QueueId queueId)
    {
        var partition = PartitionOf(queueId);
        return new MqttReceiver(partition, $"{_options.ClientIdPrefix}-{queueId.GetNumericId()}", _status);
    }

    private Partition PartitionOf(QueueId queueId) => _partitions.GetOrAdd(
        queueId,
        id => new Partition(_mapper.FilterOf(id), _options, _clock, _logs.CreateLogger("OeeOrleans.Ingress")));

    /// <summary>A failed delivery is the receiver's business; no subscription is ever faulted for it.</summary>
    private sealed class OfferedAgain : IStreamFailureHandler
    {
        public bool ShouldFaultSubsriptionOnError => false;

        public Task OnDeliveryFailure(
            GuidId subscriptionId, string streamProviderName, StreamId streamIdentity, StreamSequenceToken? sequenceToken) =>
            Task.CompletedTask;

        public Task OnSubscriptionFailure(
            GuidId subscriptionId, string streamProviderName, StreamId streamIdentity, StreamSequenceToken? sequenceToken) =>
            Task.CompletedTask;
    }
}
