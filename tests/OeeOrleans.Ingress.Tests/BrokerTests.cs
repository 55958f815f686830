using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using MQTTnet;
using MQTTnet.Protocol;
using OeeOrleans.Ingress.Connection;
using OeeOrleans.Mqtt;
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
        Assert.All(first.Messages, m => Assert.True(m.Acks!.Closed));
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
        await Eventually.TrueAsync(
            "the loser to give up", Soon, () => Task.FromResult(loser.Connection.State == ConnectionState.TakenOver));
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
        await Eventually.TrueAsync(
            "the loss to be noticed", Soon, () => Task.FromResult(client.Connection.State == ConnectionState.Connecting));
        await _broker.ResumeAsync();
        await Eventually.TrueAsync(
            "the connection to be back", Soon, () => Task.FromResult(client.Connection.State == ConnectionState.Online));
        await PublishAsync(2);
        await client.WaitForAsync(2);
        await client.Connection.DisposeAsync();
    }

    [Fact]
    public async Task After_a_reconnect_messages_in_memory_come_again_when_the_broker_kept_the_session_and_only_then()
    {
        var client = await ConnectAsync("c8");
        await PublishAsync(2);
        await client.WaitForAsync(2);
        await _broker.StopAsync();
        await _broker.ResumeAsync();
        await client.WaitForAsync(4);
        // Sent again, and marked so.
        Assert.Equal([false, false, true, true], client.Messages.Select(m => m.Message.Redelivered));
        Assert.Equal([true, true, false, false], client.Messages.Select(m => m.ComesAgain));

        await _broker.KillAsync();
        // Before it is back: what is published to it then finds a session that was made after it forgot.
        await Eventually.TrueAsync(
            "the loss to be noticed", Soon, () => Task.FromResult(client.Connection.State != ConnectionState.Online));
        _broker.ForgetEverything();
        await _broker.ResumeAsync();
        await Eventually.TrueAsync("a new session", Soon, () => Task.FromResult(client.Connection.State == ConnectionState.Online));
        await PublishAsync(1);
        await client.WaitForAsync(5);
        // What the broker has forgotten is only here.
        Assert.Equal([true, true, false, false, false], client.Messages.Select(m => m.ComesAgain));
        await client.Connection.DisposeAsync();
    }

    [Fact]
    public async Task A_packet_larger_than_the_limit_is_not_sent_to_us()
    {
        var client = await ConnectAsync("c9", maxPacketBytes: 2_000);
        using var publisher = new MqttClientFactory().CreateMqttClient();
        await publisher.ConnectAsync(new MqttClientOptionsBuilder().WithTcpServer("127.0.0.1", _broker.Port).Build());
        foreach (var size in new[] { 1_000, 3_000, 1_001 })
        {
            await publisher.PublishAsync(
                new MqttApplicationMessageBuilder()
                    .WithTopic("spBv1.0/g/NDATA/n")
                    .WithPayload(new byte[size])
                    .WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce)
                    .Build());
        }

        await client.WaitForAsync(2);
        Assert.Equal([1_000, 1_001], client.Messages.Select(m => m.Message.Payload.Length));
        await client.Connection.DisposeAsync();
    }

    [Fact]
    public async Task More_bytes_than_there_is_room_for_make_the_broker_send_less_at_a_time_and_nothing_is_lost()
    {
        var seen = new ConcurrentQueue<InFlightMessage>();
        var options = new MqttOptions { Broker = new BrokerAddress(new Uri(_broker.Url)), ReceiveMaximum = 64, MaxBufferedBytes = 20_000 };
        var partition = new OeeOrleans.Ingress.Streams.Partition("spBv1.0/#", options, TimeProvider.System, NullLogger.Instance);
        var connection = new PartitionConnection(
            options, "spBv1.0/#", "c10", TimeProvider.System, NullLogger.Instance, partition.Receive, partition.Tell, new IngressStatus());
        connection.Start();
        await Eventually.TrueAsync("the connection to be online", Soon, () => Task.FromResult(connection.State == ConnectionState.Online));
        using var publisher = new MqttClientFactory().CreateMqttClient();
        await publisher.ConnectAsync(new MqttClientOptionsBuilder().WithTcpServer("127.0.0.1", _broker.Port).Build());
        for (byte i = 0; i < 60; i++)
        {
            await publisher.PublishAsync(
                new MqttApplicationMessageBuilder()
                    .WithTopic("spBv1.0/g/NDATA/n")
                    .WithPayload([i, .. new byte[1_500]])
                    .WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce)
                    .Build());
        }

        // A consumer that takes its time: what it commits is acknowledged, what comes again is dropped.
        var numbers = new HashSet<byte>();
        await Eventually.TrueAsync("all sixty", TimeSpan.FromSeconds(40), () =>
        {
            for (var i = 0; i < 5 && partition.Arrived.TryDequeue(out var message); i++)
            {
                OeeOrleans.Ingress.Streams.BufferAccount.Leave(message);
                if (message.ComesAgain) continue;
                numbers.Add(message.Message.Payload.Span[0]);
                message.Acks!.Done(message);
            }

            return Task.FromResult(numbers.Count == 60);
        });
        await connection.DisposeAsync();
    }

    [Fact]
    public async Task More_bytes_than_there_is_room_for_are_told_as_such_also_before_the_subscription_is_answered()
    {
        using var broker = new ScriptedBroker();
        byte[] publish = [0x32, 6, 0, 1, (byte)'t', 0, 1, 0];
        broker.SayToTheFirst([0x20, 3, 1, 0, 0], publish);
        var (status, messages) = (new IngressStatus(), 0);
        var options = new MqttOptions { Broker = new BrokerAddress(new Uri($"mqtt://127.0.0.1:{broker.Port}")) };
        var connection = new PartitionConnection(
            options, "spBv1.0/#", "c11", TimeProvider.System, NullLogger.Instance, _ =>
            {
                messages++;
                return Reception.Overflow;
            }, () => { }, status);
        connection.Start();
        await Eventually.TrueAsync("the reason", Soon, async () =>
            (await status.WhyNotAsync(CancellationToken.None))?.Contains("asked to send less at a time", StringComparison.Ordinal) == true);
        await connection.DisposeAsync();
        Assert.Equal(1, messages);
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

    private async Task<Client> ConnectAsync(string clientId, string? url = null, uint maxPacketBytes = 1 << 20)
    {
        var client = new Client();
        client.Connection = new PartitionConnection(
            new MqttOptions
            {
                Broker = new BrokerAddress(new Uri(url ?? _broker.Url)), MaxPacketBytes = maxPacketBytes,
            }, "spBv1.0/#", clientId, TimeProvider.System, NullLogger.Instance, message =>
            {
                client.Messages.Enqueue(message);
                return Reception.Taken;
            }, () => { }, new IngressStatus());
        client.Connection.Start();
        await Eventually.TrueAsync(
            "the connection to be online", Soon, () => Task.FromResult(client.Connection.State == ConnectionState.Online));
        return client;
    }

    private async Task PublishAsync(int count)
    {
        using var publisher = new MqttClientFactory().CreateMqttClient();
        await publisher.ConnectAsync(new MqttClientOptionsBuilder().WithTcpServer("127.0.0.1", _broker.Port).Build());
        for (byte i = 0; i < count; i++)
        {
            await publisher.PublishAsync(
                new MqttApplicationMessageBuilder()
                    .WithTopic("spBv1.0/g/NDATA/n")
                    .WithPayload([i])
                    .WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce)
                    .Build());
        }

        await publisher.DisconnectAsync();
    }

    private sealed class Client
    {
        public PartitionConnection Connection { get; set; } = null!;

        public ConcurrentQueue<InFlightMessage> Messages { get; } = new();

        public IEnumerable<int> Numbers => Messages.Select(m => (int)m.Message.Payload.Span[0]);

        public Task WaitForAsync(int count) =>
            Eventually.HoldsAsync($"{count} messages", Soon, () => Task.FromResult(Messages.Count), n => n >= count);
    }
}
