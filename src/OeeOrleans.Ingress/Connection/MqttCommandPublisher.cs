using System.Buffers;
using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;
using MQTTnet;
using MQTTnet.Formatter;
using OeeOrleans.Sparkplug.Session;
using OeeOrleans.Sparkplug.Topics;

namespace OeeOrleans.Ingress.Connection;

/// <summary>Sends commands on a connection of its own (a clean session), made when it is first needed. Also listens to what the broker says of itself.</summary>
internal sealed class MqttCommandPublisher(MqttOptions options, ILogger<MqttCommandPublisher> log) : ICommandPublisher, IAsyncDisposable
{
    private const string ClientsTopic = "$SYS/broker/clients/connected";

    private readonly SemaphoreSlim _connecting = new(1, 1);
    private IMqttClient? _client;

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
        if (_client is { IsConnected: true }) await _client.DisconnectAsync();
        _client?.Dispose();
        _connecting.Dispose();
    }

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
                var text = Encoding.UTF8.GetString(args.ApplicationMessage.Payload.ToArray());
                if (int.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out var clients)) IngressMetrics.BrokerClients.Set(clients);
                return Task.CompletedTask;
            };
            var settings = options.ToBuilder($"{options.ClientIdPrefix}-cmd-{Guid.NewGuid():N}", MqttProtocolVersion.V311).WithCleanSession().Build();
            await _client.ConnectAsync(settings, cancellationToken);
            await _client.SubscribeAsync(ClientsTopic, cancellationToken: cancellationToken);
            Log.CommandsConnected(log, options.Url);
            return _client;
        }
        finally
        {
            _connecting.Release();
        }
    }
}
