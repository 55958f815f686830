using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using CsCheck;
using OeeOrleans.Mqtt;
using OeeOrleans.Mqtt.Inlet;
using OeeOrleans.TestServers;

namespace OeeOrleans.Ingress.Tests;

/// <summary>The receiving session at the level of bytes, against a broker that says whatever a test wants it to say.</summary>
public sealed class InletTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);
    private static readonly byte[] Accepted5 = [0x20, 3, 0, 0, 0];
    private static readonly byte[] Accepted311 = [0x20, 2, 0, 0];
    private static readonly byte[] SubAck5 = [0x90, 4, 0, 1, 0, 1];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Messages_come_whole_however_their_bytes_are_cut_and_keep_their_payloads(bool version5)
    {
        var message = Gen.Select(
            Gen.String[Gen.Char['a', 'z'], 1, 40], Gen.OneOf(Gen.Int[0, 300], Gen.Int[60_000, 140_000]), Gen.Bool, Gen.Bool,
            (topic, size, acknowledge, duplicate) => new Sent(topic, new byte[size], acknowledge, duplicate && acknowledge));
        await Gen.Select(message.List[1, 40], Gen.OneOf(Gen.Int[1_000, 3_000], Gen.Int[20_000, 200_000])).SampleAsync(
            async (messages, cut) =>
            {
                foreach (var sent in messages) Random.Shared.NextBytes(sent.Payload);
                var got = (await ReceiveAsync(messages, cut, version5)).Got;
                Assert.Equal(messages.Count, got.Count);
                foreach (var (sent, kept) in messages.Zip(got))
                {
                    // Compared after all of them have come: nothing was written over.
                    Assert.Equal((sent.Topic, sent.Acknowledge, sent.Duplicate), (kept.Topic, kept.Acknowledge, kept.Duplicate));
                    Assert.True(sent.Payload.AsSpan().SequenceEqual(kept.Payload.Span), $"a payload of {sent.Payload.Length} bytes");
                }
            },
            iter: 30, threads: 1);
    }

    [Fact]
    public async Task A_message_cut_at_every_byte_comes_whole()
    {
        var received = await ReceiveAsync([new Sent("spBv1.0/g/NDATA/n", [1, 2, 3], true, false)], cut: 1, version5: true);
        Assert.Equal([1, 2, 3], Assert.Single(received.Got).Payload.ToArray());
    }

    [Fact]
    public async Task Properties_of_a_message_are_read_over()
    {
        // Content type, correlation data, expiry and a user property before the payload.
        byte[] properties =
            [0x03, 0, 1, (byte)'x', 0x09, 0, 2, 1, 2, 0x02, 0, 0, 0, 9, 0x26, 0, 1, (byte)'k', 0, 1, (byte)'v'];
        byte[] body = [0, 1, (byte)'t', 0, 7, (byte)properties.Length, .. properties, 42];
        var received = await ReceiveAsync([0x32, (byte)body.Length, .. body]);
        Assert.Equal([42], Assert.Single(received.Got).Payload.ToArray());
        Assert.Equal(InletEnd.Closed, received.End);
    }

    public static TheoryData<string, byte[]> NoMqtt() => new()
    {
        { "more than four bytes", [0x32, 0xFF, 0xFF, 0xFF, 0xFF, 1] },
        { "QoS 2", [0x34, 6, 0, 1, (byte)'t', 0, 1, 0] },
        { "without a packet identifier", [0x32, 6, 0, 1, (byte)'t', 0, 0, 0] },
        { "ends before", [0x32, 4, 0, 9, (byte)'t', 0] },
        { "ends before", [0x32, 6, 0, 1, (byte)'t', 0, 1, 9] },
        { "nobody asked for", [0x10, 0] },
        { "nobody asked for", [0x40, 2, 0, 1] },
        { "no property", [0xE0, 4, 0, 2, 0x7F, 0] },
    };

    [Theory]
    [MemberData(nameof(NoMqtt))]
    public async Task What_is_no_MQTT_ends_the_connection_and_says_why(string why, byte[] bytes)
    {
        var received = await ReceiveAsync(bytes);
        Assert.Empty(received.Got);
        Assert.Equal(InletEnd.ProtocolError, received.End);
        Assert.Contains(why, received.Why, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0x8E, InletEnd.TakenOver)]
    [InlineData(0x8B, InletEnd.Lost)]
    public async Task The_reason_of_a_disconnect_is_heard(byte code, InletEnd expected)
    {
        var received = await ReceiveAsync([0xE0, 2, code, 0]);
        Assert.Equal(expected, received.End);
        Assert.Contains($"0x{code:X2}", received.Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_that_the_broker_resets_is_closed_as_one_that_it_ends()
    {
        using var broker = new ScriptedBroker();
        broker.SayToTheFirst(Accepted5, SubAck5);
        await using var inlet = await MqttInlet.ConnectAsync(Options(broker), CancellationToken.None);
        var running = inlet.RunAsync((in InletMessage _) => true, () => { }, CancellationToken.None);
        await inlet.Subscribed.WaitAsync(Soon);
        await broker.ResetAsync();
        Assert.Equal(InletEnd.Closed, await running.WaitAsync(Soon));
    }

    [Fact]
    public async Task The_first_message_after_a_silence_is_taken_at_once_and_those_that_follow_within_a_moment_together()
    {
        using var broker = new ScriptedBroker();
        broker.SayToTheFirst(Accepted5, SubAck5, Publish(1));
        await using var inlet = await MqttInlet.ConnectAsync(
            Options(broker) with { Gather = TimeSpan.FromSeconds(2) }, CancellationToken.None);
        var (messages, reads, all) = (0, new List<int>(), new TaskCompletionSource());
        var first = new TaskCompletionSource();
        var running = inlet.RunAsync(
            (in InletMessage _) => ++messages > 0,
            () =>
            {
                if (messages == reads.LastOrDefault()) return;
                reads.Add(messages);
                first.TrySetResult();
                if (messages == 4) all.TrySetResult();
            },
            CancellationToken.None);
        await first.Task.WaitAsync(TimeSpan.FromSeconds(1));
        for (byte i = 2; i <= 4; i++)
        {
            // Apart, as they would be read if nobody gathered them.
            await Task.Delay(20);
            await broker.SayAsync(Publish(i));
        }

        await all.Task.WaitAsync(Soon);
        Assert.Equal([1, 4], reads);
        await broker.CloseAsync();
        await running.WaitAsync(Soon);
    }

    [Fact]
    public async Task A_broker_whose_window_is_full_is_read_as_soon_as_its_messages_are_acknowledged()
    {
        using var broker = new ScriptedBroker();
        broker.SayToTheFirst(Accepted5, SubAck5, [.. Publish(1), .. Publish(2)]);
        await using var inlet = await MqttInlet.ConnectAsync(
            Options(broker) with { Gather = TimeSpan.FromMinutes(1) }, CancellationToken.None);
        var (messages, first, second) = (0, new TaskCompletionSource(), new TaskCompletionSource());
        var running = inlet.RunAsync(
            (in InletMessage _) => ++messages > 0,
            () =>
            {
                if (messages == 2) first.TrySetResult();
                if (messages == 4) second.TrySetResult();
            },
            CancellationToken.None);
        await first.Task.WaitAsync(Soon);
        await inlet.AcknowledgeAsync([1, 2]);
        await broker.SayAsync([.. Publish(3), .. Publish(4)]);
        await second.Task.WaitAsync(Soon);
        await broker.CloseAsync();
        await inlet.AcknowledgeAsync([3, 4]);
        await running.WaitAsync(Soon);
    }

    [Fact]
    public async Task Packets_larger_than_the_buffer_do_not_wait_for_each_other()
    {
        using var broker = new ScriptedBroker();
        byte[] large = [0x32, 0xF0, 0xA2, 0x04, 0, 1, (byte)'t', 0, 1, 0, .. new byte[70_000 - 6]];
        broker.SayToTheFirst(Accepted5, SubAck5, [.. large, .. large, .. large]);
        await using var inlet = await MqttInlet.ConnectAsync(
            Options(broker) with { Gather = TimeSpan.FromMinutes(1) }, CancellationToken.None);
        var (messages, all) = (0, new TaskCompletionSource());
        var running = inlet.RunAsync(
            (in InletMessage _) => ++messages > 0,
            () =>
            {
                if (messages == 3) all.TrySetResult();
            },
            CancellationToken.None);
        await all.Task.WaitAsync(Soon);
        await inlet.DisconnectAsync();
        await running.WaitAsync(Soon);
    }

    private static byte[] Publish(byte id) => [0x32, 6, 0, 1, (byte)'t', 0, id, 0];

    [Fact]
    public async Task Whoever_wants_no_more_says_good_bye()
    {
        using var broker = new ScriptedBroker();
        broker.SayToTheFirst(Accepted5, SubAck5, [0x32, 6, 0, 1, (byte)'t', 0, 1, 0]);
        await using var inlet = await MqttInlet.ConnectAsync(Options(broker), CancellationToken.None);
        var end = await inlet.RunAsync((in InletMessage _) => false, () => { }, CancellationToken.None).WaitAsync(Soon);
        Assert.Equal(InletEnd.GivenUp, end);
        await Eventually.TrueAsync("DISCONNECT", Soon, () => Task.FromResult(broker.Heard.AsSpan().EndsWith(new byte[] { 0xE0, 0 })));
    }

    [Fact]
    public async Task A_packet_larger_than_what_was_asked_for_is_not_made_room_for()
    {
        using var broker = new ScriptedBroker();
        // 268,435,455 bytes, of which none follows.
        broker.SayToTheFirst(Accepted5, SubAck5, [0x32, 0xFF, 0xFF, 0xFF, 0x7F]);
        await using var inlet = await MqttInlet.ConnectAsync(Options(broker), CancellationToken.None);
        var end = await inlet.RunAsync((in InletMessage _) => true, () => { }, CancellationToken.None).WaitAsync(Soon);
        Assert.Equal(InletEnd.ProtocolError, end);
        Assert.Contains("a packet of 268435460 bytes, where 16777216", inlet.Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_refused_subscription_is_an_error_that_names_the_filter()
    {
        using var broker = new ScriptedBroker();
        broker.SayToTheFirst(Accepted5, [0x90, 4, 0, 1, 0, 0x87]);
        await using var inlet = await MqttInlet.ConnectAsync(Options(broker), CancellationToken.None);
        using var stop = new CancellationTokenSource();
        var running = inlet.RunAsync((in InletMessage _) => true, () => { }, stop.Token);
        var error = await Assert.ThrowsAsync<MqttRefusedException>(() => inlet.Subscribed.WaitAsync(Soon));
        Assert.Contains("spBv1.0/#", error.Message, StringComparison.Ordinal);
        await stop.CancelAsync();
        Assert.Equal(InletEnd.GivenUp, await running.WaitAsync(Soon));
    }

    [Fact]
    public async Task A_broker_that_does_not_answer_is_not_waited_for_longer_than_the_limit()
    {
        using var broker = new ScriptedBroker();
        var options = Options(broker) with { AnswerTimeout = TimeSpan.FromMilliseconds(200) };
        var error = await Assert.ThrowsAsync<TimeoutException>(
            () => MqttInlet.ConnectAsync(options, CancellationToken.None).WaitAsync(Soon));
        Assert.Contains("no answer", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_broker_that_falls_silent_is_asked_and_then_given_up()
    {
        using var broker = new ScriptedBroker();
        broker.SayToTheFirst(Accepted5, SubAck5);
        var options = Options(broker) with { KeepAlive = TimeSpan.FromSeconds(1), AnswerTimeout = TimeSpan.FromMilliseconds(500) };
        await using var inlet = await MqttInlet.ConnectAsync(options, CancellationToken.None);
        var end = await inlet.RunAsync((in InletMessage _) => true, () => { }, CancellationToken.None).WaitAsync(Soon);
        Assert.Equal(InletEnd.Lost, end);
        Assert.Contains("nothing was heard", inlet.Why, StringComparison.Ordinal);
        Assert.Equal([0xC0, 0], broker.Heard[^2..]);
    }

    [Theory]
    [InlineData(1, 15)]
    [InlineData(0, 1)]
    [InlineData(60_000, 1)]
    public async Task The_broker_is_asked_at_the_shorter_of_both_keep_alives_and_also_when_it_wants_none(int wantedS, int ownS)
    {
        using var broker = new ScriptedBroker();
        // Property 0x13: Server Keep Alive.
        broker.SayToTheFirst([0x20, 6, 0, 0, 3, 0x13, (byte)(wantedS >> 8), (byte)wantedS], SubAck5);
        var options = Options(broker) with { KeepAlive = TimeSpan.FromSeconds(ownS) };
        await using var inlet = await MqttInlet.ConnectAsync(options, CancellationToken.None);
        using var stop = new CancellationTokenSource();
        var running = inlet.RunAsync((in InletMessage _) => true, () => { }, stop.Token);
        await Eventually.TrueAsync("a ping", Soon, () => Task.FromResult(broker.Heard.AsSpan().EndsWith(new byte[] { 0xC0, 0 })));
        // A few, and not a flood.
        Assert.InRange(broker.Heard.Length, 1, 200);
        await stop.CancelAsync();
        await running;
    }

    [Fact]
    public async Task Acknowledgements_leave_in_the_order_they_are_given_in()
    {
        using var broker = new ScriptedBroker();
        broker.SayToTheFirst(Accepted311);
        await using var inlet = await MqttInlet.ConnectAsync(Options(broker) with { Version5 = false }, CancellationToken.None);
        await inlet.AcknowledgeAsync([3, 1, 65_535]);
        byte[] expected = [0x40, 2, 0, 3, 0x40, 2, 0, 1, 0x40, 2, 0xFF, 0xFF];
        await Eventually.TrueAsync("three PUBACKs", Soon, () => Task.FromResult(broker.Heard.AsSpan().EndsWith(expected)));
    }

    [Fact]
    public async Task A_certificate_is_trusted_if_the_authority_of_the_configuration_signed_it_and_no_other()
    {
        using var ours = Authority("ours");
        using var other = Authority("other");
        using var server = Signed(ours, "127.0.0.1");
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, ours.ExportCertificatePem());
            using (var broker = new ScriptedBroker(server))
            {
                broker.SayToTheFirst(Accepted5);
                await using var inlet = await MqttInlet.ConnectAsync(Tls(broker, file), CancellationToken.None);
                Assert.True(inlet.Answer.Accepted);
            }

            await File.WriteAllTextAsync(file, other.ExportCertificatePem());
            using var again = new ScriptedBroker(server);
            await Assert.ThrowsAsync<AuthenticationException>(() => MqttInlet.ConnectAsync(Tls(again, file), CancellationToken.None));
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static InletOptions Options(ScriptedBroker broker) =>
        new(new BrokerAddress(new Uri($"mqtt://127.0.0.1:{broker.Port}")), "c", "spBv1.0/#");

    private static InletOptions Tls(ScriptedBroker broker, string ca) =>
        new(new BrokerAddress(new Uri($"mqtts://127.0.0.1:{broker.Port}")) { CaFile = ca }, "c", "spBv1.0/#");

    private static X509Certificate2 Authority(string name)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    private static X509Certificate2 Signed(X509Certificate2 authority, string address)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={address}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddIpAddress(System.Net.IPAddress.Parse(address));
        request.CertificateExtensions.Add(names.Build());
        var signed = request.Create(authority, DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1), [1, 2, 3, 4]);
        return signed.CopyWithPrivateKey(key);
    }

    private static Task<Received> ReceiveAsync(IReadOnlyList<Sent> messages, int cut, bool version5)
    {
        var bytes = new List<byte>();
        foreach (var sent in messages)
        {
            var topic = Encoding.ASCII.GetBytes(sent.Topic);
            List<byte> body = [0, (byte)topic.Length, .. topic];
            if (sent.Acknowledge) body.AddRange([0, 1]);
            if (version5) body.Add(0);
            body.AddRange(sent.Payload);
            bytes.Add((byte)(0x30 | (sent.Acknowledge ? 2 : 0) | (sent.Duplicate ? 8 : 0)));
            var length = body.Count;
            for (; length > 0x7F; length >>= 7) bytes.Add((byte)((length & 0x7F) | 0x80));
            bytes.Add((byte)length);
            bytes.AddRange(body);
        }

        return ReceiveAsync([.. bytes], cut, version5);
    }

    /// <summary>What is received of a broker that accepts, says these bytes, so many at a time, and closes.</summary>
    private static async Task<Received> ReceiveAsync(byte[] bytes, int cut = int.MaxValue, bool version5 = true)
    {
        using var broker = new ScriptedBroker();
        broker.SayToTheFirst(version5 ? Accepted5 : Accepted311);
        await using var inlet = await MqttInlet.ConnectAsync(Options(broker) with { Version5 = version5 }, CancellationToken.None);
        var got = new List<Kept>();
        var running = inlet.RunAsync(
            (in InletMessage m) =>
            {
                got.Add(new Kept(Encoding.UTF8.GetString(m.Topic), m.Payload, m.PacketId != 0, m.Duplicate));
                return true;
            },
            () => { },
            CancellationToken.None);
        await broker.SayAsync(bytes, cut);
        await broker.CloseAsync();
        return new Received(got, await running.WaitAsync(Soon), inlet.Why);
    }

    private sealed record Sent(string Topic, byte[] Payload, bool Acknowledge, bool Duplicate);

    private sealed record Kept(string Topic, ReadOnlyMemory<byte> Payload, bool Acknowledge, bool Duplicate);

    private sealed record Received(List<Kept> Got, InletEnd End, string Why);
}
