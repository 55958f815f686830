using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using Microsoft.Extensions.Logging;
using MQTTnet;
using MQTTnet.Packets;
using MQTTnet.Protocol;
using MQTTnet.Server;
using OeeOrleans.Sparkplug.Topics;
using Prometheus;

namespace OeeOrleans.Broker;

/// <summary>
/// MQTTnet.Server in this process, with a <see cref="BrokerLog"/> before it: a QoS 1 or 2 message for ingress is acknowledged to its
/// publisher when it is on the disk, and taken from there when ingress acknowledges it. After a crash what is left is given to ingress
/// first; until then publishers wait. </summary>
public sealed class EmbeddedBroker : IAsyncDisposable
{
    /// <summary>Messages that wait for their commit at most; beyond it publishers wait.</summary>
    private const int MaxUncommitted = 100_000;

    /// <summary>Bytes of them in memory at most.</summary>
    private const long MaxUncommittedBytes = 256L << 20;

    /// <summary>
    /// The number of a message in the log travels with it, under a name that is ours: what a publisher says under it is taken away.
    /// </summary>
    private const string NumberProperty = "oee-log";

    /// <summary>Messages that wait for a guest; whoever is further behind loses its session.</summary>
    private const long MaxPendingOfGuest = 20_000;

    private static readonly TimeSpan Watch = TimeSpan.FromSeconds(2);

    /// <summary>For a CONNECT to come, and for a client that is sent away to take the word of it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(20);

    private static readonly Gauge Clients = Metrics.CreateGauge(
        "broker_connected_clients", "Clients connected to the broker, as the broker says.");

    private readonly MqttServer _server;
    private readonly BrokerLog _log;
    private readonly IngressSessions _ingress;
    private readonly BrokerDoor _door;
    private readonly ILogger _logger;
    private readonly TaskCompletionSource _open = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly ConcurrentDictionary<string, bool> _subscribed = new(StringComparer.Ordinal);

    private readonly Uncommitted _uncommitted = new();

    /// <summary>Sender of what comes from the log; nobody can know it.</summary>
    private readonly string _self = $"log-{Guid.NewGuid():N}";

    private Task _replay = Task.CompletedTask;
    private Task _watching = Task.CompletedTask;
    private int _clients;
    private int _replaying;

    private EmbeddedBroker(MqttServer server, BrokerLog log, IngressSessions ingress, BrokerDoor door, ILogger logger, int port) =>
        (_server, _log, _ingress, _door, _logger, Port) = (server, log, ingress, door, logger, port);

    public int Port { get; }

    /// <param name="address">Address to listen on.</param>
    /// <param name="port">0 = any free one.</param>
    /// <param name="directory">Of the log.</param>
    /// <param name="ingress">Who commits.</param>
    /// <param name="door">Who may do what.</param>
    /// <param name="logger">For what is refused.</param>
    /// <param name="tls">A second listener; null: none.</param>
    /// <exception cref="IOException">The port is taken, or the log cannot be opened.</exception>
    public static async Task<EmbeddedBroker> StartAsync(
        string address, int port, string directory, IngressSessions ingress, BrokerDoor door, ILogger logger, BrokerTls? tls = null)
    {
        var chosen = port == 0 ? FreePort.Find() : port;
        var builder = new MqttServerOptionsBuilder()
            .WithoutDefaultEndpoint()
            .WithDefaultCommunicationTimeout(Patience)
            .WithPersistentSessions()
            // Acknowledged messages wait here for a slow consumer; the default would drop the oldest after 250.
            .WithMaxPendingMessagesPerClient(1_000_000)
            .WithPendingMessagesOverflowStrategy(MqttPendingMessagesOverflowStrategy.DropNewMessage);
        var listener = new BrokerListener(new IPEndPoint(IPAddress.Parse(address), chosen), tls, logger);
        var broker = new EmbeddedBroker(
            new MqttServerFactory().CreateMqttServer(builder.Build(), [listener]), new BrokerLog(directory), ingress, door, logger, chosen);
        door.EndSession = broker.EndSessionAsync;
        broker._server.ClientConnectedAsync += broker.ConnectedAsync;
        broker._server.ClientDisconnectedAsync += _ => broker.Count(-1);
        broker._server.ValidatingConnectionAsync += broker.ConnectingAsync;
        broker._server.InterceptingPublishAsync += broker.PublishingAsync;
        broker._server.InterceptingSubscriptionAsync += args => door.SubscribingAsync(args, logger);
        broker._server.SessionDeletedAsync += broker.SessionDeletedAsync;
        broker._server.InterceptingOutboundPacketAsync += broker.SendingAsync;
        broker._server.ClientAcknowledgedPublishPacketAsync += broker.AcknowledgedAsync;
        broker._server.ClientSubscribedTopicAsync += broker.SubscribedAsync;
        try
        {
            await broker._server.StartAsync();
        }
        catch (System.Net.Sockets.SocketException error)
        {
            broker._server.Dispose();
            listener.Dispose();
            await broker._log.DisposeAsync();
            var tlsToo = tls is null ? "" : $" and {tls.Address}:{tls.Port}";
            throw new IOException(
                $"the embedded broker cannot listen on {address}:{chosen}{tlsToo}: {error.Message}; choose another with "
                    + "--mqtt-port (0 = any free one) or mqtt_tls.port", error);
        }

        return broker;
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _replay;
        await _watching;
        await _server.StopAsync();
        _server.Dispose();
        await _log.DisposeAsync();
        _stopping.Dispose();
    }

