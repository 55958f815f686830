using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using OeeOrleans.Broker;
using OeeOrleans.TestServers;

namespace OeeOrleans.Conformance.Tests;

/// <summary>What a client hears of our embedded broker: two publishes, what was retained, and a will.</summary>
internal sealed record HeardFromBroker(IReadOnlyList<MqttApplicationMessage> Messages)
{
    public MqttApplicationMessage? Of(string topic) => Messages.FirstOrDefault(m => m.Topic == topic);

    public static async Task<HeardFromBroker> RecordAsync()
    {
        var directory = Directory.CreateTempSubdirectory("oee-conformance-").FullName;
        try
        {
            var ingress = new IngressSessions(new Dictionary<string, string>());
            var door = new BrokerDoor(new HostCredentials());
            await using var broker = await EmbeddedBroker.StartAsync("127.0.0.1", 0, directory, ingress, door, NullLogger.Instance);
            using var speaker = await ConnectAsync(broker.Port, door.Host, will: true);
            await speaker.PublishAsync(Message("retained", 1, retain: true));
            await speaker.PublishAsync(Message("forgotten", 1, retain: true));
            await speaker.PublishAsync(Message("forgotten", 1, retain: true, payload: []));
            using var hearer = await ConnectAsync(broker.Port, door.Host, will: false);
            var heard = new ConcurrentQueue<MqttApplicationMessage>();
            hearer.ApplicationMessageReceivedAsync += args =>
            {
                heard.Enqueue(args.ApplicationMessage);
                return Task.CompletedTask;
            };
            await hearer.SubscribeAsync("#", MqttQualityOfServiceLevel.AtLeastOnce);
            await speaker.PublishAsync(Message("qos0", 0));
            await speaker.PublishAsync(Message("qos1", 1));
            // Without a DISCONNECT.
            speaker.Dispose();
            try
            {
                await Eventually.TrueAsync("the will", TimeSpan.FromSeconds(10), () => Task.FromResult(heard.Count >= 4));
            }
            catch (TimeoutException)
            {
                // The facts say what is missing.
            }

            using var later = await ConnectAsync(broker.Port, door.Host, will: false);
            later.ApplicationMessageReceivedAsync += args =>
            {
                args.ApplicationMessage.Topic += "/later";
                heard.Enqueue(args.ApplicationMessage);
                return Task.CompletedTask;
            };
            await later.SubscribeAsync("will", MqttQualityOfServiceLevel.AtLeastOnce);
            await later.SubscribeAsync("qos1", MqttQualityOfServiceLevel.AtLeastOnce);
            await later.PingAsync();
            return new HeardFromBroker([.. heard]);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    private static MqttApplicationMessage Message(string topic, int qos, bool retain = false, byte[]? payload = null) =>
        new MqttApplicationMessageBuilder()
        .WithTopic(topic)
        .WithPayload(payload ?? [1])
        .WithQualityOfServiceLevel((MqttQualityOfServiceLevel)qos)
        .WithRetainFlag(retain)
        .Build();

    private static async Task<IMqttClient> ConnectAsync(int port, HostCredentials host, bool will)
    {
        var client = new MqttClientFactory().CreateMqttClient();
        var options = new MqttClientOptionsBuilder().WithTcpServer("127.0.0.1", port).WithProtocolVersion(MqttProtocolVersion.V311)
            .WithCredentials(host.Username, host.Password);
        if (will)
        {
            options.WithWillTopic("will")
                .WithWillPayload([9])
                .WithWillQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce)
                .WithWillRetain();
        }

        await client.ConnectAsync(options.Build());
        return client;
    }
}

/// <summary>What a broker must do for Sparkplug: our embedded one.</summary>
public sealed class BrokerStatements
{
    internal static readonly Statements<HeardFromBroker> Statements = new()
    {
        { "conformance-mqtt-qos0", "publish and subscribe at QoS 0", h => Assert.Equal(0, (int)h.Of("qos0")!.QualityOfServiceLevel) },
        { "conformance-mqtt-qos1", "publish and subscribe at QoS 1", h => Assert.Equal(1, (int)h.Of("qos1")!.QualityOfServiceLevel) },
        { "conformance-mqtt-retained", "what is retained reaches who comes later, marked; an empty one takes it away; nothing else is kept",
            h => Assert.Equal((true, null, null), (h.Of("retained")!.Retain, h.Of("forgotten")?.Topic, h.Of("qos1/later")?.Topic)) },
        { "conformance-mqtt-will-messages", "the will of who is lost is published at its QoS, and retained if it asks for that",
            h => Assert.Equal(
                (1, 9, true),
                ((int)h.Of("will")!.QualityOfServiceLevel, h.Of("will")!.Payload.FirstSpan[0], h.Of("will/later")!.Retain)) },
    };

    private static readonly Lazy<Task<HeardFromBroker>> Recorded = new(HeardFromBroker.RecordAsync);

    public static TheoryData<string> Ids() => Statements.Data;

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task Holds(string id) => Statements.Check(id, await Recorded.Value);
}
