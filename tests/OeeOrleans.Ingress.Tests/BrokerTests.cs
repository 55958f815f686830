using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using MQTTnet;
using MQTTnet.Protocol;
using OeeOrleans.Ingress.Connection;
using OeeOrleans.TestServers;

namespace OeeOrleans.Ingress.Tests;

/// <summary>The connection against a real mosquitto.</summary>
public sealed class BrokerTests : IAsyncLifetime
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(15);

    private MosquittoServer _broker = null!;

    public async Task InitializeAsync() => _broker = await MosquittoServer.StartAsync();

    public async Task DisposeAsync() => await _broker.DisposeAsync();

    [Fact]
    public async Task What_was_not_acknowledged_comes_again_after_a_reconnect_and_what_was_does_not()
    {
        var first = await ConnectAsync("c1");
        await PublishAsync(5);
        await first.WaitForAsync(5);
        first.Messages.Take(2).ToList().ForEach(m => m.Acks!.Done(m));
        // An orderly end sends the acknowledgements that are ready before it disconnects.
        await first.Connection.DisposeAsync();

        var second = await ConnectAsync("c1");
        await second.WaitForAsync(3);
        Assert.Equal([2, 3, 4], second.Numbers);
        await second.Connection.DisposeAsync();
    }

    [Fact]
    public async Task Messages_done_out_of_order_are_acknowledged_in_the_order_they_came()
    {
        var first = await ConnectAsync("c2");
        await PublishAsync(5);
        await first.WaitForAsync(5);
        // All but the first are done: MQTT 4.6 lets nothing be acknowledged before it.
        first.Messages.Skip(1).ToList().ForEach(m => m.Acks!.Done(m));
        await first.Connection.DisposeAsync();

        var second = await ConnectAsync("c2");
        await second.WaitForAsync(5);
        Assert.Equal([0, 1, 2, 3, 4], second.Numbers);
        await second.Connection.DisposeAsync();
    }

    [Fact]
    public async Task An_acknowledgement_after_the_connection_was_lost_says_nothing_on_the_next_one()
    {
        var first = await ConnectAsync("c3");
        await PublishAsync(3);
        await first.WaitForAsync(3);
        await first.Connection.DisposeAsync();
        var second = await ConnectAsync("c3");
        await second.WaitForAsync(3);
        first.Messages.ToList().ForEach(m => m.Acks!.Done(m));
        Assert.All(first.Messages, m => Assert.True(m.ComesAgain));
        await second.Connection.DisposeAsync();

        var third = await ConnectAsync("c3");
        await third.WaitForAsync(3);
        Assert.Equal([0, 1, 2], third.Numbers);
        await third.Connection.DisposeAsync();
    }

    [Fact]
    public async Task Messages_published_while_away_are_kept_by_the_session()
    {
        var first = await ConnectAsync("c4");
        await first.Connection.DisposeAsync();
        await PublishAsync(4);
        var second = await ConnectAsync("c4");
        await second.WaitForAsync(4);
        await second.Connection.DisposeAsync();
    }

    [Fact]
    public async Task A_connection_whose_session_was_taken_over_does_not_fight_back()
    {
        var loser = await ConnectAsync("c5");
        var winner = await ConnectAsync("c5");
        await Eventually.TrueAsync("the loser to give up", Soon, () => Task.FromResult(loser.Connection.State == ConnectionState.TakenOver));
        await PublishAsync(20);
        await winner.WaitForAsync(20);
        Assert.Equal(ConnectionState.Online, winner.Connection.State);
        Assert.Equal(ConnectionState.TakenOver, loser.Connection.State);
        await loser.Connection.DisposeAsync();
        await winner.Connection.DisposeAsync();
    }

    [Fact]
    public async Task A_broker_that_restarts_is_found_again()
    {
        var client = await ConnectAsync("c6");
        await _broker.StopAsync();
        await Eventually.TrueAsync("the loss to be noticed", Soon, () => Task.FromResult(client.Connection.State == ConnectionState.Connecting));
        await _broker.ResumeAsync();
        await Eventually.TrueAsync("the connection to be back", Soon, () => Task.FromResult(client.Connection.State == ConnectionState.Online));
        await PublishAsync(2);
        await client.WaitForAsync(2);
        await client.Connection.DisposeAsync();
    }

    [Fact]
    public async Task A_broker_that_only_speaks_3_1_1_is_spoken_to_in_3_1_1()
    {
        using var old = new OldBrokerProxy(_broker.Port);
        var client = await ConnectAsync("c7", old.Url);
        await PublishAsync(3);
        await client.WaitForAsync(3);
        await client.Connection.DisposeAsync();
        Assert.True(old.Refused > 0, "version 5 was never tried");
        Assert.Equal([0, 1, 2], client.Numbers);
    }

    private async Task<Client> ConnectAsync(string clientId, string? url = null)
    {
        var client = new Client();
        client.Connection = new PartitionConnection(
            new MqttOptions { Url = new Uri(url ?? _broker.Url) }, "spBv1.0/#", clientId, TimeProvider.System, NullLogger.Instance, message =>
            {
                client.Messages.Enqueue(message);
                return true;
            });
        client.Connection.Start();
        await Eventually.TrueAsync("the connection to be online", Soon, () => Task.FromResult(client.Connection.State == ConnectionState.Online));
        return client;
    }

    private async Task PublishAsync(int count)
    {
        using var publisher = new MqttClientFactory().CreateMqttClient();
        await publisher.ConnectAsync(new MqttClientOptionsBuilder().WithTcpServer("127.0.0.1", _broker.Port).Build());
        for (byte i = 0; i < count; i++)
        {
            await publisher.PublishAsync(new MqttApplicationMessageBuilder().WithTopic("spBv1.0/g/NDATA/n").WithPayload([i]).WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce).Build());
        }

        await publisher.DisconnectAsync();
    }

    private sealed class Client
    {
        public PartitionConnection Connection { get; set; } = null!;

        public ConcurrentQueue<InFlightMessage> Messages { get; } = new();

        public IEnumerable<int> Numbers => Messages.Select(m => (int)m.Message.Payload[0]);

        public Task WaitForAsync(int count) => Eventually.HoldsAsync($"{count} messages", Soon, () => Task.FromResult(Messages.Count), n => n >= count);
    }
}
