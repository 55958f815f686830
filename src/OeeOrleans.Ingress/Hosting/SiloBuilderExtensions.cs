using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OeeOrleans.Ingress.Commands;
using OeeOrleans.Ingress.Streams;
using OeeOrleans.Model;
using OeeOrleans.Sparkplug.Session;
using Orleans.Configuration;
using Orleans.Serialization;
using Orleans.Streams;

namespace OeeOrleans.Ingress.Hosting;

/// <summary>Adds the MQTT stream provider to a silo.</summary>
public static class SiloBuilderExtensions
{
    /// <summary>Streams of <see cref="MessageBatch"/> from a broker, keyed by edge node, consumed by implicit subscription.</summary>
    public static ISiloBuilder AddMqttIngress(this ISiloBuilder silo, Action<MqttOptions> configure)
    {
        silo.Services.Configure(configure);
        // An error of ours travels between silos as what it is.
        silo.Services.Configure<ExceptionSerializationOptions>(o => o.SupportedNamespacePrefixes.Add(nameof(OeeOrleans)));
        silo.AddOutgoingGrainCallFilter<FailureWitness>();
        silo.AddPersistentStreams(MessageBatch.ProviderName, MqttAdapterFactory.Create, streams =>
        {
            streams.Configure<StreamPubSubOptions>(o => o.Configure(p => p.PubSubType = StreamPubSubType.ImplicitOnly));
            streams.Configure<StreamPullingAgentOptions>(o => o.Configure(agent =>
            {
                agent.GetQueueMsgsTimerPeriod = TimeSpan.FromMilliseconds(10);
                agent.BatchContainerBatchSize = 1;
                // One attempt: our own cache offers a failed batch again, in order and with its own pauses.
                agent.MaxEventDeliveryTime = TimeSpan.FromMilliseconds(1);
                agent.InitQueueTimeout = TimeSpan.FromSeconds(10);
            }));
        });
        return silo;
    }

    /// <summary>The publisher of commands, for silos whose grains ask for rebirths.</summary>
    public static IServiceCollection AddMqttCommands(this IServiceCollection services)
    {
        services.AddSingleton<IngressStatus>();
        services.AddSingleton<IReadinessCheck>(s => s.GetRequiredService<IngressStatus>());
        services.AddSingleton(s => new MqttCommandPublisher(
            s.GetRequiredService<IOptions<MqttOptions>>().Value,
            s.GetRequiredService<IngressStatus>(),
            s.GetRequiredService<TimeProvider>(),
            s.GetRequiredService<ILogger<MqttCommandPublisher>>()));
        services.AddSingleton<ICommandPublisher>(s => s.GetRequiredService<MqttCommandPublisher>());
        services.AddHostedService<BrokerWatch>();
        return services;
    }
}
