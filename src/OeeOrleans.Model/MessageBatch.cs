namespace OeeOrleans.Model;

/// <summary>A message as the broker delivered it.</summary>
/// <param name="Topic">MQTT topic.</param>
/// <param name="Payload">Payload; never changed.</param>
/// <param name="IngestUs">When we received it, microseconds.</param>
public sealed record BrokerMessage(string Topic, byte[] Payload, long IngestUs);

/// <summary>Everything that was queued for one edge node when its consumer was ready, in the order of arrival.</summary>
public sealed record MessageBatch(IReadOnlyList<BrokerMessage> Messages)
{
    /// <summary>Namespace of the streams that carry batches; keys are `group/node`.</summary>
    public const string StreamNamespace = "sparkplug";

    /// <summary>Name of the stream provider.</summary>
    public const string ProviderName = "mqtt";

    /// <summary>Key of the stream for topics that name no edge node.</summary>
    public const string UnreadableKey = "$unreadable";
}
