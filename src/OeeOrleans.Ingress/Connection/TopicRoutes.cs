using Microsoft.Extensions.Logging;
using OeeOrleans.Model;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Ingress.Connection;

/// <summary>Where a topic's messages go.</summary>
/// <param name="StreamKey">Key of the stream.</param>
/// <param name="ForUs">False: commands, host states and what we publish ourselves travel past us.</param>
/// <param name="Refusal">Why nobody is to read them; null: they are read.</param>
internal readonly record struct TopicRoute(string StreamKey, bool ForUs, string? Refusal);

/// <summary>
/// Says where the messages of a topic go, worked out once per topic. The door for names and for the number of edge nodes: what is refused
/// goes to the stream of unreadable messages and costs no grain. Used by one connection's receiving thread at a time.
/// </summary>
internal sealed class TopicRoutes(MqttOptions options, ILogger log)
{
    /// <summary>Topics remembered; a plant has far fewer, a flood of them starts anew.</summary>
    private const int Capacity = 50_000;

    private readonly Dictionary<string, TopicRoute> _routes = new(StringComparer.Ordinal);
    private readonly HashSet<string> _foreign = new(StringComparer.Ordinal);
    private bool _told;

    public TopicRoute Of(string topic)
    {
        if (_routes.TryGetValue(topic, out var known)) return known;
        if (_routes.Count >= Capacity) _routes.Clear();
        return _routes[topic] = WorkOut(topic);
    }

    private TopicRoute WorkOut(string topic)
    {
        // What cannot be read as a topic says so itself in the grain that keeps it.
        if (!SparkplugTopic.TryParse(topic, out var parsed, out _)) return new TopicRoute(MessageBatch.UnreadableKey, true, null);
        var edgeNode = parsed.EdgeNode;
        if (!parsed.IsFromEdgeNode || edgeNode == options.OwnEdgeNode) return new TopicRoute(edgeNode, false, null);
        if (options.KnownEdgeNodes.Contains(edgeNode) || _foreign.Contains(edgeNode)) return new TopicRoute(edgeNode, true, null);
        if (_foreign.Count < options.MaxForeignEdgeNodes)
        {
            _foreign.Add(edgeNode);
            return new TopicRoute(edgeNode, true, null);
        }

        if (!_told) Log.TooManyEdgeNodes(log, edgeNode, options.MaxForeignEdgeNodes);
        _told = true;
        return new TopicRoute(
            MessageBatch.UnreadableKey, true,
            $"{options.MaxForeignEdgeNodes} edge nodes that are not in the plant model talk already; name it in plant.yaml");
    }
}
