using System.Buffers;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using MQTTnet;
using MQTTnet.Protocol;
using OeeOrleans.Edge.Sessions;
using OeeOrleans.Model;
using OeeOrleans.Mqtt;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Edge;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Edge.Results;

/// <summary>
/// OEE results as a Sparkplug edge node of our own, so that any Sparkplug tool can show them: a device for each machine and line, metrics
/// `kpi/oee`, `kpi/availability` and so on of the present shift; unknown is null. Nothing is buffered: results can be computed again, and
/// only the newest is of interest. </summary>
public sealed class ResultsNode
{
    private static readonly TimeSpan ConnectTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    private static readonly (string Name, SparkplugDataType Type, Func<OeeWindow, object?> Of)[] Kpis =
    [
        ("kpi/oee", SparkplugDataType.Double, w => w.Kpis.Oee),
        ("kpi/availability", SparkplugDataType.Double, w => w.Kpis.Availability),
        ("kpi/performance", SparkplugDataType.Double, w => w.Kpis.Performance),
        ("kpi/quality", SparkplugDataType.Double, w => w.Kpis.Quality),
        ("kpi/teep", SparkplugDataType.Double, w => w.Kpis.Teep),
        ("kpi/good", SparkplugDataType.Int64, w => w.Sums.Good),
        ("kpi/reject", SparkplugDataType.Int64, w => w.Sums.Reject),
        ("kpi/shift", SparkplugDataType.String, w => w.Name),
    ];

    /// <summary>
    /// So many results are published, and then others have the broker to themselves: a thousand machines are told of in their turn.
    /// </summary>
    private const int MaxTogether = 25;
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(500);

    private readonly BrokerAddress _broker;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly EdgeNodeSession _session;
    private readonly Dictionary<string, EdgeDevice> _devices;
    private readonly Dictionary<string, OeeWindow> _newest = new(StringComparer.Ordinal);
    private readonly Lock _lock = new();

    /// <summary>Bounded by the devices: each is in it once at most.</summary>
    private readonly Channel<string> _changed = Channel.CreateUnbounded<string>();
    private readonly HashSet<string> _waiting = [];
    private bool _rebirth;
    private Task? _news;
    private readonly Func<Task<byte>> _nextBdSeq;

    /// <param name="group">Sparkplug group.</param>
    /// <param name="node">Edge node.</param>
    /// <param name="devices">Ids of machines and lines.</param>
    /// <param name="broker">Where to publish.</param>
    /// <param name="nextBdSeq">A number for the next session; remembered by whoever gives it.</param>
    public ResultsNode(
        string group, string node, IReadOnlyList<string> devices, BrokerAddress broker, Func<Task<byte>> nextBdSeq, TimeProvider clock,
        ILogger log)
    {
        (_broker, _nextBdSeq, _clock, _log) = (broker, nextBdSeq, clock, log);
        var alias = 0UL;
        var definition = new EdgeNodeDefinition(
            group, node, [], [.. devices.Select(d => new EdgeDevice(d, [.. Kpis.Select(k => new EdgeMetric(k.Name, k.Type, ++alias))]))]);
        _session = new EdgeNodeSession(definition);
        _devices = definition.Devices.ToDictionary(d => d.Id, StringComparer.Ordinal);
    }

    /// <summary>The newest figures of a machine or line.</summary>
    public void Update(string id, OeeWindow shift)
    {
        if (!_devices.ContainsKey(id)) return;
        lock (_lock)
        {
            _newest[id] = shift;
            if (!_waiting.Add(id)) return;
        }

        _changed.Writer.TryWrite(id);
    }

    /// <summary>Publishes until cancelled; reconnects by itself.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                await LiveAsync(cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error) when (error is not OutOfMemoryException)
            {
                // A boundary: results are computed again anyway; the next connection tells the newest.
                Log.ResultsAway(_log, error.Message, MqttConnections.IsNetwork(error) ? null : error);
            }

