using System.Buffers;
using Microsoft.Extensions.Logging;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Packets;
using MQTTnet.Protocol;
using OeeOrleans.Model;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Ingress.Connection;

/// <summary>
/// Keeps one MQTT session connected: MQTT 5 where the broker speaks it, 3.1.1 otherwise; the session is resumed, never cleaned.
/// <code>
/// Stopped -> Connecting -> Online -> (lost) Connecting ...
///                          Online -> (session taken over, or closed by a broker that is up) TakenOver -> (waited, still owner) Connecting
/// </code>
/// Every connection has a client and an acknowledgement queue of its own, so nothing of an old connection can be said on a new one.
/// </summary>
internal sealed class PartitionConnection : IAsyncDisposable
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MaxPause = TimeSpan.FromSeconds(5);

    /// <summary>Whoever took the session over gets this long to be the rightful owner.</summary>
    private static readonly TimeSpan TakeOverPause = TimeSpan.FromSeconds(8);

    private readonly MqttOptions _options;
    private readonly string _filter;
    private readonly string _clientId;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly Func<InFlightMessage, bool> _received;
    private readonly CancellationTokenSource _stop = new();
    private Task _loop = Task.CompletedTask;
    private MqttProtocolVersion _version = MqttProtocolVersion.V500;
    private int _handshakesFailed;
    private long _dropped;

    /// <param name="received">Takes a message; false = no room (asked for QoS 0 only).</param>
    public PartitionConnection(MqttOptions options, string filter, string clientId, TimeProvider clock, ILogger log, Func<InFlightMessage, bool> received)
    {
        (_options, _filter, _clientId, _clock, _log, _received) = (options, filter, clientId, clock, log, received);
        IngressMetrics.Connected.WithLabels(filter).Set(0);
    }

    public ConnectionState State { get; private set; }

    public void Start() => _loop = Task.Run(RunAsync);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _loop;
        _stop.Dispose();
        Move(ConnectionState.Stopped, "the queue was given up");
    }

    private async Task RunAsync()
    {
        var failures = 0;
        while (!_stop.IsCancellationRequested)
        {
            var ended = await LiveOnceAsync();
            if (_stop.IsCancellationRequested) return;
            failures = ended.WasOnline ? 0 : failures + 1;
            var pause = ended.TakenOver ? TakeOverPause
                : TimeSpan.FromMilliseconds(Math.Min(MaxPause.TotalMilliseconds, FirstPause.TotalMilliseconds * Math.Pow(2, Math.Min(failures, 8))) * (0.5 + (Random.Shared.NextDouble() / 2)));
            Move(ended.TakenOver ? ConnectionState.TakenOver : ConnectionState.Connecting, ended.Why);
            try
            {
                await Task.Delay(pause, _clock, _stop.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <summary>One connection from its CONNECT to its end.</summary>
    private async Task<(bool WasOnline, bool TakenOver, string Why)> LiveOnceAsync()
    {
        using var client = new MqttClientFactory().CreateMqttClient();
        var acks = new AckQueue(_filter, _log);
        var lost = new TaskCompletionSource<MqttClientDisconnectedEventArgs>(TaskCreationOptions.RunContinuationsAsynchronously);
        client.ApplicationMessageReceivedAsync += args =>
        {
            Receive(args, acks);
            return Task.CompletedTask;
        };
        client.DisconnectedAsync += args =>
        {
            acks.Close();
            lost.TrySetResult(args);
            return Task.CompletedTask;
        };
        try
        {
            var builder = _options.ToBuilder(_clientId, _version).WithCleanStart(false);
            if (_version == MqttProtocolVersion.V500)
            {
                builder.WithSessionExpiryInterval((uint)_options.SessionExpiry.TotalSeconds).WithReceiveMaximum(_options.ReceiveMaximum);
            }

            var connected = await client.ConnectAsync(builder.BuildForBursts(), _stop.Token);
            _handshakesFailed = 0;
            // 0x84 in version 5; a broker that only knows 3.1.1 says 1 (MQTT 3.1.1, 3.2.2.3).
            if (connected.ResultCode is MqttClientConnectResultCode.UnsupportedProtocolVersion or (MqttClientConnectResultCode)1)
            {
                _version = MqttProtocolVersion.V311;
                return (false, false, "the broker does not speak MQTT 5; trying 3.1.1");
            }

            if (connected.ResultCode != MqttClientConnectResultCode.Success) return (false, false, $"the broker at {_options.Url} refuses: {connected.ResultCode} {connected.ReasonString}");
            await SubscribeAsync(client);
            Move(ConnectionState.Online, $"MQTT {(_version == MqttProtocolVersion.V500 ? "5" : "3.1.1")}, session {(connected.IsSessionPresent ? "resumed" : "new")}");
            IngressMetrics.Connected.WithLabels(_filter).Set(1);
            var args = await lost.Task.WaitAsync(_stop.Token);
            var takenOver = args.Reason == MqttClientDisconnectReason.SessionTakenOver || (args.Reason == MqttClientDisconnectReason.NormalDisconnection && await BrokerListensAsync());
            return (true, takenOver, takenOver ? "another client has the session, or the broker closed the connection without a word" : $"connection lost: {args.Reason}");
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            await acks.FinishAsync(TimeSpan.FromSeconds(2));
            await DisconnectAsync(client);
            return (true, false, "stopping");
        }
        catch (Exception error)
        {
            NoteHandshakeFailure(error);
            return (false, false, $"cannot connect to {_options.Url}: {error.Message}");
        }
        finally
        {
            acks.Close();
            IngressMetrics.Connected.WithLabels(_filter).Set(0);
        }
    }

    /// <summary>
    /// A broker that only knows 3.1.1 may also close the connection at a version 5 CONNECT. So after two
    /// handshakes that failed though the broker listens, the other version is tried; a broker that cannot be reached says nothing about versions.
    /// </summary>
    private void NoteHandshakeFailure(Exception error)
    {
        for (var cause = error; cause is not null; cause = cause.InnerException)
        {
            if (cause is System.Net.Sockets.SocketException { SocketErrorCode: not System.Net.Sockets.SocketError.ConnectionReset }) return;
        }

        if (++_handshakesFailed < 2) return;
        _handshakesFailed = 0;
        _version = _version == MqttProtocolVersion.V500 ? MqttProtocolVersion.V311 : MqttProtocolVersion.V500;
    }

    /// <summary>
    /// Whether the broker accepts connections right after it closed ours. Brokers (all of them with MQTT 3.1.1, mosquitto 2.0 with 5 as well) close
    /// a session that was taken over without saying why; one that is going down does not listen. Fighting back would throw out the other
    /// owner, and be thrown out in turn, many times a second.
    /// </summary>
    private async Task<bool> BrokerListensAsync()
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        limit.CancelAfter(TimeSpan.FromSeconds(2));
        using var socket = new System.Net.Sockets.TcpClient();
        try
        {
            await socket.ConnectAsync(_options.Url.Host, _options.PortOrDefault, limit.Token);
            return true;
        }
        catch (Exception error) when (error is System.Net.Sockets.SocketException or OperationCanceledException)
        {
            return false;
        }
    }

    private async Task SubscribeAsync(IMqttClient client)
    {
        // Retained messages only with a new subscription: a resumed session must not get them again.
        var filter = new MqttTopicFilter
        {
            Topic = _filter,
            QualityOfServiceLevel = MqttQualityOfServiceLevel.AtLeastOnce,
            RetainHandling = _version == MqttProtocolVersion.V500 ? MqttRetainHandling.SendAtSubscribeIfNewSubscriptionOnly : MqttRetainHandling.SendAtSubscribe,
        };
        var result = await client.SubscribeAsync(new MqttClientSubscribeOptions { TopicFilters = [filter] }, _stop.Token);
        var code = result.Items.First().ResultCode;
        if (code > MqttClientSubscribeResultCode.GrantedQoS2) throw new InvalidOperationException($"the broker refuses the subscription to {_filter}: {code}");
    }

    private void Receive(MqttApplicationMessageReceivedEventArgs args, AckQueue acks)
    {
        args.AutoAcknowledge = false;
        var mqtt = args.ApplicationMessage;
        var acknowledge = mqtt.QualityOfServiceLevel != MqttQualityOfServiceLevel.AtMostOnce;
        var message = new InFlightMessage(
            new BrokerMessage(mqtt.Topic, mqtt.Payload.ToArray(), UnixMicros.Now(_clock)),
            StreamKeyOf(mqtt.Topic, _options.OwnEdgeNode, out var forUs),
            acknowledge ? acks : null,
            acknowledge ? args : null);
        if (acknowledge) acks.Arrived(message);
        IngressMetrics.Received.WithLabels(_filter).Inc();
        if (!forUs)
        {
            if (acknowledge) acks.Done(message);
            return;
        }

        if (_received(message) || acknowledge) return;
        IngressMetrics.Dropped.WithLabels("overflow").Inc();
        if (Interlocked.Increment(ref _dropped) % 10_000 == 1) Log.Dropped(_log, _filter, _dropped, _options.MaxBuffered);
    }

    /// <summary>The stream of a topic; commands, host states and what we publish ourselves travel past us.</summary>
    internal static string StreamKeyOf(string topic, string? ownEdgeNode, out bool forUs)
    {
        forUs = true;
        if (!SparkplugTopic.TryParse(topic, out var parsed, out _)) return MessageBatch.UnreadableKey;
        var edgeNode = parsed.EdgeNode;
        forUs = parsed.IsFromEdgeNode && edgeNode != ownEdgeNode;
        return edgeNode;
    }

    private static async Task DisconnectAsync(IMqttClient client)
    {
        if (!client.IsConnected) return;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        try
        {
            await client.DisconnectAsync(new MqttClientDisconnectOptions(), limit.Token);
        }
        catch (Exception error) when (error is OperationCanceledException or MQTTnet.Exceptions.MqttCommunicationException)
        {
            // The broker will notice; the session stays either way.
            return;
        }
    }

    private void Move(ConnectionState to, string why)
    {
        if (State != to || to == ConnectionState.Connecting) Log.StateChanged(_log, _filter, State, to, why);
        State = to;
    }
}
