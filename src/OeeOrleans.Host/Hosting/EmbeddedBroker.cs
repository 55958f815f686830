using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using MQTTnet;
using MQTTnet.Packets;
using MQTTnet.Protocol;
using MQTTnet.Server;
using OeeOrleans.Sparkplug.Topics;
using Prometheus;

namespace OeeOrleans.Host.Hosting;

/// <summary>The sessions of ingress: fixed client ids, and the topic filter of each.</summary>
internal sealed record IngressSessions(IReadOnlyDictionary<string, string> FilterByClient);

/// <summary>
/// MQTTnet.Server in this process, with a <see cref="BrokerLog"/> before it: a QoS 1 or 2 message for ingress is acknowledged to its publisher when it is on the disk, and taken from there when
/// ingress acknowledges it. After a crash what is left is given to ingress first; until then publishers wait.
/// </summary>
internal sealed class EmbeddedBroker : IAsyncDisposable
{
    /// <summary>Messages that wait for their commit at most; beyond it publishers wait.</summary>
    private const int MaxUncommitted = 100_000;

    private const string NumberProperty = "oee-log";

    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(20);

    private static readonly Gauge Clients = Metrics.CreateGauge("broker_connected_clients", "Clients connected to the broker, as the broker says.");
    private static readonly Gauge Uncommitted = Metrics.CreateGauge("broker_uncommitted_messages", "Messages the embedded broker acknowledged that are not committed yet; they are on the disk.");

    private readonly MqttServer _server;
    private readonly BrokerLog _log;
    private readonly IngressSessions _ingress;
    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly ConcurrentDictionary<string, bool> _subscribed = new(StringComparer.Ordinal);
    /// <summary>How many sessions still have to acknowledge a message.</summary>
    private readonly Dictionary<ulong, int> _awaited = [];

    /// <summary>Sender of what comes from the log; nobody can know it.</summary>
    private readonly string _self = $"log-{Guid.NewGuid():N}";

    private int _clients;
    private int _replaying;

    private EmbeddedBroker(MqttServer server, BrokerLog log, IngressSessions ingress, int port) => (_server, _log, _ingress, Port) = (server, log, ingress, port);

    public int Port { get; }

    /// <param name="address">Address to listen on.</param>
    /// <param name="port">0 = any free one.</param>
    /// <param name="directory">Of the log.</param>
    /// <param name="ingress">Who commits.</param>
    public static async Task<EmbeddedBroker> StartAsync(string address, int port, string directory, IngressSessions ingress)
    {
        var chosen = port == 0 ? FreePort.Find() : port;
        var options = new MqttServerOptionsBuilder()
            .WithDefaultEndpoint()
            .WithDefaultEndpointBoundIPAddress(IPAddress.Parse(address))
            .WithDefaultEndpointBoundIPV6Address(IPAddress.None)
            .WithDefaultEndpointPort(chosen)
            .WithPersistentSessions()
            // Acknowledged messages wait here for a slow consumer; the default would drop the oldest after 250.
            .WithMaxPendingMessagesPerClient(1_000_000)
            .WithPendingMessagesOverflowStrategy(MqttPendingMessagesOverflowStrategy.DropNewMessage)
            .Build();
        var broker = new EmbeddedBroker(new MqttServerFactory().CreateMqttServer(options), new BrokerLog(directory), ingress, chosen);
        broker._server.ClientConnectedAsync += _ => broker.Count(1);
        broker._server.ClientDisconnectedAsync += _ => broker.Count(-1);
        broker._server.InterceptingPublishAsync += broker.PublishingAsync;
        broker._server.ClientAcknowledgedPublishPacketAsync += broker.AcknowledgedAsync;
        broker._server.ClientSubscribedTopicAsync += broker.SubscribedAsync;
        try
        {
            await broker._server.StartAsync();
        }
        catch (System.Net.Sockets.SocketException error)
        {
            await broker._log.DisposeAsync();
            throw new IOException($"the embedded broker cannot listen on {address}:{chosen}: {error.Message}; choose another with --mqtt-port (0 = any free one)", error);
        }

        return broker;
    }

    public async ValueTask DisposeAsync()
    {
        await _server.StopAsync();
        _server.Dispose();
        await _log.DisposeAsync();
    }

