using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using OeeOrleans.TestServers;

namespace OeeOrleans.Host.Tests.Doors;

/// <summary>Live push over a plain WebSocket.</summary>
[Collection(nameof(GuardedPlant))]
public sealed class LiveSocketTests(GuardedPlant plant)
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    [Theory]
    [InlineData("{\"subscribe\":{\"line_id\":\"own-line\"}}", "subscribed", "own-line")]
    [InlineData("{\"subscribe\":{\"machine_id\":\"own-press\"}}", "subscribed", "own-press")]
    [InlineData("{\"subscribe\":{\"line_id\":\"foreign-line\"}}", "error", "there is no line 'foreign-line'")]
    [InlineData("{\"subscribe\":{\"machine_id\":\"foreign-press\"}}", "error", "there is no machine 'foreign-press'")]
    [InlineData("{\"subscribe\":{\"machine_id\":\"none\"}}", "error", "there is no machine 'none'")]
    [InlineData("{\"subscribe\":{\"line_id\":{}}}", "error", "is what is understood")]
    [InlineData("{\"subscribe\":[]}", "error", "is what is understood")]
    [InlineData("[]", "error", "is what is understood")]
    [InlineData("{\"subscribe\":{\"line_id\":\"\\ud800\"}}", "error", "is what is understood")]
    [InlineData("nonsense", "error", "is what is understood")]
    public async Task What_is_asked_for_is_answered(string asked, string type, string says)
    {
        using var socket = await ConnectAsync("dashboard at own");
        var answer = await AskAsync(socket, asked);
        Assert.Equal(type, answer.GetProperty("type").GetString());
        Assert.Contains(says, answer.GetProperty("data").EnumerateObject().Single().Value.GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_lives_on_after_nonsense_and_ends_in_good_order()
    {
        using var socket = await ConnectAsync("dashboard at own");
        await AskAsync(socket, "nonsense");
        Assert.Equal("subscribed", (await AskAsync(socket, "{\"subscribe\":{\"line_id\":\"own-line\"}}")).GetProperty("type").GetString());
        using var limit = new CancellationTokenSource(Soon);
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token);
        Assert.Equal(WebSocketState.Closed, socket.State);
    }

    [Fact]
    public async Task A_message_that_is_no_subscription_by_its_size_closes_the_connection()
    {
        using var socket = await ConnectAsync("dashboard at own");
        using var limit = new CancellationTokenSource(Soon);
        await socket.SendAsync(new byte[5_000], WebSocketMessageType.Text, endOfMessage: true, limit.Token);
        var closed = await socket.ReceiveAsync(new byte[100], limit.Token);
        Assert.Equal(WebSocketCloseStatus.MessageTooBig, closed.CloseStatus);
    }

    [Fact]
    public async Task Who_is_not_known_does_not_come_in()
    {
        using var socket = new ClientWebSocket();
        socket.Options.CollectHttpResponseDetails = true;
        using var limit = new CancellationTokenSource(Soon);
        await Assert.ThrowsAsync<WebSocketException>(
            () => socket.ConnectAsync(new Uri($"ws://127.0.0.1:{plant.Port}/ws/live"), limit.Token));
        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, socket.HttpStatusCode);
    }

    private async Task<ClientWebSocket> ConnectAsync(string who)
    {
        var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader(TestAccess.Header, plant.KeyOf(who));
        using var limit = new CancellationTokenSource(Soon);
        await socket.ConnectAsync(new Uri($"ws://127.0.0.1:{plant.Port}/ws/live"), limit.Token);
        return socket;
    }

    private static async Task<JsonElement> AskAsync(ClientWebSocket socket, string text)
    {
        using var limit = new CancellationTokenSource(Soon);
        await socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, limit.Token);
        var buffer = new byte[10_000];
        while (true)
        {
            var got = await socket.ReceiveAsync(buffer, limit.Token);
            var message = JsonDocument.Parse(buffer.AsMemory(0, got.Count)).RootElement;
            // What is told meanwhile is no answer.
            if (message.GetProperty("type").GetString() is "subscribed" or "error") return message;
        }
    }
}
