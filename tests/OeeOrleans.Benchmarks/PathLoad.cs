using System.Text;
using OeeOrleans.Benchmarks.Scale;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.Sparkplug.Session;

namespace OeeOrleans.Benchmarks;

/// <summary>Edge nodes with one device each that say all their metrics in every message, as fast as they are asked to.</summary>
internal sealed class PathLoad : IAsyncDisposable
{
    /// <summary>Messages that may be on their way to the broker: what a careful client allows itself.</summary>
    private const int Window = 2_000;

    private readonly Node[] _nodes;
    private readonly int _metrics;
    private readonly RawPublisher _publisher;
    private readonly SparkplugPayloadWriter _writer = new();
    private ulong _timeMs = (ulong)DateTimeOffset.UtcNow.AddHours(-1).ToUnixTimeMilliseconds();

    private PathLoad(RawPublisher publisher, int nodes, int metrics)
    {
        (_publisher, _metrics) = (publisher, metrics);
        _nodes = [.. Enumerable.Range(0, nodes).Select(n => new Node(n))];
    }

    /// <summary>Values published so far, births included: rows the store should have.</summary>
    public long Values { get; private set; }

    public static async Task<PathLoad> ConnectAsync(int port, int nodes, int metrics) =>
        new(await RawPublisher.ConnectAsync("127.0.0.1", port, "path"), nodes, metrics);

    public async Task BirthAsync()
    {
        foreach (var node in _nodes)
        {
            _writer.Begin(_timeMs, node.Seq++);
            _writer.Integer(new MetricHead("bdSeq", null, _timeMs, SparkplugDataType.Int64), 0);
            _writer.Boolean(new MetricHead(NodeCommands.RebirthName, null, _timeMs, SparkplugDataType.Boolean), false);
            _publisher.Publish(node.Topic("NBIRTH", device: false), _writer.Written.Span);
            Write(node, m => $"metric/{m}");
            _publisher.Publish(node.Topic("DBIRTH", device: true), _writer.Written.Span);
        }

        _timeMs++;
        await _publisher.FlushAsync();
    }

    /// <summary>So many values more, from all nodes in turn.</summary>
    public async Task SendAsync(long values)
    {
        var until = Values + values;
        while (Values < until)
        {
            foreach (var node in _nodes)
            {
                Write(node, _ => null);
                _publisher.Publish(node.DataTopic, _writer.Written.Span);
            }

            _timeMs++;
            await _publisher.FlushAsync();
            while (_publisher.Published - _publisher.Acknowledged > Window) await Task.Delay(1);
        }
    }

    public ValueTask DisposeAsync() => _publisher.DisposeAsync();

    private void Write(Node node, Func<int, string?> name)
    {
        _writer.Begin(_timeMs, node.Seq++);
        for (var m = 0; m < _metrics; m++)
        {
            _writer.Double(new MetricHead(name(m), (ulong)m + 1, _timeMs, SparkplugDataType.Double), _timeMs % 1000 / 10.0);
            Values++;
        }
    }

    private sealed class Node(int number)
    {
        public byte Seq { get; set; }

        public byte[] DataTopic { get; } = Encoding.ASCII.GetBytes($"spBv1.0/load/DDATA/n{number}/d");

        public byte[] Topic(string type, bool device) =>
            Encoding.ASCII.GetBytes($"spBv1.0/load/{type}/n{number}{(device ? "/d" : "")}");
    }
}
