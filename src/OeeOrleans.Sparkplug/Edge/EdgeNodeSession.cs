using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.Sparkplug.Session;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Sparkplug.Edge;

/// <summary>
/// A message to publish. QoS and retain are the transport's: births and data are never retained (Sparkplug 3.0 section 6.4).
/// </summary>
public readonly record struct EdgeMessage(SparkplugTopic Topic, ReadOnlyMemory<byte> Payload);

/// <summary>What a host asks of an edge node.</summary>
public abstract record EdgeRequest
{
    /// <summary>Publish all births again (`Node Control/Rebirth`).</summary>
    public sealed record Rebirth : EdgeRequest;

    /// <summary>A control point that the specification does not know (`Node Control/...`, `Device Control/...`): for extensions between a
    /// host and its own edge nodes. The value is a string, or a UInt64.</summary>
    public sealed record Control(string Name, object? Value) : EdgeRequest
    {
        /// <summary>The device it is of; null: the node.</summary>
        public string? Device { get; init; }
    }

    /// <summary>Write a value to a metric; device null = of the node itself.</summary>
    public sealed record Write(string? Device, EdgeMetric Metric, object? Value) : EdgeRequest;

    /// <summary>A metric that does not exist or cannot be written.</summary>
    public sealed record Unknown(string? Device, string Name) : EdgeRequest;
}

/// <summary>
/// The edge node's side of a Sparkplug session: bytes in, bytes out. One per connection attempt chain: <see cref="Will"/> before the
/// connect, then births, then data; `seq` grows by one per message of node and devices together. Not safe for concurrent use: one loop owns
/// it.
/// <code>
/// offline --Will/connect--> connected --NodeBirth, DeviceBirth...--> born --Data, DeviceDeath--> born --Death/lost--> offline
/// </code>
/// </summary>
public sealed class EdgeNodeSession(EdgeNodeDefinition definition)
{
    private const string NodeControl = "Node Control/";
    private const string DeviceControl = "Device Control/";

    private readonly SparkplugPayloadWriter _writer = new();
    private readonly Dictionary<ulong, (string? Device, EdgeMetric Metric)> _byAlias = Index(definition);
    private int _seq = -1;
    private ulong _lastMs;

    public EdgeNodeDefinition Definition => definition;

    /// <summary>Number of this connection, 0..255; in the will and in every birth of it.</summary>
    public byte BdSeq { get; private set; }

    public bool Born { get; private set; }

    /// <summary>The NDEATH to register as the will (QoS 1, not retained), for a connection with the number after the last one's.</summary>
    public EdgeMessage Will(byte bdSeq)
    {
        (BdSeq, Born) = (bdSeq, false);
        return Death();
    }

    /// <summary>The NDEATH to publish before an intentional disconnect: the same payload as the will.</summary>
    public EdgeMessage Death()
    {
        Born = false;
        _writer.BeginWill();
        _writer.Integer(new MetricHead("bdSeq", null, 0, SparkplugDataType.Int64), BdSeq);
        return Message(SparkplugMessageType.NDeath, null);
    }

    /// <summary>NBIRTH: `seq` starts at 0; bdSeq, the rebirth control, and every metric of the node with its current value.</summary>
    /// <param name="nowMs">When it is sent.</param>
    /// <param name="values">Current values of the node's own metrics; those without one are null.</param>
    /// <param name="controls">Further control points to announce.</param>
    public EdgeMessage NodeBirth(ulong nowMs, IReadOnlyCollection<EdgeValue> values, IReadOnlyList<ControlValue>? controls = null)
    {
        _seq = -1;
        var sent = Begin(nowMs);
        _writer.Integer(new MetricHead("bdSeq", null, sent, SparkplugDataType.Int64), BdSeq);
        _writer.Boolean(new MetricHead(NodeCommands.RebirthName, null, sent, SparkplugDataType.Boolean), false);
        WriteControls(controls, sent);
        WriteBirth(definition.Metrics, values, sent);
        Born = true;
        return Message(SparkplugMessageType.NBirth, null);
    }

