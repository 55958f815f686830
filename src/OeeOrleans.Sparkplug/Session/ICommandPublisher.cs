using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Sparkplug.Session;

/// <summary>Sends a command to an edge node or device.</summary>
public interface ICommandPublisher
{
    /// <summary>Publishes at QoS 0, not retained (tck-id-topics-ncmd-mqtt). Throws when no broker can be reached.</summary>
    Task PublishAsync(SparkplugTopic topic, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken);
}
