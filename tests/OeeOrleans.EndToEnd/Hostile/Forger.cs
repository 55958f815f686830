using System.Text;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Payload;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>A client that says anything under anybody's name.</summary>
public sealed class Forger : IAsyncDisposable
{
    private const int Outstanding = 200;

    private readonly IMqttClient _client = new MqttClientFactory().CreateMqttClient();
    private readonly SemaphoreSlim _room = new(Outstanding, Outstanding);

    /// <param name="plant">Our own broker says what it refuses, to whom MQTT 5 lets it say so.</param>
    public static Task<Forger> StartAsync(HostilePlant plant) =>
        StartAsync(plant.BrokerPort, plant.IsEmbedded ? MqttProtocolVersion.V500 : MqttProtocolVersion.V311);

    public static async Task<Forger> StartAsync(int port, MqttProtocolVersion version = MqttProtocolVersion.V311)
    {
        var forger = new Forger();
        await forger._client.ConnectAsync(
            new MqttClientOptionsBuilder()
                .WithTcpServer("127.0.0.1", port)
                .WithCredentials(TestAccess.EdgeName, TestAccess.EdgeKey)
                .WithProtocolVersion(version)
                .WithTimeout(TimeSpan.FromSeconds(120))
                .Build());
        return forger;
    }

    /// <summary>Says it and waits for the broker's word.</summary>
    public Task SayAsync(string topic, byte[] payload) => _client.PublishAsync(new MqttApplicationMessageBuilder()
        .WithTopic(topic)
        .WithPayload(payload)
        .WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce)
        .Build());

    /// <summary>Says it when there is room; the task is the broker's word.</summary>
    public async Task<Task> QueueAsync(string topic, byte[] payload)
    {
        await _room.WaitAsync();
        return SaidAsync(topic, payload);
    }

    public static byte[] NodeBirth(ulong ms, long bdSeq)
    {
        var writer = new SparkplugPayloadWriter().Begin(ms, 0);
        writer.Integer(new MetricHead("bdSeq", null, ms, SparkplugDataType.Int64), bdSeq);
        return writer.Written.ToArray();
    }

    public static byte[] Run(ulong sentMs, byte seq, ulong atMs, bool running)
    {
        var writer = new SparkplugPayloadWriter().Begin(sentMs, seq);
        writer.Boolean(new MetricHead("state.run", null, atMs, SparkplugDataType.Boolean), running);
        return writer.Written.ToArray();
    }

    public async ValueTask DisposeAsync()
    {
        await _client.DisconnectAsync();
        _client.Dispose();
        _room.Dispose();
    }

    private async Task SaidAsync(string topic, byte[] payload)
    {
        try
        {
            await SayAsync(topic, payload);
        }
        finally
        {
            _room.Release();
        }
    }
}

/// <summary>Messages with odd topics, names, times and sequences, the same ones for a seed.</summary>
public sealed class HostileMessages(int seed)
{
    private static readonly string[] Kinds = ["NBIRTH", "DBIRTH", "NDATA", "DDATA", "NDEATH", "DDEATH", "STATE", "XDATA", ""];

    private static readonly string[] Odd =
        [
            "",
            " ",
            "'; drop table sample; --",
            "$SYS",
            "\u0001",
            "\u202e",
            "ünïcødé",
            "\uFFFD",
            "..",
            "-",
            "\t",
            "NaN",
            "press1",
            "{}",
            "a\"b",
            "日本",
        ];

    private const int MaxLevels = 190;

    private readonly Random _random = new(seed);
    private readonly SparkplugPayloadWriter _writer = new();

    public (string Topic, byte[] Payload) Next()
    {
        var kind = Kinds[_random.Next(10) < 8 ? _random.Next(6) : _random.Next(Kinds.Length)];
        return (Topic(kind), Payload(kind));
    }

