using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OeeOrleans.Ingress.Connection;
using OeeOrleans.Ingress.Streams;
using OeeOrleans.Model;
using OeeOrleans.Sparkplug.Session;
using Orleans.Configuration;
using Orleans.Streams;

namespace OeeOrleans.Ingress.Hosting;

/// <summary>Adds the MQTT stream provider to a silo.</summary>
public static class SiloBuilderExtensions
{
    /// <summary>Streams of <see cref="MessageBatch"/> from a broker, keyed by edge node, consumed by implicit subscription.</summary>
    public static ISiloBuilder AddMqttIngress(this ISiloBuilder silo, Action<MqttOptions> configure)
    {
        silo.Services.Configure(configure);
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
        services.AddSingleton(s => new MqttCommandPublisher(s.GetRequiredService<IOptions<MqttOptions>>().Value, s.GetRequiredService<TimeProvider>(), s.GetRequiredService<ILogger<MqttCommandPublisher>>()));
        services.AddSingleton<ICommandPublisher>(s => s.GetRequiredService<MqttCommandPublisher>());
        services.AddHostedService<BrokerWatch>();
        return services;
    }
}
