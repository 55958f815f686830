using System.Buffers;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using MQTTnet;
using MQTTnet.Protocol;
using OeeOrleans.Model;
using OeeOrleans.Mqtt;
using OeeOrleans.Sparkplug.Host;
using OeeOrleans.Sparkplug.Session;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Ingress.Commands;

/// <summary>
/// The host application's own connection (a clean session), made when it is first needed: sends commands, tells that the host is online
/// (birth and will on STATE, retained, QoS 1), listens to what the broker says of itself. Several silos of one host share its id: when one
/// of them ends, the others say that the host is still there. A connection counts when it is complete: connected, subscribed, and its birth
/// told. </summary>
internal sealed class MqttCommandPublisher(MqttOptions options, IngressStatus status, TimeProvider clock, ILogger<MqttCommandPublisher> log)
    : ICommandPublisher, IAsyncDisposable
{
    private const string ClientsTopic = "$SYS/broker/clients/connected";
    private const string StatusName = "commands";

    /// <summary>Nobody's clock is further ahead than a wrong time zone: a death from beyond it has no time to overtake.</summary>
    private static readonly TimeSpan MaxAhead = TimeSpan.FromHours(26);

    private readonly SemaphoreSlim _connecting = new(1, 1);
    private readonly SemaphoreSlim _renewal = new(0, 1);
    private IMqttClient? _client;

    /// <summary>The connection whose birth is told or about to be: deaths are heard, and contradicted, from its subscription on.</summary>
    private volatile IMqttClient? _speaking;
    private ulong _bornMs;

    /// <summary>The next birth is later than this: somebody said that we died then.</summary>
    private ulong _diedMs;
    private bool _failing;
    private volatile bool _leaving;

    private string? StateTopic => options.HostId is { } id ? new SparkplugTopic(SparkplugMessageType.State, "", id, null).ToString() : null;

    public async Task PublishAsync(SparkplugTopic topic, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        var client = await ClientAsync(cancellationToken);
        // QoS 0, not retained (tck-id-topics-ncmd-mqtt).
        var message = new MqttApplicationMessageBuilder().WithTopic(topic.ToString()).WithPayloadSegment(payload).Build();
        try
        {
            await client.PublishOrThrowAsync(message, cancellationToken);
        }
        catch
        {
            IngressMetrics.CommandFailures.Inc();
            throw;
        }
    }

    /// <summary>Makes the connection if it is not there.</summary>
    public Task ConnectAsync(CancellationToken cancellationToken) => ClientAsync(cancellationToken);

    /// <summary>Until the connection should be looked at again: after so long, or at once when it must be renewed.</summary>
    public Task WaitAsync(TimeSpan limit, CancellationToken cancellationToken) => _renewal.WaitAsync(limit, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        _leaving = true;
        if (_client is { IsConnected: true } client) await LeaveAsync(client);
        _client?.Dispose();
        _connecting.Dispose();
        _renewal.Dispose();
    }

    private async Task LeaveAsync(IMqttClient client)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        try
        {
            // A clean DISCONNECT makes the broker forget the will, so the death is told first
            // (tck-id-operational-behavior-host-application-disconnect-intentional).
            if (StateTopic is { } topic) await client.PublishOrThrowAsync(State(topic, online: false, _bornMs), limit.Token);
            await client.DisconnectAsync(new MqttClientDisconnectOptions(), limit.Token);
        }
        catch (Exception error) when (MqttConnections.IsNetwork(error))
        {
            // Then the broker tells the will.
            return;
        }
    }

    /// <summary>Somebody says that this host is offline although it is not: an old will, or another silo that ended
    /// (tck-id-message-flow-hid-sparkplug-state-message-delivered). Birth and will of a connection have one time, so a death that is later
    /// than it takes a new connection to overtake.</summary>
    private async Task HearStateAsync(string topic, byte[] payload)
    {
        if (_leaving || !HostState.TryParse(payload, out var state) || state.Online) return;
        Log.SaidToBeOffline(log, options.HostId!, state.TimestampMs);
        if (state.TimestampMs > _bornMs && state.TimestampMs <= NowMs() + MaxAhead.TotalMilliseconds)
        {
            _diedMs = state.TimestampMs;
            if (_renewal.CurrentCount == 0) _renewal.Release();
            return;
        }

        if (_speaking is { IsConnected: true } client)
        {
            await client.PublishOrThrowAsync(State(topic, online: true, _bornMs), CancellationToken.None);
        }
    }

    private async Task HearAsync(MqttApplicationMessage message)
    {
        try
        {
            var payload = message.Payload.ToArray();
            if (message.Topic == StateTopic) await HearStateAsync(message.Topic, payload);
            else if (int.TryParse(Encoding.UTF8.GetString(payload), NumberStyles.Integer, CultureInfo.InvariantCulture, out var clients))
            {
                IngressMetrics.BrokerClients.Set(clients);
            }
        }
        catch (Exception error) when (MqttConnections.IsNetwork(error))
        {
            // The connection is going; the next one tells its birth.
            Failed(error);
        }
    }

    private ulong NowMs() => (ulong)(UnixMicros.Now(clock) / UnixMicros.PerMillisecond);

    private static MqttApplicationMessage State(string topic, bool online, ulong timestampMs) => new MqttApplicationMessageBuilder()
        .WithTopic(topic)
        .WithPayload(new HostState(online, timestampMs).ToPayload())
        .WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce)
        .WithRetainFlag()
        .Build();

    private async Task<IMqttClient> ClientAsync(CancellationToken cancellationToken)
    {
        await _connecting.WaitAsync(cancellationToken);
        try
        {
            if (_client is { IsConnected: true } && _diedMs <= _bornMs) return _client;
            var old = _client;
            _client = null;
            if (old is not null) await GiveUpAsync(old);
            _client = await ConnectedAsync(cancellationToken);
            _failing = false;
            IngressMetrics.CommandsConnected.Set(1);
            status.Fine(StatusName);
            Log.CommandsConnected(log, options.Broker.ToString());
            return _client;
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            Failed(error);
            throw;
        }
        finally
        {
            _connecting.Release();
        }
    }

    /// <summary>A connection that is complete; half of one is none.</summary>
    private async Task<IMqttClient> ConnectedAsync(CancellationToken cancellationToken)
    {
        var client = new MqttClientFactory().CreateMqttClient();
        try
        {
            client.ApplicationMessageReceivedAsync += args => HearAsync(args.ApplicationMessage);
            var bornMs = Math.Max(NowMs(), _diedMs + 1);
            var settings = options.Broker.ToBuilder($"{options.ClientIdPrefix}-cmd-{Guid.NewGuid():N}").WithCleanSession();
            if (StateTopic is { } stateTopic)
            {
                settings.WithWillTopic(stateTopic)
                    .WithWillPayload(new HostState(false, bornMs).ToPayload())
                    .WithWillQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce)
                    .WithWillRetain();
            }

            await client.ConnectOrThrowAsync(settings.Build(), cancellationToken);
            _bornMs = bornMs;
            // A broker may keep its own figures to itself.
            await client.SubscribeAsync(ClientsTopic, cancellationToken: cancellationToken);
            if (StateTopic is { } topic)
            {
                // Subscribed before the birth, so that a death of an earlier life that comes late is seen
                // (tck-id-message-flow-phid-sparkplug-subscription).
                var subscription = new MqttClientSubscribeOptionsBuilder()
                    .WithTopicFilter(topic, MqttQualityOfServiceLevel.AtLeastOnce)
                    .Build();
                _speaking = client;
                await client.SubscribeOrThrowAsync(subscription, cancellationToken);
                await client.PublishOrThrowAsync(State(topic, online: true, bornMs), cancellationToken);
            }

            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    /// <summary>Ends a connection in good order, without telling a death: the next one follows at once.</summary>
    private static async Task GiveUpAsync(IMqttClient client)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        try
        {
            if (client.IsConnected) await client.DisconnectAsync(new MqttClientDisconnectOptions(), limit.Token);
        }
        catch (Exception error) when (MqttConnections.IsNetwork(error))
        {
            return;
        }
        finally
        {
            client.Dispose();
        }
    }

    private void Failed(Exception error)
    {
        IngressMetrics.CommandFailures.Inc();
        IngressMetrics.CommandsConnected.Set(0);
        status.Bad(StatusName, error.Message);
        // Once per absence: the broker may be away for hours.
        if (!_failing) Log.CommandsAway(log, options.Broker.ToString(), error.Message, MqttConnections.IsNetwork(error) ? null : error);
        _failing = true;
    }
}
