using System.Net.WebSockets;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.Options;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Gateway.Api;

namespace OeeOrleans.Gateway.Live;

/// <summary>
/// `/ws/live`: what `/hubs/live` tells, as a plain WebSocket for clients without SignalR. In come `{ "subscribe": { "line_id" } }` and
/// `{ "subscribe": { "machine_id" } }`, out go `{ "type", "data" }`, one JSON text a message.
/// </summary>
internal static class LiveSocket
{
    /// <summary>Of what a client says; more is no subscription.</summary>
    private const int MaxMessage = 4 << 10;

    /// <summary>Of one connection: a plant has a thousand machines, and their lines say the same.</summary>
    private const int MaxTopics = 2_000;

    private const string Subscribed = "subscribed";
    private const string Refused = "error";

    public static void Map(IEndpointRouteBuilder app) => app
        .MapGet("/ws/live", async (HttpContext context, LiveSubscribers subscribers, Callers callers, IOptions<JsonOptions> json) =>
        {
            if (!context.WebSockets.IsWebSocketRequest)
            {
                context.Response.Headers.Upgrade = "websocket";
                await AccessAnswers.WriteAsync(
                    context, StatusCodes.Status426UpgradeRequired, "Upgrade required", "this address speaks WebSocket; see /hubs/live too");
                return;
            }

            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            var id = $"ws-{Guid.NewGuid():N}";
            subscribers.Add(id, context.User, new SocketClient(socket, json.Value.SerializerOptions), context.Abort);
            try
            {
                await ListenAsync(socket, id, context, subscribers, callers);
            }
            catch (WebSocketException)
            {
                // The client went without a word, which is how most of them go.
                return;
            }
            finally
            {
                subscribers.Remove(id);
            }
        })
        .Needs(AccessPolicy.Look).WithSummary("Live push as a plain WebSocket").ExcludeFromDescription();

    private static async Task ListenAsync(
        WebSocket socket, string id, HttpContext context, LiveSubscribers subscribers, Callers callers)
    {
        var buffer = new byte[MaxMessage];
        var topics = 0;
        while (socket.State == WebSocketState.Open)
        {
            var length = 0;
            ValueWebSocketReceiveResult part;
            do
            {
                part = await socket.ReceiveAsync(buffer.AsMemory(length), context.RequestAborted);
                length += part.Count;
                if (part.MessageType == WebSocketMessageType.Close)
                {
                    await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, context.RequestAborted);
                    return;
                }

                if (length == buffer.Length && !part.EndOfMessage)
                {
                    await socket.CloseOutputAsync(
                        WebSocketCloseStatus.MessageTooBig, $"a message has at most {MaxMessage} bytes", context.RequestAborted);
                    return;
                }
            }
            while (!part.EndOfMessage);

            var (type, answer) = topics < MaxTopics
                ? Subscribe(buffer.AsMemory(0, length), id, context, subscribers, callers)
                : (Refused, new { detail = $"at most {MaxTopics} subscriptions are possible" });
            if (type == Subscribed) topics++;
            subscribers.Give(id, type, answer);
        }
    }

    private static (string Type, object Answer) Subscribe(
        ReadOnlyMemory<byte> message, string id, HttpContext context, LiveSubscribers subscribers, Callers callers)
    {
        if (Read(message) is not var (key, asset))
        {
            return (Refused, new { detail = "{ \"subscribe\": { \"line_id\" or \"machine_id\": ... } } is what is understood" });
        }

        // Asked again each time: who it is may have changed since the connection was made.
        var scope = callers.Of(context.User)?.Scope;
        var isLine = key == "line_id";
        var exists = isLine ? scope?.Lines.Any(l => l.Id == asset) : scope?.MachineIds.Contains(asset);
        if (exists != true) return (Refused, new { detail = $"there is no {(isLine ? "line" : "machine")} '{asset}'" });
        subscribers.Subscribe(id, isLine ? LiveHub.LineTopic(asset) : LiveHub.MachineTopic(asset), asset);
        return (Subscribed, new Dictionary<string, string> { [key] = asset });
    }

    private static (string Key, string Asset)? Read(ReadOnlyMemory<byte> message)
    {
        try
        {
            using var json = JsonDocument.Parse(message);
            if (json.RootElement.ValueKind != JsonValueKind.Object) return null;
            if (!json.RootElement.TryGetProperty("subscribe", out var wanted) || wanted.ValueKind != JsonValueKind.Object) return null;
            foreach (var key in new[] { "line_id", "machine_id" })
            {
                if (wanted.TryGetProperty(key, out var asset) && asset.ValueKind == JsonValueKind.String) return (key, asset.GetString()!);
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            // Not JSON, or half a character: it is told what would be right.
            return null;
        }

        return null;
    }

    /// <summary>A client of the live push at a socket; used by one sender at a time, as its queue sees to.</summary>
    private sealed class SocketClient(WebSocket socket, JsonSerializerOptions json) : IClientProxy
    {
        public Task SendCoreAsync(string method, object?[] args, CancellationToken cancellationToken = default)
        {
            var message = JsonSerializer.SerializeToUtf8Bytes(new { type = method, data = args.FirstOrDefault() }, json);
            return socket.SendAsync(message, WebSocketMessageType.Text, endOfMessage: true, cancellationToken);
        }
    }
}
