using System.Collections.Concurrent;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using OeeOrleans.TestServers;

namespace OeeOrleans.Host.Tests.Doors;

/// <summary>The embedded broker's door, knocked at by clients of somebody else's making.</summary>
[Collection(nameof(GuardedPlant))]
public sealed class MqttDoorTests(GuardedPlant plant) : IAsyncDisposable
{
    private const string Node = "own/edge1";
    private const string OwnData = "spBv1.0/own/NDATA/edge1";
    private const string ForeignData = "spBv1.0/foreign/NDATA/edge1";

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    private readonly ConcurrentQueue<IMqttClient> _clients = new();

    private string EdgeKey => plant.KeyOf("edge");

    public ValueTask DisposeAsync()
    {
        foreach (var client in _clients) client.Dispose();
        return ValueTask.CompletedTask;
    }

    [Fact]
    public async Task An_edge_publishes_as_itself_and_not_as_another()
    {
        var edge = await InAsync(Node, EdgeKey);
        Assert.Equal(MqttClientPublishReasonCode.Success, await SayAsync(edge, OwnData));
        Assert.Equal(MqttClientPublishReasonCode.NotAuthorized, await SayAsync(edge, ForeignData));
    }

    [Fact]
    public async Task An_edge_that_cannot_be_told_so_is_sent_away_and_nobody_heard_it()
    {
        var (hearer, heard) = await HearAsync();
        var edge = await InAsync(Node, EdgeKey, version: MqttProtocolVersion.V311);
        var gone = new TaskCompletionSource();
        edge.DisconnectedAsync += _ =>
        {
            gone.TrySetResult();
            return Task.CompletedTask;
        };
        await Assert.ThrowsAnyAsync<Exception>(() => edge.PublishAsync(Message(ForeignData)).WaitAsync(Soon));
        await gone.Task.WaitAsync(Soon);
        await hearer.PingAsync();
        Assert.DoesNotContain(ForeignData, heard);
    }

    [Fact]
    public async Task The_will_of_an_edge_speaks_for_itself_only()
    {
        var (_, heard) = await HearAsync();
        foreach (var topic in new[] { "spBv1.0/foreign/NDEATH/edge1", "spBv1.0/own/NDEATH/edge1" })
        {
            var edge = await InAsync(Node, EdgeKey, will: topic);
            // Without a DISCONNECT.
            edge.Dispose();
        }

        await Eventually.TrueAsync("its own will", Soon, () => Task.FromResult(heard.Contains("spBv1.0/own/NDEATH/edge1")));
        Assert.DoesNotContain("spBv1.0/foreign/NDEATH/edge1", heard);
    }

    [Theory]
    [InlineData("edge", "spBv1.0/own/NCMD/edge1", true)]
    [InlineData("edge", "spBv1.0/own/DCMD/edge1/#", true)]
    [InlineData("edge", "spBv1.0/foreign/DCMD/edge1/#", false)]
    [InlineData("edge", "spBv1.0/#", false)]
    [InlineData("edge", "#", false)]
    [InlineData("dashboard at own", "spBv1.0/plant/+/oee/own-line", true)]
    [InlineData("dashboard at own", "spBv1.0/plant/+/oee/foreign-line", false)]
    [InlineData("dashboard at own", "spBv1.0/own/DDATA/edge1/own-press", false)]
    [InlineData("dashboard at plant", "spBv1.0/plant/+/oee/#", true)]
    [InlineData("dashboard at plant", "spBv1.0/#", false)]
    [InlineData("admin at plant", "spBv1.0/#", true)]
    public async Task Everybody_hears_what_its_grants_cover(string who, string filter, bool may)
    {
        var client = await InAsync(who == "edge" ? Node : who, plant.KeyOf(who));
        var result = await client.SubscribeAsync(filter);
        Assert.Equal(may, Assert.Single(result.Items).ResultCode <= MqttClientSubscribeResultCode.GrantedQoS2);
    }

    [Theory]
    [InlineData(null, null)]
    [InlineData("anna", "guess")]
    [InlineData(Node, "guess")]
    [InlineData("oee-host", "guess")]
    public async Task Nobody_comes_in_without_a_name_and_its_secret(string? user, string? password) =>
        Assert.NotEqual(MqttClientConnectResultCode.Success, await ConnectAsync(user, password, $"c-{Guid.NewGuid():N}"));