            await Task.Delay(Pause, _clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task LiveAsync(CancellationToken cancellationToken)
    {
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        using var client = new MqttClientFactory().CreateMqttClient();
        client.DisconnectedAsync += _ => gone.CancelAsync();
        client.ApplicationMessageReceivedAsync += args =>
        {
            if (AsksForRebirth(args.ApplicationMessage)) Volatile.Write(ref _rebirth, true);
            return Task.CompletedTask;
        };
        var (group, node) = (_session.Definition.Group, _session.Definition.Node);
        using (var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken))
        {
            limit.CancelAfter(ConnectTimeout);
            await client.ConnectOrThrowAsync(
                EdgeTransport.Settings(_broker, $"results-{group}-{node}", _session.Will(await _nextBdSeq())), limit.Token);
            var commands = new MqttClientSubscribeOptionsBuilder()
                .WithTopicFilter($"spBv1.0/{group}/NCMD/{node}", MqttQualityOfServiceLevel.AtLeastOnce)
                .Build();
            await client.SubscribeOrThrowAsync(commands, limit.Token);
        }

        try
        {
            await BirthAsync(client, gone.Token);
            while (true)
            {
                if (Interlocked.Exchange(ref _rebirth, false)) await BirthAsync(client, gone.Token);
                var told = 0;
                for (; told < MaxTogether && _changed.Reader.TryRead(out var id); told++) await TellAsync(client, id, gone.Token);
                if (told == MaxTogether) await Task.Delay(Breath, _clock, gone.Token);
                else if (told == 0) await WaitAsync(gone.Token);
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested && client.IsConnected)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
            await client.PublishAsync(EdgeTransport.Message(_session.Death(), qos: 1), limit.Token);
            await client.DisconnectAsync(new MqttClientDisconnectOptions(), limit.Token);
        }
    }

    /// <summary>
    /// Until something changed, or for a second: a rebirth may be asked for meanwhile. One wait for news lasts over many ticks, so nothing
    /// is thrown.
    /// </summary>
    private async Task WaitAsync(CancellationToken gone)
    {
        _news ??= _changed.Reader.WaitToReadAsync(CancellationToken.None).AsTask();
        await Task.WhenAny(_news, Task.Delay(Tick, _clock, gone));
        gone.ThrowIfCancellationRequested();
        if (_news.IsCompleted) _news = null;
    }

    private bool AsksForRebirth(MqttApplicationMessage message)
    {
        if (message.Retain || !SparkplugTopic.TryParse(message.Topic, out var topic, out _)) return false;
        try
        {
            return _session.Accept(topic, message.Payload.ToArray()).OfType<EdgeRequest.Rebirth>().Any();
        }
        catch (SparkplugFormatException error)
        {
            Log.BadCommand(_log, message.Topic, error.Message);
            return false;
        }
    }

    private async Task BirthAsync(IMqttClient client, CancellationToken cancellationToken)
    {
        await client.PublishAsync(EdgeTransport.Message(_session.NodeBirth(NowMs(), []), qos: 0), cancellationToken);
        foreach (var device in _devices.Values)
        {
            await client.PublishAsync(
                EdgeTransport.Message(_session.DeviceBirth(device, NowMs(), Values(device)), qos: 0), cancellationToken);
        }
    }

    private async Task TellAsync(IMqttClient client, string id, CancellationToken cancellationToken)
    {
        lock (_lock) _waiting.Remove(id);
        var device = _devices[id];
        await client.PublishAsync(EdgeTransport.Message(_session.Data(device, NowMs(), Values(device)), qos: 0), cancellationToken);
    }

    private List<EdgeValue> Values(EdgeDevice device)
    {
        OeeWindow? window;
        lock (_lock) window = _newest.GetValueOrDefault(device.Id);
        if (window is null) return [];
        var ms = (ulong)(window.AsOfUs / UnixMicros.PerMillisecond);
        return [.. Kpis.Zip(device.Metrics, (kpi, metric) => new EdgeValue(metric, ms, kpi.Of(window)))];
    }

    private ulong NowMs() => (ulong)_clock.GetUtcNow().ToUnixTimeMilliseconds();
}
