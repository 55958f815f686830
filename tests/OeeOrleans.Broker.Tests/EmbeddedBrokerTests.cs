using System.Buffers;
using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Packets;
using MQTTnet.Protocol;
using OeeOrleans.TestServers;

namespace OeeOrleans.Broker.Tests;

/// <summary>Whoever is let in may publish what it may; the sessions of ingress and their marks are nobody else's.</summary>
public sealed class EmbeddedBrokerTests : IAsyncLifetime
{
    private const string Ingress = "oee-0";
    private const string NumberProperty = "oee-log";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    private readonly string _directory = Directory.CreateTempSubdirectory("oee-broker-").FullName;
    private readonly IngressSessions _sessions = new(new Dictionary<string, string> { [Ingress] = "spBv1.0/#" });
    private readonly ConcurrentQueue<(MqttApplicationMessage Message, bool Dup)> _heard = new();
    private readonly BrokerDoor _door = new(new HostCredentials());
    private EmbeddedBroker _broker = null!;

    public async Task InitializeAsync() =>
        _broker = await EmbeddedBroker.StartAsync("127.0.0.1", 0, _directory, _sessions, _door, NullLogger.Instance);

    public async Task DisposeAsync()
    {
        await _broker.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Before_users_are_known_everybody_but_this_process_waits()
    {
        using var foreign = new MqttClientFactory().CreateMqttClient();
        var waiting = foreign.ConnectAsync(Settings(Ingress).WithCredentials(_door.Host.Username, "guess").Build());
        using var own = await ConnectAsync("own");
        Assert.True(own.IsConnected);
        Assert.False(waiting.IsCompleted);
    }

    [Fact]
    public async Task A_number_of_ours_in_a_message_of_somebody_else_is_taken_away()
    {
        using var ingress = await IngressAsync(acknowledge: true);
        using var edge = await ConnectAsync("edge");
        var forged = new MqttApplicationMessageBuilder()
            .WithTopic("spBv1.0/g/NDATA/n")
            .WithPayload([1])
            .WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce)
            .WithUserProperty(NumberProperty, "987654321"u8.ToArray())
            .Build();
        await edge.PublishAsync(forged);
        var (message, _) = (await HeardAsync(1))[0];
        var number = Assert.Single(message.UserProperties, p => p.Name == NumberProperty);
        Assert.NotEqual("987654321", number.ReadValueAsString());
    }

    [Fact]
    public async Task Only_what_was_sent_before_says_so_whatever_the_order_in_which_publishers_are_answered()
    {
        using var edge = await ConnectAsync("edge");
        using var other = await ConnectAsync("other");
        using (var ingress = await IngressAsync(acknowledge: false))
        {
            await Task.WhenAll(Enumerable.Range(0, 200).Select(i => SayAsync(i % 2 == 0 ? edge : other, $"spBv1.0/g/NDATA/n{i}")));
            Assert.All(await HeardAsync(200), h => Assert.False(h.Dup));
        }

        _heard.Clear();
        using var again = await IngressAsync(acknowledge: true);
        Assert.All(await HeardAsync(200), h => Assert.True(h.Dup));
    }

    private static MqttClientOptionsBuilder Settings(string clientId, int port) => new MqttClientOptionsBuilder()
        .WithTcpServer("127.0.0.1", port)
        .WithClientId(clientId)
        .WithProtocolVersion(MqttProtocolVersion.V500)
        .WithSessionExpiryInterval(3_600)
        .WithCleanStart(false);

    private static Task SayAsync(IMqttClient client, string topic) => client.PublishAsync(new MqttApplicationMessageBuilder()
        .WithTopic(topic)
        .WithPayload([1])
        .WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce)
        .Build());

    private MqttClientOptionsBuilder Settings(string clientId) => Settings(clientId, _broker.Port);

    private async Task<IMqttClient> ConnectAsync(string clientId)
    {
        var client = new MqttClientFactory().CreateMqttClient();
        await client.ConnectAsync(Settings(clientId).WithCredentials(_door.Host.Username, _door.Host.Password).Build());
        return client;
    }

    private async Task<IMqttClient> IngressAsync(bool acknowledge)
    {
        var client = new MqttClientFactory().CreateMqttClient();
        client.ApplicationMessageReceivedAsync += args =>
        {
            args.AutoAcknowledge = acknowledge;
            _heard.Enqueue((args.ApplicationMessage, args.ApplicationMessage.Dup));
            return Task.CompletedTask;
        };
        var result = await client.ConnectAsync(Settings(Ingress).WithCredentials(_door.Host.Username, _door.Host.Password).Build());
        Assert.Equal(MqttClientConnectResultCode.Success, result.ResultCode);
        await client.SubscribeAsync("spBv1.0/#", MqttQualityOfServiceLevel.AtLeastOnce);
        return client;
    }

    private Task<List<(MqttApplicationMessage Message, bool Dup)>> HeardAsync(int count) => Eventually.HoldsAsync(
        $"{count} messages", Soon, () => Task.FromResult(_heard.ToList()), h => h.Count >= count);
}
