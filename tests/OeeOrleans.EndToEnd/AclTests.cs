using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>The exported rules, believed by a real mosquitto.</summary>
public sealed class AclTests : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("oee-acl-").FullName;
    private ServerProcess _broker = null!;
    private int _port;

    public async Task InitializeAsync()
    {
        var config = Path.Combine(_directory, "plant.yaml");
        await File.WriteAllTextAsync(config,
            $$"""
            site: { id: site, name: Acl, time_zone: UTC }
            data_dir: {{_directory}}
            areas: [{ id: a, lines: [{ id: l, machines: [{ id: m1, edge_node: g/n1 }, { id: m2, edge_node: g/n2 }] }] }]
            """);
        await RunAsync("key", "create", "screen", "--role", "dashboard", "--config", config);
        await RunAsync("key", "create", "fleet", "--role", "edge", "--at", "site/*", "--config", config);
        var acl = Path.Combine(_directory, "acl");
        await File.WriteAllTextAsync(acl, await RunAsync("acl", "export", "--format", "mosquitto", "--config", config));
        var passwords = Path.Combine(_directory, "passwords");
        await File.WriteAllTextAsync(
            passwords, string.Concat(new[] { "g/n1", "g/n2", "screen", "fleet", "oee-host" }.Select(u => $"{u}:secret\n")));
        await using (var hash = ServerProcess.Start("mosquitto_passwd", ["-U", passwords]))
        {
            await hash.WaitForExitAsync(TimeSpan.FromSeconds(10));
            Assert.Equal(0, hash.ExitCode);
        }

        _port = ServerProcess.FreePort();
        var file = Path.Combine(_directory, "mosquitto.conf");
        await File.WriteAllTextAsync(
            file, $"listener {_port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\nacl_file {acl}\nuser root\n");
        _broker = ServerProcess.Start("mosquitto", ["-c", file]);
        await Eventually.TrueAsync("mosquitto to listen", TimeSpan.FromSeconds(10), async () =>
        {
            using var probe = await InAsync("oee-host");
            return true;
        });
    }

    public async Task DisposeAsync()
    {
        await _broker.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task An_edge_publishes_as_itself_and_hears_its_own_commands_and_the_host_does_everything()
    {
        using var edge = await InAsync("g/n1");
        using var host = await InAsync("oee-host");
        using var screen = await InAsync("screen");
        using var fleet = await InAsync("fleet");
        var rows = new[]
        {
            (edge, "spBv1.0/g/NDATA/n1", true), (edge, "spBv1.0/g/DDATA/n1/m1", true), (edge, "spBv1.0/g/NDATA/n2", false),
            (edge, "spBv1.0/g/NCMD/n2", false), (edge, "spBv1.0/STATE/oee", false), (screen, "spBv1.0/g/NDATA/n1", false),
            // All of a group but the results, which are the host's.
            (fleet, "spBv1.0/site/NDATA/n9", true), (fleet, "spBv1.0/site/DDATA/oee/m1", false), (fleet, "spBv1.0/site/NBIRTH/oee", false),
            (host, "spBv1.0/g/NCMD/n1", true), (host, "spBv1.0/STATE/oee-site", true),
        };
        foreach (var (client, topic, may) in rows)
        {
            var result = await client.PublishAsync(new MqttApplicationMessageBuilder()
                .WithTopic(topic).WithPayload([1]).WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce).Build());
            Assert.True(may == (result.ReasonCode != MqttClientPublishReasonCode.NotAuthorized), $"{topic}: {result.ReasonCode}");
        }

        Assert.True(await HearsAsync(edge, "spBv1.0/g/NCMD/n1", host));
        Assert.True(await HearsAsync(edge, "spBv1.0/g/DCMD/n1/m1", host));
        Assert.False(await HearsAsync(edge, "spBv1.0/g/DCMD/n2/m2", host));
        Assert.True(await HearsAsync(screen, "spBv1.0/site/NDATA/oee", host));
        Assert.True(await HearsAsync(screen, "spBv1.0/site/DDATA/oee/l", host));
        Assert.False(await HearsAsync(screen, "spBv1.0/g/NDATA/n1", host));
    }

    /// <summary>Mosquitto grants any subscription and delivers what the reader may read.</summary>
    private static async Task<bool> HearsAsync(IMqttClient hearer, string topic, IMqttClient speaker)
    {
        var heard = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        Task OnMessage(MqttApplicationMessageReceivedEventArgs args)
        {
            if (args.ApplicationMessage.Topic == topic) heard.TrySetResult(true);
            return Task.CompletedTask;
        }

        hearer.ApplicationMessageReceivedAsync += OnMessage;
        await hearer.SubscribeAsync(topic);
        await speaker.PublishAsync(new MqttApplicationMessageBuilder()
            .WithTopic(topic).WithPayload([1]).WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce).Build());
        // What is answered after it was delivered after it.
        await hearer.PingAsync();
        var result = heard.Task.IsCompleted;
        hearer.ApplicationMessageReceivedAsync -= OnMessage;
        return result;
    }

    private async Task<IMqttClient> InAsync(string user)
    {
        var client = new MqttClientFactory().CreateMqttClient();
        var result = await client.ConnectAsync(
            new MqttClientOptionsBuilder()
                .WithTcpServer("127.0.0.1", _port)
                .WithProtocolVersion(MqttProtocolVersion.V500)
                .WithCredentials(user, "secret")
                .Build());
        Assert.Equal(MqttClientConnectResultCode.Success, result.ResultCode);
        return client;
    }

    private static async Task<string> RunAsync(params string[] arguments)
    {
        await using var process = ServerProcess.Start("dotnet", [Oee.Program, .. arguments]);
        await process.WaitForExitAsync(TimeSpan.FromSeconds(60));
        Assert.True(process.ExitCode == 0, process.Output);
        return process.Output;
    }
}
