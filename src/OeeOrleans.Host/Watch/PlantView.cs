using System.Globalization;
using System.Text;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.Sparkplug.Session;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Host.Watch;

/// <summary>
/// A plant as its messages show it: edge nodes, devices, metrics with their values, rates, sequence errors and ages. Safe for concurrent
/// use.
/// </summary>
internal sealed class PlantView(TimeProvider clock)
{
    private readonly SortedDictionary<string, NodeView> _nodes = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    private readonly Queue<string> _unborn = new();

    public int Unreadable { get; private set; }

    /// <summary>The next edge node whose births are not known and that was not asked for them yet; null when there is none.</summary>
    public string? NextUnborn()
    {
        lock (_lock) return _unborn.TryDequeue(out var node) ? node : null;
    }

    public void Hear(string topic, ReadOnlySpan<byte> payload)
    {
        lock (_lock)
        {
            if (!SparkplugTopic.TryParse(topic, out var parsed, out _))
            {
                Unreadable++;
                return;
            }

            if (parsed.Type is SparkplugMessageType.State or SparkplugMessageType.NCommand or SparkplugMessageType.DCommand) return;
            if (!_nodes.TryGetValue(parsed.EdgeNode, out var node)) _nodes[parsed.EdgeNode] = node = new NodeView();
            try
            {
                if (node.Hear(parsed, payload, clock.GetUtcNow())) _unborn.Enqueue(parsed.EdgeNode);
            }
            catch (SparkplugFormatException)
            {
                Unreadable++;
            }
        }
    }

    /// <summary>The tree as lines: depth and text. At most so many metrics a device.</summary>
    public List<(int Depth, string Text)> Lines(int maxMetrics)
    {
        lock (_lock)
        {
            var now = clock.GetUtcNow();
            var lines = new List<(int, string)>();
            foreach (var (name, node) in _nodes) node.AddTo(lines, name, now, maxMetrics);
            if (Unreadable > 0) lines.Add((0, string.Create(CultureInfo.InvariantCulture, $"{Unreadable} unreadable messages")));
            return lines;
        }
    }

    private sealed class NodeView
    {
        private readonly HostNodeSession _session = new();
        private readonly SortedDictionary<string, DeviceView> _devices = new(StringComparer.Ordinal);
        private readonly Rate _messages = new();
        private int _births;
        private int _missed;
        private bool _asked;
        private DateTimeOffset _last;

        /// <summary>True once: when it cannot be understood without a rebirth.</summary>
        public bool Hear(in SparkplugTopic topic, ReadOnlySpan<byte> payload, DateTimeOffset now)
        {
            var reader = new SparkplugPayloadReader(payload);
            var outcome = _session.Accept(topic, ref reader);
            _last = now;
            _messages.Count(now, 1);
            _missed += outcome.MissedMessages;
            if (topic.Type == SparkplugMessageType.NBirth) _births++;
            var ask = outcome.RebirthReason is not null && !_asked;
            _asked |= ask;
            if (outcome.Table is null || topic.Type is SparkplugMessageType.NDeath or SparkplugMessageType.DDeath) return ask;
            var name = topic.Device ?? "";
            if (!_devices.TryGetValue(name, out var device)) _devices[name] = device = new DeviceView();
            while (reader.TryReadMetric(out var metric))
            {
                if (HostNodeSession.Resolve(outcome, metric) is not { } definition) device.UnknownAliases++;
                else device.Hear(definition, metric, now);
            }

            return ask;
        }

        public void AddTo(List<(int, string)> lines, string name, DateTimeOffset now, int maxMetrics)
        {
            var offline = _session.Current is null ? "birth not seen" : "OFFLINE";
            lines.Add((0, string.Create(CultureInfo.InvariantCulture,
                $"{name}  {(_session.Online ? "online" : offline)}, "
                    + $"{_messages.PerSecond(now):0.0} messages/s, {_births} births, {_missed} missed, {Age(now - _last)} ago")));
            foreach (var (id, device) in _devices)
            {
                var table = id.Length == 0 ? _session.Current?.Node : _session.Current?.Find(id);
                device.AddTo(
                    lines, id.Length == 0 ? "(node)" : id, Life(table), now,
                    maxMetrics);
            }
        }
    }

    private sealed class DeviceView
    {
        private readonly SortedDictionary<string, (string Value, DateTimeOffset At)> _metrics = new(StringComparer.Ordinal);
        private readonly Rate _values = new();

        public int UnknownAliases { get; set; }

        public void Hear(MetricDefinition definition, scoped in MetricView metric, DateTimeOffset now)
        {
            _values.Count(now, 1);
            if (metric.IsHistorical) return;
            var sent = metric.Timestamp is { } ms && ms < 253_402_300_799_999 ? DateTimeOffset.FromUnixTimeMilliseconds((long)ms) : now;
            _metrics[definition.Name] = (Text(metric, definition.Type), sent);
        }

        public void AddTo(List<(int, string)> lines, string name, string state, DateTimeOffset now, int maxMetrics)
        {
            lines.Add((1, string.Create(CultureInfo.InvariantCulture,
                $"{name}  {state}, {_metrics.Count} metrics, {_values.PerSecond(now):0.0} "
                    + $"values/s{(UnknownAliases > 0 ? $", {UnknownAliases} unknown aliases" : "")}")));
            foreach (var (metric, (value, at)) in _metrics.Take(maxMetrics)) lines.Add((2, $"{metric} = {value}  {Age(now - at)} old"));
            if (_metrics.Count > maxMetrics)
            {
                lines.Add((2, string.Create(CultureInfo.InvariantCulture, $"and {_metrics.Count - maxMetrics} more")));
            }
        }

        private static string Text(scoped in MetricView metric, SparkplugDataType type)
        {
            if (metric.IsNull) return "null";
            if (metric.Field == ValueField.Boolean) return metric.Bits != 0 ? "true" : "false";
            if (metric.Field == ValueField.String)
            {
                return '"' + Encoding.UTF8.GetString(metric.Content[..Math.Min(metric.Content.Length, 60)]) + '"';
            }

            var of = metric.DataType != SparkplugDataType.Unknown ? metric.DataType : type;
            return metric.TryGetDouble(of, out var number)
                ? number.ToString("R", CultureInfo.InvariantCulture)
                : $"({type}, {metric.Content.Length} bytes)";
        }
    }

    /// <summary>Events a second over the last five seconds or so.</summary>
    private sealed class Rate
    {
        private const double WindowS = 5;
        private double _rate;
        private DateTimeOffset _at;

        public void Count(DateTimeOffset now, int events) => (_rate, _at) = (Decayed(now) + (events / WindowS), now);

        public double PerSecond(DateTimeOffset now) => Decayed(now);

        private double Decayed(DateTimeOffset now) => _rate * Math.Exp(-Math.Max(0, (now - _at).TotalSeconds) / WindowS);
    }

    private static string Life(DeviceTable? table)
    {
        if (table is null) return "birth not seen";
        return table.Online ? "alive" : "DEAD";
    }

    private static string Age(TimeSpan age) => age.TotalSeconds switch
    {
        < 60 => string.Create(CultureInfo.InvariantCulture, $"{Math.Max(0, age.TotalSeconds):0.0} s"),
        < 3600 => $"{(int)age.TotalMinutes} min",
        _ => $"{(int)age.TotalHours} h",
    };
}
