using System.Text;
using Microsoft.Extensions.Logging;
using OeeOrleans.Model;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Ingress.Connection;

/// <summary>Where a topic's messages go.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="StreamKey">Key of the stream.</param>
/// <param name="ForUs">False: commands, host states and what we publish ourselves travel past us.</param>
/// <param name="Refusal">Why nobody is to read them; null: they are read.</param>
internal readonly record struct TopicRoute(string Topic, string StreamKey, bool ForUs, string? Refusal);

/// <summary>
/// Says where the messages of a topic go, worked out once per topic. The door for names and for the number of edge nodes: what is refused
/// goes to the stream of unreadable messages and costs no grain. Used by one connection's receiving thread at a time.
/// </summary>
internal sealed class TopicRoutes
{
    /// <summary>Topics remembered; a plant has far fewer, a flood of them starts anew.</summary>
    private const int Capacity = 50_000;

    /// <summary>A longer one is worked out each time: fifty thousand of them would be memory for nothing.</summary>
    private const int MaxRememberedBytes = 1_024;

    private readonly MqttOptions _options;
    private readonly ILogger _log;
    private readonly Dictionary<byte[], TopicRoute> _routes = new(Utf8Comparer.Instance);
    private readonly Dictionary<byte[], TopicRoute>.AlternateLookup<ReadOnlySpan<byte>> _bySpan;
    private readonly HashSet<string> _foreign = new(StringComparer.Ordinal);
    private IReadOnlySet<string> _edgeNodes;
    private bool _told;

    public TopicRoutes(MqttOptions options, ILogger log)
    {
        (_options, _log, _edgeNodes) = (options, log, options.KnownEdgeNodes());
        _bySpan = _routes.GetAlternateLookup<ReadOnlySpan<byte>>();
    }

    /// <param name="topic">The topic as it came, UTF-8.</param>
    public TopicRoute Of(ReadOnlySpan<byte> topic)
    {
        var edgeNodes = _options.KnownEdgeNodes();
        if (!ReferenceEquals(edgeNodes, _edgeNodes))
        {
            // Who was refused may be of the plant now.
            _edgeNodes = edgeNodes;
            _routes.Clear();
        }

        if (_bySpan.TryGetValue(topic, out var known)) return known;
        if (topic.Length > MaxRememberedBytes) return WorkOut(Encoding.UTF8.GetString(topic));
        if (_routes.Count >= Capacity) _routes.Clear();
        return _bySpan[topic] = WorkOut(Encoding.UTF8.GetString(topic));
    }

    private TopicRoute WorkOut(string topic)
    {
        // What cannot be read as a topic says so itself in the grain that keeps it.
        if (!SparkplugTopic.TryParse(topic, out var parsed, out _)) return new TopicRoute(topic, MessageBatch.UnreadableKey, true, null);
        var edgeNode = parsed.EdgeNode;
        if (!parsed.IsFromEdgeNode || edgeNode == _options.OwnEdgeNode) return new TopicRoute(topic, edgeNode, false, null);
        if (_edgeNodes.Contains(edgeNode) || _foreign.Contains(edgeNode)) return new TopicRoute(topic, edgeNode, true, null);
        if (_foreign.Count < _options.MaxForeignEdgeNodes)
        {
            _foreign.Add(edgeNode);
            return new TopicRoute(topic, edgeNode, true, null);
        }

        if (!_told) Log.TooManyEdgeNodes(_log, edgeNode, _options.MaxForeignEdgeNodes);
        _told = true;
        return new TopicRoute(
            topic, MessageBatch.UnreadableKey, true,
            $"{_options.MaxForeignEdgeNodes} edge nodes that are not in the plant model talk already; name it in plant.yaml");
    }

    /// <summary>Bytes by what they say, looked up without a copy of them.</summary>
    private sealed class Utf8Comparer : IEqualityComparer<byte[]>, IAlternateEqualityComparer<ReadOnlySpan<byte>, byte[]>
    {
        public static readonly Utf8Comparer Instance = new();

        public bool Equals(byte[]? x, byte[]? y) => x.AsSpan().SequenceEqual(y);

        public bool Equals(ReadOnlySpan<byte> alternate, byte[] other) => alternate.SequenceEqual(other);

        public int GetHashCode(byte[] bytes) => GetHashCode(bytes.AsSpan());

        public int GetHashCode(ReadOnlySpan<byte> alternate)
        {
            var hash = default(HashCode);
            hash.AddBytes(alternate);
            return hash.ToHashCode();
        }

        public byte[] Create(ReadOnlySpan<byte> alternate) => alternate.ToArray();
    }
}
