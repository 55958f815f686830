using System.Runtime.InteropServices;
using OeeOrleans.Ingress.Streams;
using OeeOrleans.Model;

namespace OeeOrleans.Ingress.Connection;

/// <summary>
/// A message between its arrival and its acknowledgement. It belongs to the connection it came on: on another one its packet identifier
/// means nothing.
/// </summary>
internal sealed class InFlightMessage(BrokerMessage message, string streamKey, AckQueue? acks = null, ushort packetId = 0)
{
    private static readonly BrokerMessage Nothing = new("", default, 0);

    public BrokerMessage Message { get; private set; } = message;

    public string StreamKey { get; } = streamKey;

    /// <summary>Null for QoS 0: nothing to acknowledge, and nobody sends it again.</summary>
    public AckQueue? Acks { get; } = acks;

    public ushort PacketId { get; } = packetId;

    public bool Done { get; private set; }

    /// <summary>How often it was offered alone and failed.</summary>
    public int Tries { get; set; }

    /// <summary>The account its place in memory is written down in; gone with the life of the queue it came to.</summary>
    public BufferAccount? Account { get; set; }

    /// <summary>The broker sends it again: the connection it came on is gone, and the next one found the session still there. Until that is
    /// known, and when the broker has forgotten the session, this copy is all there is.</summary>
    public bool ComesAgain => Acks is { SentAgain: true };

    /// <summary>It was taken in, under this number.</summary>
    public void Arrived(ulong number) => Message.Number = number;

    /// <summary>Nobody is to read it any more.</summary>
    public void Refuse(string reason) => Message = Message with { Refusal = reason };

    /// <summary>
    /// It has left its account and is delivered: until its turn to be acknowledged comes, nothing of what it said is held.
    /// </summary>
    public void Finish()
    {
        Done = true;
        if (Account is null) Message = Nothing;
    }

    /// <summary>
    /// It waits for longer than a moment: in an array of its own it does not hold those of its neighbours, which nobody counts.
    /// </summary>
    public void StayAlone()
    {
        var payload = Message.Payload;
        var shared = MemoryMarshal.TryGetArray(payload, out var part) && part.Array!.Length > payload.Length;
        if (shared) Message = Message with { Payload = payload.ToArray() };
    }
}