    private async Task ConnectingAsync(ValidatingConnectionEventArgs args)
    {
        if (await _door.WhyNotAsync(args, _logger) is { } code) args.ReasonCode = code;
    }

    private Task SessionDeletedAsync(SessionDeletedEventArgs args)
    {
        _door.SessionEnded(args.Id, args.SessionItems);
        return Task.CompletedTask;
    }

    private async Task ConnectedAsync(ClientConnectedEventArgs args)
    {
        await Count(1);
        if (!_door.HasSession(args)) await EndSessionAsync(args.ClientId);
    }

    private async Task EndSessionAsync(string clientId)
    {
        foreach (var session in await _server.GetSessionsAsync())
        {
            if (session.Id == clientId) await SendAwayAsync(session);
        }
    }

    /// <summary>From now on everybody who is known may come in, and whoever may not stay is sent away.</summary>
    public void Open(Access.Mqtt.MqttDoor door)
    {
        _door.Open(door);
        door.Changed += () => Task.Run(SendAwayAsync);
        _watching = Task.Run(WatchAsync);
    }

    /// <summary>Guests who do not fetch what they subscribed to, or are gone, must not fill the memory.</summary>
    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(Watch);
        try
        {
            while (await timer.WaitForNextTickAsync(_stopping.Token))
            {
                await LookAsync();
            }
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            return;
        }
    }

    private async Task LookAsync()
    {
        try
        {
            foreach (var session in BrokerDoor.TooFarBehind(await _server.GetSessionsAsync(), MaxPendingOfGuest))
            {
                Log.TooFarBehind(_logger, session.Id, session.PendingApplicationMessagesCount);
                await SendAwayAsync(session);
            }
        }
        catch (Exception error) when (!_stopping.IsCancellationRequested)
        {
            // A boundary: a look that failed must not be the last one.
            Log.NotSentAway(_logger, error);
        }
    }

    private async Task SendAwayAsync()
    {
        try
        {
            await _sending.WaitAsync(_stopping.Token);
        }
        catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
        {
            return;
        }

        try
        {
            foreach (var session in _door.NotWelcome(await _server.GetSessionsAsync())) await SendAwayAsync(session);
        }
        catch (Exception error) when (!_stopping.IsCancellationRequested)
        {
            // A boundary: it is looked again with the next change, and twice a minute.
            Log.NotSentAway(_logger, error);
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>With its session: what it subscribed to it may not hear any more.</summary>
    private async Task SendAwayAsync(MqttSessionStatus session)
    {
        try
        {
            Log.SentAway(_logger, session.Id);
            await session.DeleteAsync();
        }
        catch (Exception error) when (!_stopping.IsCancellationRequested)
        {
            // One that is gone by itself; the others are looked at all the same.
            Log.NotSentAway(_logger, error);
        }
    }

    /// <summary>Called before a publisher is answered, one message of a client at a time.</summary>
    private async Task PublishingAsync(InterceptingPublishEventArgs args)
    {
        var message = args.ApplicationMessage;
        if (args.ClientId == _self || !_door.MayPublish(args, _logger)) return;
        if (message.UserProperties?.Exists(p => p.Name == NumberProperty) == true)
        {
            message.UserProperties = [.. message.UserProperties.Where(p => p.Name != NumberProperty)];
        }

        if (message.QualityOfServiceLevel == MqttQualityOfServiceLevel.AtMostOnce || !IsForIngress(message.Topic)) return;
        var readers = ReadersOf(message.Topic);
        if (readers == 0) return;
        try
        {
            // Until ingress has its sessions, a message would go nowhere; and what was left from before goes first.
            await _open.Task.WaitAsync(args.CancellationToken);
            await RoomAsync(args.CancellationToken);
            var payload = message.Payload.ToArray();
            var number = await _log.AppendAsync(message.Topic, payload, (byte)message.QualityOfServiceLevel, args.CancellationToken);
            Mark(message, number, readers, payload.Length);
        }
        catch (Exception error) when (error is IOException or OperationCanceledException)
        {
            // Not durable, so not acknowledged: the publisher has to send it again.
            args.ProcessPublish = false;
            args.CloseConnection = true;
            if (error is IOException) Log.NotDurable(_logger, args.ClientId, message.Topic, error.Message);
        }
    }

    /// <summary>
    /// MQTTnet sends what is not acknowledged again without saying so; ingress tells a redelivery by the flag (MQTT 5, 3.3.1.1).
    /// </summary>
    private Task SendingAsync(InterceptingPacketEventArgs args)
    {
        if (args.Packet is not MqttPublishPacket packet || !_ingress.FilterByClient.ContainsKey(args.ClientId)) return Task.CompletedTask;
        if (NumberOf(packet) is not { } number) return Task.CompletedTask;
        packet.Dup = _uncommitted.WasSent(number, args.ClientId) || number < _log.FirstOfThisLife;
        return Task.CompletedTask;
    }

    private async Task AcknowledgedAsync(ClientAcknowledgedPublishPacketEventArgs args)
    {
        if (!args.IsCompleted || !_ingress.FilterByClient.ContainsKey(args.ClientId)) return;
        if (NumberOf(args.PublishPacket) is not { } number || !_uncommitted.Acknowledged(number)) return;
        await _log.RemoveAsync(number);
    }

    private Task SubscribedAsync(ClientSubscribedTopicEventArgs args)
    {
        if (!_ingress.FilterByClient.TryGetValue(args.ClientId, out var filter) || args.TopicFilter.Topic != filter)
        {
            return Task.CompletedTask;
        }

        _subscribed[args.ClientId] = true;
        // Once, and not here: the subscriber waits for an answer.
        if (_subscribed.Count == _ingress.FilterByClient.Count && Interlocked.Exchange(ref _replaying, 1) == 0)
        {
            _replay = Task.Run(ReplayAsync);
        }

        return Task.CompletedTask;
    }

    private async Task ReplayAsync()
    {
        try
        {
            if (_log.Count > 0) Log.Replaying(_logger, _log.Count);
            foreach (var logged in _log.Messages())
            {
                var readers = ReadersOf(logged.Topic);
                if (readers == 0)
                {
                    // The partitions are others now, and none of them asks for it.
                    await _log.RemoveAsync(logged.Number);
                    continue;
                }

                while (_uncommitted.Bytes >= MaxUncommittedBytes) await Task.Delay(Breath, _stopping.Token);
                var message = new MqttApplicationMessageBuilder()
                    .WithTopic(logged.Topic)
                    .WithPayload(logged.Payload)
                    .WithQualityOfServiceLevel((MqttQualityOfServiceLevel)logged.Qos)
                    .Build();
                Mark(message, logged.Number, readers, logged.Payload.Length);
                await _server.InjectApplicationMessage(
                    new InjectedMqttApplicationMessage(message) { SenderClientId = _self }, _stopping.Token);
            }

            _open.TrySetResult();
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            _open.TrySetCanceled(CancellationToken.None);
        }
        catch (Exception error)
        {
            // A boundary: without it publishers would wait for ever; so they are sent away until a restart, and nothing is lost.
            Log.ReplayFailed(_logger, error);
            _open.TrySetException(new IOException($"what a former life left cannot be given to ingress: {error.Message}", error));
        }
    }

    private async Task RoomAsync(CancellationToken cancellationToken)
    {
        while (_log.Count >= MaxUncommitted || _uncommitted.Bytes >= MaxUncommittedBytes) await Task.Delay(Breath, cancellationToken);
    }

    private int ReadersOf(string topic) =>
        _ingress.FilterByClient.Values.Count(f => MqttTopicFilterComparer.Compare(topic, f) == MqttTopicFilterCompareResult.IsMatch);

    private void Mark(MqttApplicationMessage message, ulong number, int readers, int bytes)
    {
        _uncommitted.Add(number, readers, bytes);
        var text = System.Text.Encoding.UTF8.GetBytes(number.ToString(CultureInfo.InvariantCulture));
        message.UserProperties = [.. message.UserProperties ?? [], new MqttUserProperty(NumberProperty, text)];
    }

    private static ulong? NumberOf(MqttPublishPacket packet)
    {
        var property = packet.UserProperties?.LastOrDefault(p => p.Name == NumberProperty);
        return ulong.TryParse(property?.ReadValueAsString(), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : null;
    }

    /// <summary>Commands and host states are of the moment: told again after a crash they would do harm.</summary>
    private static bool IsForIngress(string topic) => !SparkplugTopic.TryParse(topic, out var parsed, out _) || parsed.IsFromEdgeNode;

    private Task Count(int change)
    {
        Clients.Set(Interlocked.Add(ref _clients, change));
        return Task.CompletedTask;
    }
}
