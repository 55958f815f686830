using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using OeeOrleans.Sparkplug.Topics;
using OeeOrleans.TestServers;

namespace OeeOrleans.Conformance.Tests;

/// <summary>Somebody who sees everything that goes over a broker, in order, and can speak.</summary>
internal sealed class Observer : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private readonly IMqttClient _client = new MqttClientFactory().CreateMqttClient();
    private readonly ConcurrentQueue<Decoded> _seen = new();

    public IReadOnlyList<Decoded> Seen => [.. _seen];

    public ConcurrentQueue<(string Text, int Qos, bool Retain)> States { get; } = new();

    public static async Task<Observer> StartAsync(int port)
    {
        var observer = new Observer();
        observer._client.ApplicationMessageReceivedAsync += args =>
        {
            var message = args.ApplicationMessage;
            if (SparkplugTopic.TryParse(message.Topic, out var topic, out _))
            {
                if (topic.Type == SparkplugMessageType.State) observer.States.Enqueue(
                    (Encoding.UTF8.GetString(message.Payload.ToArray()), (int)message.QualityOfServiceLevel, message.Retain));
                else observer._seen.Enqueue(
                    new Decoded(topic, Decoded.Json(message.Payload.ToArray()), (int)message.QualityOfServiceLevel, message.Retain));
            }

            return Task.CompletedTask;
        };
        await observer._client.ConnectAsync(
            new MqttClientOptionsBuilder().WithTcpServer("127.0.0.1", port).WithProtocolVersion(MqttProtocolVersion.V311).Build());
        await observer._client.SubscribeAsync("spBv1.0/#", MqttQualityOfServiceLevel.AtLeastOnce);
        return observer;
    }

    public void Forget() => _seen.Clear();

    public Task SayAsync(string topic, byte[] payload, bool retain = false) => _client.PublishAsync(
        new MqttApplicationMessageBuilder()
            .WithTopic(topic)
            .WithPayload(payload)
            .WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce)
            .WithRetainFlag(retain)
            .Build());

    public Task<IReadOnlyList<Decoded>> UntilAsync(string what, Func<IReadOnlyList<Decoded>, bool> holds) =>
        Eventually.HoldsAsync(what, Deadline, () => Task.FromResult(Seen), holds);

    public async ValueTask DisposeAsync()
    {
        await _client.DisconnectAsync();
        _client.Dispose();
    }
}
