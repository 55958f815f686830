using MQTTnet;
using OeeOrleans.Ingress.Streams;
using OeeOrleans.Model;

namespace OeeOrleans.Ingress.Connection;

/// <summary>
/// A message between its arrival and its acknowledgement. It belongs to the connection it came on: on another one its packet identifier
/// means nothing.
/// </summary>
internal sealed class InFlightMessage(
    BrokerMessage message, string streamKey, AckQueue? acks, MqttApplicationMessageReceivedEventArgs? args)
{
    public BrokerMessage Message { get; private set; } = message;

    public string StreamKey { get; } = streamKey;

    /// <summary>Null for QoS 0: nothing to acknowledge, and nobody sends it again.</summary>
    public AckQueue? Acks { get; } = acks;

    public MqttApplicationMessageReceivedEventArgs? Args { get; } = args;

    public bool Done { get; set; }

    /// <summary>How often it was offered alone and failed.</summary>
    public int Tries { get; set; }

    /// <summary>The account its place in memory is written down in; gone with the life of the queue it came to.</summary>
    public BufferAccount? Account { get; set; }

    /// <summary>The broker sends it again: the connection it came on is gone, and the next one found the session still there. Until that is
    /// known, and when the broker has forgotten the session, this copy is all there is.</summary>
    public bool ComesAgain => Acks is { SentAgain: true };

    /// <summary>It was taken in, under this number.</summary>
    public void Arrived(ulong number) => Message = Message with { Number = number };

    /// <summary>Nobody is to read it any more.</summary>
    public void Refuse(string reason) => Message = Message with { Refusal = reason };
}
