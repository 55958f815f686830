namespace OeeOrleans.Mqtt.Inlet;

/// <summary>What one receiving session asks of the broker.</summary>
/// <param name="Broker">Where it is, and who we are there.</param>
/// <param name="ClientId">Under it the broker keeps the session.</param>
/// <param name="Filter">The one topic filter, subscribed to with QoS 1.</param>
public sealed record InletOptions(BrokerAddress Broker, string ClientId, string Filter)
{
    /// <summary>MQTT 5; otherwise 3.1.1.</summary>
    public bool Version5 { get; init; } = true;

    /// <summary>How long the broker keeps the session while we are away (MQTT 5, 3.1.2.11.2).</summary>
    public TimeSpan SessionExpiry { get; init; } = TimeSpan.FromDays(7);

    /// <summary>QoS 1 messages that may be unacknowledged (MQTT 5, 3.1.2.11.3).</summary>
    public ushort ReceiveMaximum { get; init; } = ushort.MaxValue;

    /// <summary>Larger packets are not sent to us (MQTT 5, 3.1.2.11.4), bytes.</summary>
    public uint MaxPacketBytes { get; init; } = 16 << 20;

    /// <summary>
    /// Between two reads that bring little: each one wakes as many threads whether it brings one message or a hundred. The first message
    /// after a silence is read at once, and where there is much nothing waits.
    /// </summary>
    public TimeSpan Gather { get; init; }

    /// <summary>After so much silence of ours the broker is asked whether it is there.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>Of connecting, of every answer, and of a write the broker does not take.</summary>
    public TimeSpan AnswerTimeout { get; init; } = TimeSpan.FromSeconds(10);
}

/// <summary>What the broker answered to CONNECT (MQTT 3.1.1, 3.2.2.3; MQTT 5, 3.2.2.2).</summary>
/// <param name="Code">0: accepted.</param>
/// <param name="SessionPresent">It still has the session.</param>
/// <param name="Reason">Its words, where it gave some.</param>
/// <param name="KeepAlive">What it wants instead of our keep-alive; null: it does not say, or wants to be left alone (0).</param>
public sealed record ConnectAnswer(byte Code, bool SessionPresent, string Reason, TimeSpan? KeepAlive = null)
{
    private const byte UnacceptableVersion311 = 1;
    private const byte UnsupportedVersion5 = 0x84;

    public bool Accepted => Code == 0;

    public bool RefusesVersion => Code is UnacceptableVersion311 or UnsupportedVersion5;

    public override string ToString() => $"{NameOf(Code)} {Reason}".TrimEnd();

    private static string NameOf(byte code) => code switch
    {
        0 => "accepted",
        1 or 0x84 => "unsupported protocol version",
        2 or 0x85 => "client identifier not valid",
        3 or 0x88 => "server unavailable",
        4 or 0x86 => "bad user name or password",
        5 or 0x87 => "not authorized",
        0x89 => "server busy",
        0x8A => "banned",
        0x95 => "packet too large",
        0x97 => "quota exceeded",
        0x9C or 0x9D => "use another server",
        _ => $"reason code {code}",
    };
}

/// <summary>How a session's connection ended.</summary>
public enum InletEnd
{
    /// <summary>The broker closed or reset it and said nothing.</summary>
    Closed,

    /// <summary>The broker says that another client has the session (MQTT 5, reason code 0x8E).</summary>
    TakenOver,

    /// <summary>The broker closed it and said why, or nothing is heard of the broker any more.</summary>
    Lost,

    /// <summary>The broker said something that is no MQTT, or that nobody asked for.</summary>
    ProtocolError,

    /// <summary>Whoever receives wants no more of it.</summary>
    GivenUp,
}

/// <summary>A message as it lies in the buffer that it was read into.</summary>
/// <param name="topic">UTF-8; valid during the call only.</param>
/// <param name="payload">A part of a larger array that nothing else is written into: it may be kept.</param>
/// <param name="packetId">To acknowledge it; 0 = QoS 0, there is nothing to acknowledge.</param>
/// <param name="duplicate">The broker sent it before (DUP).</param>
public readonly ref struct InletMessage(ReadOnlySpan<byte> topic, ReadOnlyMemory<byte> payload, ushort packetId, bool duplicate)
{
    public ReadOnlySpan<byte> Topic { get; } = topic;

    public ReadOnlyMemory<byte> Payload { get; } = payload;

    public ushort PacketId { get; } = packetId;

    public bool Duplicate { get; } = duplicate;
}

/// <summary>Takes a message; false: the connection is to be given up. Called by one thread at a time.</summary>
public delegate bool InletHandler(in InletMessage message);
