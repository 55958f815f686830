using MQTTnet;
using OeeOrleans.Model;

namespace OeeOrleans.Ingress.Connection;

/// <summary>A message between its arrival and its acknowledgement. It belongs to the connection it came on: on another one its packet identifier means nothing.</summary>
internal sealed class InFlightMessage(BrokerMessage message, string streamKey, AckQueue? acks, MqttApplicationMessageReceivedEventArgs? args)
{
    public BrokerMessage Message { get; } = message;

    public string StreamKey { get; } = streamKey;

    /// <summary>Null for QoS 0: nothing to acknowledge, and nobody sends it again.</summary>
    public AckQueue? Acks { get; } = acks;

    public MqttApplicationMessageReceivedEventArgs? Args { get; } = args;

    public bool Done { get; set; }

    /// <summary>The broker will send it again, because the connection it came on is gone.</summary>
    public bool ComesAgain => Acks is { Closed: true };
}
