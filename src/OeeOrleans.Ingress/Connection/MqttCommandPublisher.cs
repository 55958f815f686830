using System.Buffers;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using OeeOrleans.Model;
using OeeOrleans.Sparkplug.Host;
using OeeOrleans.Sparkplug.Session;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Ingress.Connection;

/// <summary>
/// The host application's own connection (a clean session), made when it is first needed: sends commands, tells that the host is online (birth and will on
/// STATE, retained, QoS 1), listens to what the broker says of itself. Several silos of one host share its id: when one of them ends, the others say that the host is still there.
/// </summary>
internal sealed class MqttCommandPublisher(MqttOptions options, TimeProvider clock, ILogger<MqttCommandPublisher> log) : ICommandPublisher, IAsyncDisposable
{
    private const string ClientsTopic = "$SYS/broker/clients/connected";

    private readonly SemaphoreSlim _connecting = new(1, 1);
    private IMqttClient? _client;
    private ulong _bornMs;
    private volatile bool _leaving;

    private string? StateTopic => options.HostId is { } id ? new SparkplugTopic(SparkplugMessageType.State, "", id, null).ToString() : null;

    public async Task PublishAsync(SparkplugTopic topic, ReadOnlyMemory<byte> payload, CancellationToken cancellationToken)
    {
        var client = await ClientAsync(cancellationToken);
        // QoS 0, not retained (tck-id-topics-ncmd-mqtt).
        await client.PublishAsync(new MqttApplicationMessageBuilder().WithTopic(topic.ToString()).WithPayloadSegment(payload).Build(), cancellationToken);
    }

    /// <summary>Makes the connection if it is not there.</summary>
    public Task ConnectAsync(CancellationToken cancellationToken) => ClientAsync(cancellationToken);

    public async ValueTask DisposeAsync()
    {
        if (_client is { IsConnected: true } client)
        {
            _leaving = true;
            // A clean DISCONNECT makes the broker forget the will, so the death is told first (tck-id-operational-behavior-host-application-disconnect-intentional).
            if (StateTopic is { } topic) await client.PublishAsync(State(topic, online: false, _bornMs));
            await client.DisconnectAsync();
        }

        _client?.Dispose();
        _connecting.Dispose();
    }

    /// <summary>Somebody says that this host is offline although it is not: an old will, or another silo that ended (tck-id-message-flow-hid-sparkplug-state-message-delivered).</summary>
    private async Task HearStateAsync(byte[] payload)
    {
        if (_leaving || !HostState.TryParse(payload, out var state) || state.Online || _client is not { IsConnected: true } client || StateTopic is not { } topic) return;
        _bornMs = Math.Max(NowMs(), _bornMs);
        await client.PublishAsync(State(topic, online: true, _bornMs));
    }

    private ulong NowMs() => (ulong)(UnixMicros.Now(clock) / UnixMicros.PerMillisecond);

    private static MqttApplicationMessage State(string topic, bool online, ulong timestampMs) => new MqttApplicationMessageBuilder()
        .WithTopic(topic).WithPayload(new HostState(online, timestampMs).ToPayload()).WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce).WithRetainFlag().Build();

    private async Task<IMqttClient> ClientAsync(CancellationToken cancellationToken)
    {
        await _connecting.WaitAsync(cancellationToken);
        try
        {
            if (_client is { IsConnected: true }) return _client;
            _client?.Dispose();
            _client = new MqttClientFactory().CreateMqttClient();
            _client.ApplicationMessageReceivedAsync += args =>
            {
                if (args.ApplicationMessage.Topic == StateTopic) return HearStateAsync(args.ApplicationMessage.Payload.ToArray());
                var text = Encoding.UTF8.GetString(args.ApplicationMessage.Payload.ToArray());
                if (int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var clients)) IngressMetrics.BrokerClients.Set(clients);
                return Task.CompletedTask;
            };
            _bornMs = NowMs();
            var settings = options.ToBuilder($"{options.ClientIdPrefix}-cmd-{Guid.NewGuid():N}", MqttProtocolVersion.V311).WithCleanSession();
            if (StateTopic is { } stateTopic)
            {
                settings.WithWillTopic(stateTopic).WithWillPayload(new HostState(false, _bornMs).ToPayload()).WithWillQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce).WithWillRetain();
            }

            await _client.ConnectAsync(settings.Build(), cancellationToken);
            await _client.SubscribeAsync(ClientsTopic, cancellationToken: cancellationToken);
            if (StateTopic is { } topic)
            {
                // Subscribed before the birth, so that a death of an earlier life that comes late is seen (tck-id-message-flow-phid-sparkplug-subscription).
                await _client.SubscribeAsync(topic, MqttQualityOfServiceLevel.AtLeastOnce, cancellationToken);
                await _client.PublishAsync(State(topic, online: true, _bornMs), cancellationToken);
            }

            Log.CommandsConnected(log, options.Url);
            return _client;
        }
        finally
        {
            _connecting.Release();
        }
    }
}