    [Fact]
    public async Task A_key_is_good_for_its_own_name_only() =>
        Assert.NotEqual(MqttClientConnectResultCode.Success, await ConnectAsync("foreign/edge1", EdgeKey, $"c-{Guid.NewGuid():N}"));

    [Fact]
    public async Task A_user_comes_in_with_its_password()
    {
        var (name, password) = await plant.UserAsync("dashboard", GuardedPlant.Site);
        Assert.Equal(MqttClientConnectResultCode.Success, await ConnectAsync(name, password, $"c-{Guid.NewGuid():N}"));
    }

    [Theory]
    [InlineData("oee-oee-plant-0")]
    [InlineData("oee-anything")]
    [InlineData("results-plant-oee")]
    [InlineData("sim-plant")]
    // Of another edge node.
    [InlineData("edge-foreign-edge1")]
    public async Task A_client_id_of_ours_gets_nobody_else_in(string id) =>
        Assert.Equal(MqttClientConnectResultCode.ClientIdentifierNotValid, await ConnectAsync(Node, EdgeKey, id));

    [Fact]
    public async Task An_edge_does_not_take_over_the_session_of_another()
    {
        var id = $"c-{Guid.NewGuid():N}";
        var edge = await InAsync(Node, EdgeKey, id);
        var (_, key) = await plant.NewKeyAsync("edge", "foreign/edge1");
        Assert.Equal(MqttClientConnectResultCode.ClientIdentifierNotValid, await ConnectAsync("foreign/edge1", key, id));
        Assert.Equal(MqttClientPublishReasonCode.Success, await SayAsync(edge, OwnData));
        // Its own it takes over, as after a break of the network.
        Assert.Equal(MqttClientConnectResultCode.Success, await ConnectAsync(Node, EdgeKey, id));
    }

    [Fact]
    public async Task Nobody_keeps_an_edge_out_by_coming_first_under_its_client_id()
    {
        var looker = ("dashboard at plant", plant.KeyOf("dashboard at plant"));
        Assert.Equal(
            MqttClientConnectResultCode.ClientIdentifierNotValid, await ConnectAsync(looker.Item1, looker.Item2, "edge-own-edge1"));
        Assert.Equal(MqttClientConnectResultCode.Success, await ConnectAsync(Node, EdgeKey, "edge-own-edge1"));
        // One that is not ours has any name.
        var id = $"ignition-{Guid.NewGuid():N}";
        var first = await InAsync(looker.Item1, looker.Item2, id);
        var edge = await InAsync(Node, EdgeKey, id);
        await Eventually.TrueAsync("the first one to be gone", Soon, () => Task.FromResult(!first.IsConnected));
        Assert.Equal(MqttClientPublishReasonCode.Success, await SayAsync(edge, OwnData));
        Assert.Equal(MqttClientConnectResultCode.ClientIdentifierNotValid, await ConnectAsync(looker.Item1, looker.Item2, id));
    }

    [Fact]
    public async Task A_new_key_of_an_edge_takes_up_the_session_of_the_old_one()
    {
        var id = $"c-{Guid.NewGuid():N}";
        await InAsync(Node, EdgeKey, id);
        var (_, key) = await plant.NewKeyAsync("edge", Node);
        Assert.Equal(MqttClientConnectResultCode.Success, await ConnectAsync(Node, key, id));
    }

