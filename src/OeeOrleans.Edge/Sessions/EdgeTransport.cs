using MQTTnet;
using MQTTnet.Protocol;
using OeeOrleans.Mqtt;
using OeeOrleans.Sparkplug.Edge;

namespace OeeOrleans.Edge.Sessions;

/// <summary>
/// MQTT as Sparkplug wants it of an edge node: a clean session, a will at QoS 1, nothing retained (Sparkplug 3.0 sections 5.4 and 6.4).
/// </summary>
internal static class EdgeTransport
{
    public static MqttClientOptions Settings(BrokerAddress broker, string clientId, in EdgeMessage will) => broker.ToBuilder(clientId)
        .WithCleanSession()
        .WithWillTopic(will.Topic.ToString())
        .WithWillPayload(will.Payload.ToArray())
        .WithWillQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce)
        .WithWillRetain(false)
        .Build();

    public static MqttApplicationMessage Message(in EdgeMessage message, int qos) => new()
    {
        Topic = message.Topic.ToString(),
        PayloadSegment = message.Payload.ToArray(),
        QualityOfServiceLevel = (MqttQualityOfServiceLevel)qos,
        Retain = false,
    };
}
