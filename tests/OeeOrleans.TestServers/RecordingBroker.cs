using System.Buffers;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using MQTTnet.Server;

namespace OeeOrleans.TestServers;

public enum WireKind
{
    Connect,
    Subscribe,
    Publish,
    Disconnect,
}

/// <summary>What a client said to the broker. A will is the Publish right before an unclean Disconnect of its client.</summary>
/// <param name="Kind">What it was.</param>
/// <param name="Client">Its client id.</param>
/// <param name="Topic">Topic, or filter of a subscription.</param>
/// <param name="Payload">Of a publish.</param>
/// <param name="Qos">Of a publish or a subscription.</param>
/// <param name="Retain">Of a publish.</param>
/// <param name="Clean">Clean session of a connect; whether a disconnect was said and not suffered.</param>
/// <param name="Version">Of a connect.</param>
public sealed record WireEvent(
    WireKind Kind, string Client, string Topic = "", byte[]? Payload = null, int Qos = 0, bool Retain = false, bool Clean = false,
    MqttProtocolVersion Version = MqttProtocolVersion.Unknown)
{
    /// <summary>When it was heard, comparable between brokers of one process.</summary>
    public long At { get; } = System.Diagnostics.Stopwatch.GetTimestamp();
}

/// <summary>A broker in this process that notes everything it is told, in order, and can be told to refuse or to speak.</summary>
public sealed class RecordingBroker : IAsyncDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private readonly MqttServer _server;
    private readonly ConcurrentQueue<WireEvent> _events = new();

    private RecordingBroker(MqttServer server, int port) => (_server, Port) = (server, port);

    public int Port { get; }

    public string Url => $"mqtt://127.0.0.1:{Port}";

    public IReadOnlyList<WireEvent> Events => [.. _events];

    /// <summary>What a CONNECT is answered.</summary>
    public MqttConnectReasonCode Answer { get; set; } = MqttConnectReasonCode.Success;

    /// <summary>Whether subscriptions are refused.</summary>
    public bool RefusesSubscriptions { get; set; }

    public static async Task<RecordingBroker> StartAsync(int port = 0)
    {
        if (port == 0) port = ServerProcess.FreePort();
        var options = new MqttServerOptionsBuilder()
            .WithDefaultEndpoint()
            .WithDefaultEndpointBoundIPAddress(IPAddress.Loopback)
            .WithDefaultEndpointBoundIPV6Address(IPAddress.None)
            .WithDefaultEndpointPort(port)
            .Build();
        var broker = new RecordingBroker(new MqttServerFactory().CreateMqttServer(options), port);
        broker._server.ValidatingConnectionAsync += broker.ConnectingAsync;
        broker._server.InterceptingSubscriptionAsync += broker.SubscribingAsync;
        broker._server.InterceptingPublishAsync += broker.PublishingAsync;
        broker._server.ClientDisconnectedAsync += broker.DisconnectedAsync;
        await broker._server.StartAsync();
        return broker;
    }

    public Task SayAsync(string topic, byte[] payload, bool retain = false)
    {
        var message = new MqttApplicationMessageBuilder()
            .WithTopic(topic)
            .WithPayload(payload)
            .WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce)
            .WithRetainFlag(retain)
            .Build();
        return _server.InjectApplicationMessage(new InjectedMqttApplicationMessage(message) { SenderClientId = "test" });
    }

    /// <summary>Waits; what was noted until then, also when it never held: whoever asks judges the facts.</summary>
    public async Task<IReadOnlyList<WireEvent>> UntilAsync(Func<IReadOnlyList<WireEvent>, bool> holds)
    {
        try
        {
            return await Eventually.HoldsAsync("the scenario to go on", Deadline, () => Task.FromResult(Events), holds);
        }
        catch (TimeoutException)
        {
            return Events;
        }
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _server.StopAsync();
        }
        catch (SocketException)
        {
            // A client that was cut off meanwhile.
        }

        _server.Dispose();
    }

    private Task ConnectingAsync(ValidatingConnectionEventArgs args)
    {
        _events.Enqueue(new WireEvent(WireKind.Connect, args.ClientId, Clean: args.CleanSession == true, Version: args.ProtocolVersion));
        args.ReasonCode = Answer;
        return Task.CompletedTask;
    }

    private Task SubscribingAsync(InterceptingSubscriptionEventArgs args)
    {
        _events.Enqueue(
            new WireEvent(WireKind.Subscribe, args.ClientId, args.TopicFilter.Topic, Qos: (int)args.TopicFilter.QualityOfServiceLevel));
        if (!RefusesSubscriptions) return Task.CompletedTask;
        args.ProcessSubscription = false;
        args.Response.ReasonCode = MqttSubscribeReasonCode.NotAuthorized;
        return Task.CompletedTask;
    }

    private Task PublishingAsync(InterceptingPublishEventArgs args)
    {
        var message = args.ApplicationMessage;
        var qos = (int)message.QualityOfServiceLevel;
        _events.Enqueue(new WireEvent(WireKind.Publish, args.ClientId, message.Topic, message.Payload.ToArray(), qos, message.Retain));
        return Task.CompletedTask;
    }

    private Task DisconnectedAsync(ClientDisconnectedEventArgs args)
    {
        _events.Enqueue(new WireEvent(WireKind.Disconnect, args.ClientId, Clean: args.DisconnectType == MqttClientDisconnectType.Clean));
        return Task.CompletedTask;
    }
}
