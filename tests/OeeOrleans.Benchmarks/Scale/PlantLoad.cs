using System.Diagnostics;
using System.Globalization;
using System.Text;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.Sparkplug.Session;

namespace OeeOrleans.Benchmarks.Scale;

/// <summary>
/// A plant of running machines: ten on an edge node, each with a message of five metrics every two seconds, evenly spread. Edge nodes share
/// connections; the host cannot tell.
/// </summary>
internal sealed class PlantLoad : IAsyncDisposable
{
    public const int MachinesPerNode = 10;
    public const int MetricsPerMessage = 5;

    /// <summary>Sparkplug groups that edge nodes are of in turn: so many partitions can share them by topic filter.</summary>
    public const int Groups = 2;

    /// <summary>Neighbours of one group: the nodes of a line stay together.</summary>
    private const int NodesTogether = 2;
    private const int NodesPerConnection = 125;
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(10);

    private readonly List<RawPublisher> _publishers = [];
    private readonly Node[] _nodes;
    private readonly int _machines;
    private readonly SparkplugPayloadWriter _writer = new();

    private PlantLoad(int machines)
    {
        _machines = machines;
        _nodes = [.. Enumerable.Range(0, (machines + MachinesPerNode - 1) / MachinesPerNode).Select(n => new Node(n))];
    }

    /// <summary>Values published so far, births included: rows the store should have.</summary>
    public long Values { get; private set; }

    public long Messages { get; private set; }

    public static async Task<PlantLoad> ConnectAsync(int port, int machines)
    {
        var load = new PlantLoad(machines);
        for (var n = 0; n < load._nodes.Length; n += NodesPerConnection)
        {
            load._publishers.Add(await RawPublisher.ConnectAsync("127.0.0.1", port, $"load-{n}"));
        }

        return load;
    }

    /// <summary>Machines of the plant file, by line.</summary>
    public static string PlantYaml(int machines, int machinesPerLine)
    {
        var text = new StringBuilder("areas:\n  - id: area1\n    lines:\n");
        for (var m = 0; m < machines; m++)
        {
            var line = m / machinesPerLine;
            if (m % machinesPerLine == 0) text.Append(CultureInfo.InvariantCulture, $"      - id: line{line}\n        machines:\n");
            text.Append(
                CultureInfo.InvariantCulture,
                $"          - {{ id: m{m}, edge_node: {GroupOf(m / MachinesPerNode)}/n{m / MachinesPerNode}, device: d{m % MachinesPerNode}, ideal_cycle_s: 2 }}\n");
        }

        return text.ToString();
    }

    public async Task BirthAsync()
    {
        foreach (var node in _nodes) await BirthAsync(node);
        await FlushAsync();
    }

    /// <summary>Runs until cancelled.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var started = Stopwatch.GetTimestamp();
        var perSecond = _machines / Every.TotalSeconds;
        for (long sent = 0; !cancellationToken.IsCancellationRequested;)
        {
            var due = (long)(Stopwatch.GetElapsedTime(started).TotalSeconds * perSecond);
            for (; sent < due; sent++)
            {
                // Neighbours are of different nodes, as in a plant where nodes know nothing of each other.
                var machine = (int)(sent % _machines);
                var node = _nodes[machine % _nodes.Length];
                var device = machine / _nodes.Length;
                if ((node.Number * MachinesPerNode) + device < _machines) Data(node, device);
            }

            await FlushAsync();
            await Task.Delay(Step, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var publisher in _publishers) await publisher.DisposeAsync();
    }

    private async Task BirthAsync(Node node)
    {
        var now = Now();
        node.Seq = 0;
        _writer.Begin(now, node.Seq++);
        _writer.Integer(new MetricHead("bdSeq", null, now, SparkplugDataType.Int64), 0);
        _writer.Boolean(new MetricHead(NodeCommands.RebirthName, null, now, SparkplugDataType.Boolean), false);
        Send(node, node.BirthTopic);
        for (var device = 0; device < MachinesPerNode && (node.Number * MachinesPerNode) + device < _machines; device++)
        {
            _writer.Begin(now, node.Seq++);
            var alias = Alias(device);
            _writer.Boolean(new MetricHead("state.run", alias, now, SparkplugDataType.Boolean), true);
            _writer.Integer(new MetricHead("counter.good", alias + 1, now, SparkplugDataType.Int64), 0);
            _writer.Integer(new MetricHead("counter.reject", alias + 2, now, SparkplugDataType.Int64), 0);
            _writer.Double(new MetricHead("temperature", alias + 3, now, SparkplugDataType.Double), 20);
            _writer.Double(new MetricHead("pressure", alias + 4, now, SparkplugDataType.Double), 1);
            Send(node, node.DeviceBirthTopics[device]);
            Values += MetricsPerMessage;
        }

        // A socket's buffer is not to be filled by one write.
        await PublisherOf(node).FlushAsync();
    }

    private void Data(Node node, int device)
    {
        var now = Now();
        var alias = Alias(device);
        var count = ++node.Counts[device];
        _writer.Begin(now, node.Seq++);
        _writer.Boolean(new MetricHead(null, alias, now, SparkplugDataType.Boolean), count % 50 != 0);
        _writer.Integer(new MetricHead(null, alias + 1, now, SparkplugDataType.Int64), count);
        _writer.Integer(new MetricHead(null, alias + 2, now, SparkplugDataType.Int64), count / 20);
        _writer.Double(new MetricHead(null, alias + 3, now, SparkplugDataType.Double), 20 + (count % 7));
        _writer.Double(new MetricHead(null, alias + 4, now, SparkplugDataType.Double), 1 + (count % 3));
        Send(node, node.DataTopics[device]);
        Values += MetricsPerMessage;
        Messages++;
    }

    private void Send(Node node, byte[] topic) => PublisherOf(node).Publish(topic, _writer.Written.Span);

    private RawPublisher PublisherOf(Node node) => _publishers[node.Number / NodesPerConnection];

    private async Task FlushAsync()
    {
        foreach (var publisher in _publishers) await publisher.FlushAsync();
    }

    public static string GroupOf(int node) => $"load{node / NodesTogether % Groups}";

    private static ulong Alias(int device) => (ulong)(1 + (device * MetricsPerMessage));

    private static ulong Now() => (ulong)DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    private sealed class Node(int number)
    {
        public int Number => number;

        public byte Seq { get; set; }

        public long[] Counts { get; } = new long[MachinesPerNode];

        public byte[] BirthTopic { get; } = Topic("NBIRTH", number, null);

        public byte[][] DeviceBirthTopics { get; } = [.. Enumerable.Range(0, MachinesPerNode).Select(d => Topic("DBIRTH", number, d))];

        public byte[][] DataTopics { get; } = [.. Enumerable.Range(0, MachinesPerNode).Select(d => Topic("DDATA", number, d))];

        private static byte[] Topic(string type, int node, int? device) =>
            Encoding.ASCII.GetBytes($"spBv1.0/{GroupOf(node)}/{type}/n{node}{(device is { } d ? $"/d{d}" : "")}");
    }
}
