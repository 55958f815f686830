using Microsoft.Extensions.Logging.Abstractions;
using MQTTnet;
using MQTTnet.Protocol;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Access;
using OeeOrleans.TestServers;

namespace OeeOrleans.Host.Tests.Doors;

/// <summary>Who came to the embedded broker, and what was refused there, stands in the audit log.</summary>
public sealed class MqttAuditTests : IAsyncLifetime
{
    private readonly string _directory = Directory.CreateTempSubdirectory("oee-mqtt-audit-").FullName;

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync()
    {
        Directory.Delete(_directory, recursive: true);
        return Task.CompletedTask;
    }

    [Fact]
    public async Task Sign_ins_and_what_was_refused_stand_in_the_audit_log()
    {
        var config = Path.Combine(_directory, "plant.yaml");
        var port = ServerProcess.FreePort();
        await File.WriteAllTextAsync(config,
            $$"""
            site: { id: plant, name: Audit, time_zone: UTC }
            {{TestAccess.Section("plant")}}
            areas: [{ id: a, lines: [{ id: l, machines: [{ id: m1, edge_node: g/n1 }] }] }]
            data_dir: {{_directory}}
            """);
        await using (var oee = await OeeRun.StartAsync(config, port, "--urls", "http://127.0.0.1:0"))
        {
            using var edge = new MqttClientFactory().CreateMqttClient();
            await edge.ConnectAsync(Options(port, TestAccess.EdgeName, TestAccess.EdgeKey, "one"));
            await edge.PublishAsync(new MqttApplicationMessageBuilder()
                .WithTopic("spBv1.0/STATE/oee").WithPayload([1]).WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce).Build());
            await edge.SubscribeAsync("#");
            using var stranger = new MqttClientFactory().CreateMqttClient();
            await stranger.ConnectAsync(Options(port, TestAccess.EdgeName, "a wrong key", "two"));
            // What is counted within a minute is written at the latest when it ends.
            await oee.StopAsync();
        }

        await using var store = StoreFactory.Sqlite(Path.Combine(_directory, "oee.db"), NullLoggerFactory.Instance);
        var entries = await store.Access.SearchAuditAsync(new AuditQuery(100) { Action = "mqtt." }, CancellationToken.None);
        var found = entries.Select(e => (e.Entry.Actor, e.Entry.Action, e.Entry.Target, e.Entry.Origin)).ToHashSet();
        var actor = $"key:{TestAccess.EdgeName}";
        Assert.Contains((actor, "mqtt.sign_in", "one", "127.0.0.1"), found);
        Assert.Contains((actor, "mqtt.publish.refused", "spBv1.0/STATE/oee", "127.0.0.1"), found);
        Assert.Contains((actor, "mqtt.subscribe.refused", "#", "127.0.0.1"), found);
        Assert.Contains(("unknown", "mqtt.connect.refused", $"{TestAccess.EdgeName} as two", "127.0.0.1"), found);
    }

    private static MqttClientOptions Options(int port, string user, string password, string id) => new MqttClientOptionsBuilder()
        .WithTcpServer("127.0.0.1", port).WithClientId(id).WithCredentials(user, password)
        .WithProtocolVersion(MQTTnet.Formatter.MqttProtocolVersion.V500).Build();
}