    private string Topic(string kind)
    {
        var group = _random.Next(10) == 0 ? Name() : "e2e";
        // Mostly the nodes of the plant, and a few thousand that nobody knows.
        var mad = _random.Next(10) < 8 ? $"mad{_random.Next(1, 5)}" : $"ghost{_random.Next(3000)}";
        var node = _random.Next(20) == 0 ? Name() : mad;
        var device = _random.Next(10) < 8 ? node : Name();
        var ns = _random.Next(50) == 0 ? Name() : "spBv1.0";
        var topic = kind.StartsWith('D') != (_random.Next(20) == 0)
            ? $"{ns}/{group}/{kind}/{node}/{device}"
            : $"{ns}/{group}/{kind}/{node}";
        if (_random.Next(100) == 0) topic += "/" + Name();
        // A broker lets nobody say these, nor topics of more than 200 levels (mosquitto), and $ begins topics of its own.
        var deep = topic.Count(c => c == '/') > MaxLevels;
        topic = string.Concat(topic.Select(c => c is '+' or '#' || (deep && c == '/') || char.IsControl(c) ? '_' : c));
        if (Encoding.UTF8.GetByteCount(topic) > 60_000) topic = topic[..20_000];
        return topic.StartsWith('$') ? "x" + topic : topic;
    }

    private byte[] Payload(string kind)
    {
        _writer.Begin(Time(), (byte)_random.Next(256));
        if (kind is "NBIRTH" or "NDEATH" && _random.Next(10) < 9)
        {
            _writer.Integer(new MetricHead("bdSeq", null, Time(), SparkplugDataType.Int64), _random.Next(260));
        }

        for (var i = _random.Next(4); i > 0; i--) Metric();
        var payload = _writer.Written.ToArray();
        // A sequence number that no byte holds: the last one of a field counts.
        return _random.Next(10) > 0
            ? payload
            : [.. payload, 0x18, .. Varint(_random.Next(2) == 0 ? ulong.MaxValue : (ulong)_random.NextInt64())];
    }

    private void Metric()
    {
        var highest = _random.Next(2) == 0 ? 5 : long.MaxValue;
        ulong? alias = _random.Next(2) == 0 ? (ulong)_random.NextInt64(highest) : null;
        var name = _random.Next(2) == 0 ? Canonical() : Name();
        switch (_random.Next(4))
        {
            case 0:
                _writer.Boolean(new MetricHead(name, alias, Time(), SparkplugDataType.Boolean, _random.Next(2) == 0), _random.Next(2) == 0);
                break;
            case 1:
                _writer.Integer(new MetricHead(name, alias, Time(), SparkplugDataType.Int64), _random.NextInt64());
                break;
            case 2:
                _writer.Double(
                    new MetricHead(name, alias, Time(), SparkplugDataType.Double),
                    _random.Next(3) == 0 ? double.NaN : _random.NextDouble() * 1e300);
                break;
            default:
                _writer.Value(new MetricHead(name, alias, Time(), SparkplugDataType.String), Name());
                break;
        }
    }

    private string Canonical() => _random.Next(4) switch
    {
        0 => "state.run",
        1 => "counter.good",
        2 => "fault.code",
        _ => "counter.total",
    };

    private string Name() => _random.Next(6) switch
    {
        0 => Odd[_random.Next(Odd.Length)],
        1 => new string((char)_random.Next(0x20, 0x7F), _random.Next(1, 300)),
        2 => _random.Next(20) == 0 ? new string('n', 6_000) : "n",
        3 => _random.Next(200) == 0 ? new string('ß', 30_000) : "N",
        4 => string.Concat(Odd[_random.Next(Odd.Length)], Odd[_random.Next(Odd.Length)]),
        _ => $"metric{_random.Next(500)}",
    };

    private ulong Time()
    {
        var now = (ulong)DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        return _random.Next(12) switch
        {
            0 => 0,
            1 => ulong.MaxValue,
            2 => (ulong)DateTimeOffset.Parse("9998-06-01T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture)
                .ToUnixTimeMilliseconds(),
            3 => (ulong)DateTimeOffset.Parse("2096-06-01T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture)
                .ToUnixTimeMilliseconds(),
            4 => now - (ulong)_random.NextInt64(200L * 86_400_000),
            5 => now + (ulong)_random.NextInt64(200L * 86_400_000),
            6 => (ulong)_random.NextInt64(),
            _ => now - (ulong)_random.Next(5_000),
        };
    }

    private static byte[] Varint(ulong value)
    {
        var bytes = new List<byte>();
        for (; value >= 0x80; value >>= 7) bytes.Add((byte)(value | 0x80));
        bytes.Add((byte)value);
        return [.. bytes];
    }
}