    [Fact]
    public async Task What_a_guest_says_is_not_kept_for_those_who_come_later()
    {
        var edge = await InAsync(Node, EdgeKey);
        var kept = new MqttApplicationMessageBuilder().WithTopic(OwnData).WithPayload([7]).WithRetainFlag()
            .WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce).Build();
        Assert.Equal(MqttClientPublishReasonCode.Success, (await edge.PublishAsync(kept)).ReasonCode);
        var late = await InAsync("admin at plant", plant.KeyOf("admin at plant"));
        var heard = new ConcurrentQueue<byte>();
        late.ApplicationMessageReceivedAsync += args =>
        {
            heard.Enqueue(args.ApplicationMessage.Payload.FirstSpan[0]);
            return Task.CompletedTask;
        };
        await late.SubscribeAsync("spBv1.0/own/NDATA/edge1");
        // What was kept would come before what is said now.
        Assert.Equal(MqttClientPublishReasonCode.Success, await SayAsync(edge, OwnData));
        await Eventually.TrueAsync("what is said now", Soon, () => Task.FromResult(heard.Contains((byte)1)));
        Assert.DoesNotContain((byte)7, heard);
    }

    [Theory]
    // CONNECT of 256 MB; of 64 KB and one; a length that does not end.
    [InlineData("10FFFFFF7F")]
    [InlineData("10818004")]
    [InlineData("10FFFFFFFF01")]
    public async Task A_stranger_who_announces_much_is_sent_away_before_he_has_sent_it(string bytes)
    {
        using var socket = new System.Net.Sockets.TcpClient();
        await socket.ConnectAsync("127.0.0.1", plant.MqttPort);
        await socket.GetStream().WriteAsync(Convert.FromHexString(bytes));
        try
        {
            Assert.Equal(0, await socket.GetStream().ReadAsync(new byte[1]).AsTask().WaitAsync(TimeSpan.FromSeconds(5)));
        }
        catch (IOException)
        {
            // Reset: as good as closed.
        }
    }

    [Fact]
    public async Task A_message_of_more_than_sixteen_megabytes_is_not_taken()
    {
        var edge = await InAsync(Node, EdgeKey);
        var large = new MqttApplicationMessageBuilder().WithTopic(OwnData).WithPayload(new byte[(16 << 20) + 1])
            .WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce).Build();
        await Assert.ThrowsAnyAsync<Exception>(() => edge.PublishAsync(large).WaitAsync(TimeSpan.FromSeconds(20)));
        await Eventually.TrueAsync("the connection to end", Soon, () => Task.FromResult(!edge.IsConnected));
    }

    [Fact]
    public async Task A_key_that_is_revoked_ends_the_connections_that_came_in_with_it()
    {
        var (id, key) = await plant.NewKeyAsync("edge", "own/edge7");
        var edge = await InAsync("own/edge7", key);
        var gone = new TaskCompletionSource();
        edge.DisconnectedAsync += _ =>
        {
            gone.TrySetResult();
            return Task.CompletedTask;
        };
        using var revoked = await plant.Admin.DeleteAsync($"/api/keys/{id}");
        revoked.EnsureSuccessStatusCode();
        await gone.Task.WaitAsync(TimeSpan.FromSeconds(2));
        Assert.NotEqual(MqttClientConnectResultCode.Success, await ConnectAsync("own/edge7", key, $"c-{Guid.NewGuid():N}"));
    }

    private static MqttApplicationMessage Message(string topic) => new MqttApplicationMessageBuilder()
        .WithTopic(topic).WithPayload([1]).WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce).Build();

    private static async Task<MqttClientPublishReasonCode> SayAsync(IMqttClient client, string topic) =>
        (await client.PublishAsync(Message(topic)).WaitAsync(Soon)).ReasonCode;

    private async Task<(IMqttClient Client, ConcurrentQueue<string> Heard)> HearAsync()
    {
        var client = await InAsync("admin at plant", plant.KeyOf("admin at plant"));
        var heard = new ConcurrentQueue<string>();
        client.ApplicationMessageReceivedAsync += args =>
        {
            heard.Enqueue(args.ApplicationMessage.Topic);
            return Task.CompletedTask;
        };
        await client.SubscribeAsync("spBv1.0/#");
        return (client, heard);
    }

    private async Task<IMqttClient> InAsync(
        string user, string password, string? id = null, string? will = null, MqttProtocolVersion version = MqttProtocolVersion.V500)
    {
        var client = New();
        var result = await client.ConnectAsync(Options(user, password, id ?? $"c-{Guid.NewGuid():N}", will, version));
        Assert.Equal(MqttClientConnectResultCode.Success, result.ResultCode);
        return client;
    }

    private async Task<MqttClientConnectResultCode> ConnectAsync(string? user, string? password, string id) =>
        (await New().ConnectAsync(Options(user, password, id, null, MqttProtocolVersion.V500))).ResultCode;

    private IMqttClient New()
    {
        var client = new MqttClientFactory().CreateMqttClient();
        _clients.Enqueue(client);
        return client;
    }

    private MqttClientOptions Options(string? user, string? password, string id, string? will, MqttProtocolVersion version)
    {
        var options = new MqttClientOptionsBuilder()
            .WithTcpServer("127.0.0.1", plant.MqttPort)
            .WithClientId(id)
            .WithProtocolVersion(version)
            .WithTimeout(Soon);
        if (user is not null) options.WithCredentials(user, password!);
        if (will is not null) options.WithWillTopic(will).WithWillPayload([1]);
        return options.Build();
    }
}