    /// <summary>DBIRTH of a device, after the NBIRTH: every metric with its current value.</summary>
    /// <param name="device">The device.</param>
    /// <param name="nowMs">When it is sent.</param>
    /// <param name="values">Current values; metrics without one are null.</param>
    /// <param name="controls">Control points to announce.</param>
    public EdgeMessage DeviceBirth(
        EdgeDevice device, ulong nowMs, IReadOnlyCollection<EdgeValue> values, IReadOnlyList<ControlValue>? controls = null)
    {
        CheckBorn("DBIRTH");
        var sent = Begin(nowMs);
        WriteControls(controls, sent);
        WriteBirth(device.Metrics, values, sent);
        return Message(SparkplugMessageType.DBirth, device.Id);
    }

    /// <summary>NDATA with values of control points.</summary>
    public EdgeMessage Control(ulong nowMs, IReadOnlyList<ControlValue> controls)
    {
        CheckBorn("data");
        WriteControls(controls, Begin(nowMs));
        return Message(SparkplugMessageType.NData, null);
    }

    /// <summary>NDATA (device null) or DDATA.</summary>
    public EdgeMessage Data(EdgeDevice? device, ulong nowMs, IReadOnlyList<EdgeValue> values, bool historical = false)
    {
        CheckBorn("data");
        Begin(nowMs);
        foreach (var value in values) value.Write(_writer, birth: false, historical);
        return Message(device is null ? SparkplugMessageType.NData : SparkplugMessageType.DData, device?.Id);
    }

    /// <summary>DDATA from a payload kept aside, whose metrics go by alias, and control points by name.</summary>
    /// <param name="device">The device; its metrics are those of <paramref name="kept"/>.</param>
    /// <param name="kept">A payload without `seq`.</param>
    /// <param name="historical">Whether its values are of the past; those that say so themselves are in any case.</param>
    /// <param name="known">The name and type under an alias that this life of the node has not announced; null when nobody knows.</param>
    /// <param name="control">A control value that goes with it, by its alias.</param>
    public EdgeMessage Replay(
        EdgeDevice device, ulong nowMs, ReadOnlySpan<byte> kept, bool historical, Func<ulong, EdgeMetric?> known,
        ControlValue? control = null)
    {
        CheckBorn("data");
        Begin(nowMs);
        var reader = new SparkplugPayloadReader(kept);
        while (reader.TryReadMetric(out var metric))
        {
            if (metric.HasName && metric.Alias is null)
            {
                _writer.Copy(metric, new MetricHead(System.Text.Encoding.UTF8.GetString(metric.Name), null, 0, metric.DataType));
                continue;
            }

            var alias = metric.Alias ?? 0;
            if (_byAlias.TryGetValue(alias, out var announced) && announced.Device == device.Id)
            {
                _writer.Copy(metric, new MetricHead(null, alias, 0, announced.Metric.Type, historical || metric.IsHistorical));
            }
            else if (known(alias) is { } old)
            {
                _writer.Copy(metric, new MetricHead(old.Name, null, 0, old.Type, historical || metric.IsHistorical));
            }
        }

        control?.Write(_writer, byAlias: true, 0, historical);
        return Message(SparkplugMessageType.DData, device.Id);
    }

    public EdgeMessage DeviceDeath(EdgeDevice device, ulong nowMs)
    {
        CheckBorn("DDEATH");
        Begin(nowMs);
        return Message(SparkplugMessageType.DDeath, device.Id);
    }

    /// <summary>Reads an NCMD or DCMD for this node.</summary>
    /// <exception cref="SparkplugFormatException">The payload is malformed.</exception>
    public IReadOnlyList<EdgeRequest> Accept(in SparkplugTopic topic, ReadOnlySpan<byte> payload)
    {
        var requests = new List<EdgeRequest>();
        if (topic.Group != definition.Group
            || topic.Node != definition.Node
            || topic.Type is not (SparkplugMessageType.NCommand or SparkplugMessageType.DCommand))
        {
            return requests;
        }

        var reader = new SparkplugPayloadReader(payload);
        while (reader.TryReadMetric(out var metric)) requests.Add(Read(topic.Device, metric));
        return requests;
    }

    private EdgeRequest Read(string? device, scoped in MetricView metric)
    {
        var name = metric.HasName ? System.Text.Encoding.UTF8.GetString(metric.Name) : null;
        if (device is null && name == NodeCommands.RebirthName)
        {
            return metric.Bits != 0 ? new EdgeRequest.Rebirth() : new EdgeRequest.Unknown(null, $"{NodeCommands.RebirthName} = false");
        }

        if (name?.StartsWith(device is null ? NodeControl : DeviceControl, StringComparison.Ordinal) == true)
        {
            return new EdgeRequest.Control(name, ControlOf(metric)) { Device = device };
        }

        var found = name is null ? ByAlias(device, metric.Alias) : ByName(device, name);
        if (found is not { Writable: true }) return new EdgeRequest.Unknown(device, name ?? $"alias {metric.Alias}");
        return new EdgeRequest.Write(device, found, ValueOf(metric, found.Type));
    }

