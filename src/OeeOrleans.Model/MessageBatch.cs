namespace OeeOrleans.Model;

/// <summary>A message as the broker delivered it.</summary>
/// <param name="Topic">MQTT topic.</param>
/// <param name="Payload">Payload; never changed. It may lie in an array with others: whoever keeps it for long copies it.</param>
/// <param name="IngestUs">When we received it, microseconds.</param>
public sealed record BrokerMessage(string Topic, ReadOnlyMemory<byte> Payload, long IngestUs)
{
    /// <summary>
    /// The broker says that it sent the message before (MQTT's DUP flag): only such a message may be older than what we know.
    /// </summary>
    public bool Redelivered { get; init; }

    /// <summary>
    /// Number of its arrival at its queue, from 1, growing; with <see cref="MessageBatch.Source"/> it tells a message offered again from a
    /// new one. Given once, when it is taken in.
    /// </summary>
    public ulong Number { get; set; }

    /// <summary>Why nobody is to read it any more: it is kept as a dead letter as it is. Null: to be read.</summary>
    public string? Refusal { get; init; }
}

/// <summary>Everything that was queued for one edge node when its consumer was ready, in the order of arrival.</summary>
public sealed record MessageBatch(IReadOnlyList<BrokerMessage> Messages)
{
    /// <summary>Namespace of the streams that carry batches; keys are `group/node`.</summary>
    public const string StreamNamespace = "sparkplug";

    /// <summary>Name of the stream provider.</summary>
    public const string ProviderName = "mqtt";

    /// <summary>Key of the stream for topics that name no edge node, and for messages that nobody is to read any more.</summary>
    public const string UnreadableKey = "$unreadable";

    /// <summary>Which life of which queue numbered the messages; empty: they are not numbered.</summary>
    public string Source { get; init; } = "";
}