    /// <summary>Called before a publisher is answered, one message of a client at a time.</summary>
    private async Task PublishingAsync(InterceptingPublishEventArgs args)
    {
        var message = args.ApplicationMessage;
        if (args.ClientId == _self || message.QualityOfServiceLevel == MqttQualityOfServiceLevel.AtMostOnce || !IsForIngress(message.Topic)) return;
        var readers = ReadersOf(message.Topic);
        if (readers == 0) return;
        try
        {
            // Until ingress has its sessions, a message would go nowhere; and what was left from before goes first.
            await _open.Task.WaitAsync(args.CancellationToken);
            while (_log.Count >= MaxUncommitted) await Task.Delay(Breath, args.CancellationToken);
            var number = await _log.AppendAsync(message.Topic, message.Payload.ToArray(), (byte)message.QualityOfServiceLevel);
            Mark(message, number, readers);
        }
        catch (Exception error) when (error is IOException or OperationCanceledException)
        {
            // Not durable, so not acknowledged: the publisher has to send it again.
            args.ProcessPublish = false;
            args.CloseConnection = true;
        }
    }

    private Task AcknowledgedAsync(ClientAcknowledgedPublishPacketEventArgs args)
    {
        if (!args.IsCompleted || !_ingress.FilterByClient.ContainsKey(args.ClientId)) return Task.CompletedTask;
        if (args.PublishPacket.UserProperties?.LastOrDefault(p => p.Name == NumberProperty) is not { } property) return Task.CompletedTask;
        var number = ulong.Parse(property.ReadValueAsString(), CultureInfo.InvariantCulture);
        lock (_awaited)
        {
            if (!_awaited.TryGetValue(number, out var left)) return Task.CompletedTask;
            if (left > 1)
            {
                _awaited[number] = left - 1;
                return Task.CompletedTask;
            }

            _awaited.Remove(number);
        }

        _log.Remove(number);
        Uncommitted.Set(_log.Count);
        return Task.CompletedTask;
    }

    private Task SubscribedAsync(ClientSubscribedTopicEventArgs args)
    {
        if (!_ingress.FilterByClient.TryGetValue(args.ClientId, out var filter) || args.TopicFilter.Topic != filter) return Task.CompletedTask;
        _subscribed[args.ClientId] = true;
        // Once, and not here: the subscriber waits for an answer.
        if (_subscribed.Count == _ingress.FilterByClient.Count && Interlocked.Exchange(ref _replaying, 1) == 0) _ = Task.Run(ReplayAsync);
        return Task.CompletedTask;
    }

    private async Task ReplayAsync()
    {
        try
        {
            foreach (var logged in _log.Messages().ToList())
            {
                var readers = ReadersOf(logged.Topic);
                if (readers == 0)
                {
                    // The partitions are others now, and none of them asks for it.
                    _log.Remove(logged.Number);
                    continue;
                }

                var message = new MqttApplicationMessageBuilder().WithTopic(logged.Topic).WithPayload(logged.Payload).WithQualityOfServiceLevel((MqttQualityOfServiceLevel)logged.Qos).Build();
                Mark(message, logged.Number, readers);
                await _server.InjectApplicationMessage(new InjectedMqttApplicationMessage(message) { SenderClientId = _self });
            }

            _open.TrySetResult();
        }
        catch (Exception error)
        {
            // A boundary: without it publishers would wait for ever; so they are sent away until a restart, and nothing is lost.
            _open.TrySetException(new IOException($"what a former life left cannot be given to ingress: {error.Message}", error));
        }
    }

    private int ReadersOf(string topic) => _ingress.FilterByClient.Values.Count(f => MqttTopicFilterComparer.Compare(topic, f) == MqttTopicFilterCompareResult.IsMatch);

    private void Mark(MqttApplicationMessage message, ulong number, int readers)
    {
        lock (_awaited) _awaited[number] = readers;
        message.UserProperties = [.. message.UserProperties ?? [], new MqttUserProperty(NumberProperty, System.Text.Encoding.UTF8.GetBytes(number.ToString(CultureInfo.InvariantCulture)))];
        Uncommitted.Set(_log.Count);
    }

    /// <summary>Commands and host states are of the moment: told again after a crash they would do harm.</summary>
    private static bool IsForIngress(string topic) => !SparkplugTopic.TryParse(topic, out var parsed, out _) || parsed.IsFromEdgeNode;

    private Task Count(int change)
    {
        Clients.Set(Interlocked.Add(ref _clients, change));
        return Task.CompletedTask;
    }
}