    private EdgeMetric? ByName(string? device, string name)
    {
        var metrics = device is null ? definition.Metrics : definition.Devices.FirstOrDefault(d => d.Id == device)?.Metrics;
        return metrics?.FirstOrDefault(m => m.Name == name);
    }

    private EdgeMetric? ByAlias(string? device, ulong? alias) =>
        alias is { } number && _byAlias.TryGetValue(number, out var known) && known.Device == device ? known.Metric : null;

    private static object? ValueOf(scoped in MetricView metric, SparkplugDataType type)
    {
        if (metric.IsNull) return null;
        if (metric.Field == ValueField.String) return System.Text.Encoding.UTF8.GetString(metric.Content);
        if (type == SparkplugDataType.Boolean) return metric.Bits != 0;
        if (!MetricValue.IsInteger(type) || metric.Field is not (ValueField.Int or ValueField.Long))
        {
            return metric.TryGetDouble(type, out var number) ? number : null;
        }

        if (MetricValue.IsSigned(type)) return MetricValue.Signed(type, metric.Bits);
        var unsigned = MetricValue.Unsigned(type, metric.Field, metric.Bits);
        return type == SparkplugDataType.UInt64 ? unsigned : (object)(long)unsigned;
    }

    private static object? ControlOf(scoped in MetricView metric)
    {
        if (metric.IsNull) return null;
        return metric.Field == ValueField.String ? System.Text.Encoding.UTF8.GetString(metric.Content) : metric.Bits;
    }

    private void WriteControls(IReadOnlyList<ControlValue>? controls, ulong sentMs)
    {
        foreach (var control in controls ?? []) control.Write(_writer, byAlias: false, sentMs, historical: false);
    }

    private void WriteBirth(IReadOnlyList<EdgeMetric> metrics, IReadOnlyCollection<EdgeValue> values, ulong sentMs)
    {
        var current = values.ToDictionary(v => v.Metric.Alias);
        foreach (var metric in metrics)
        {
            var value = current.TryGetValue(metric.Alias, out var known) ? known : new EdgeValue(metric, sentMs, null);
            value.Write(_writer, birth: true, historical: false);
        }
    }

    /// <summary>
    /// The time a message is sent never goes back and is never the same twice: hosts tell a redelivery from a loss by it.
    /// </summary>
    private ulong Begin(ulong nowMs)
    {
        _lastMs = Math.Max(_lastMs + 1, nowMs);
        _seq = (_seq + 1) & 0xFF;
        _writer.Begin(_lastMs, (byte)_seq);
        return _lastMs;
    }

    private EdgeMessage Message(SparkplugMessageType type, string? device) =>
        new(new SparkplugTopic(type, definition.Group, definition.Node, device), _writer.Written.ToArray());

    private void CheckBorn(string what)
    {
        if (!Born) throw new InvalidOperationException($"{what} before NBIRTH: {definition.Group}/{definition.Node} must be born first");
    }

    private static Dictionary<ulong, (string? Device, EdgeMetric Metric)> Index(EdgeNodeDefinition definition)
    {
        var twice = definition.Devices.GroupBy(d => d.Id, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1);
        if (twice is not null)
        {
            throw new ArgumentException(
                $"the device {twice.Key} is there twice; device ids are unique in an edge node", nameof(definition));
        }

        var byAlias = new Dictionary<ulong, (string?, EdgeMetric)>();
        foreach (var (device, metric) in definition.Metrics.Select(m => ((string?)null, m)).Concat(
            definition.Devices.SelectMany(d => d.Metrics.Select(m => ((string?)d.Id, m)))))
        {
            if (!byAlias.TryAdd(metric.Alias, (device, metric)))
            {
                throw new ArgumentException(
                    $"the alias {metric.Alias} of {metric.Name} is used twice; aliases are unique over the edge node", nameof(definition));
            }
        }

        return byAlias;
    }
}
