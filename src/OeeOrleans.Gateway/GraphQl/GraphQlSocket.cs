using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text.Json;
using System.Threading.Channels;
using GraphQL;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OeeOrleans.Gateway.Access;

namespace OeeOrleans.Gateway.GraphQl;

/// <summary>
/// The protocol graphql-transport-ws (enisdenjo/graphql-ws, PROTOCOL.md) of one connection: init and ack, then subscriptions, queries and
/// mutations side by side, each under an id of the client's. Who it is was found out at the handshake, and is looked at again with every
/// question.
/// </summary>
internal sealed class GraphQlSocket : IAsyncDisposable
{
    public const string Protocol = "graphql-transport-ws";

    private const int MaxMessage = 64 << 10;
    private const int MaxOperations = 100;

    /// <summary>Answers that may wait for a client: some seconds of a large plant.</summary>
    private const int MaxWaiting = 2_000;

    private static readonly TimeSpan InitWithin = TimeSpan.FromSeconds(10);

    private readonly WebSocket _socket;
    private readonly HttpContext _context;
    private readonly GraphQlRunner _runner;
    private readonly Callers _callers;
    private readonly CancellationTokenSource _ended;
    private readonly ConcurrentDictionary<string, GraphQlOperation> _operations = new(StringComparer.Ordinal);
    private readonly Channel<object> _answers = Channel.CreateBounded<object>(
        new BoundedChannelOptions(MaxWaiting) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    private (int Code, string Reason)? _close;
    private bool _isInit;

    private GraphQlSocket(WebSocket socket, HttpContext context, GraphQlRunner runner, Callers callers)
    {
        (_socket, _context, _runner, _callers) = (socket, context, runner, callers);
        _ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
    }

    /// <summary>Until the client goes, or is sent away.</summary>
    public static async Task RunAsync(HttpContext context, GraphQlRunner runner, Callers callers)
    {
        if (!context.WebSockets.WebSocketRequestedProtocols.Contains(Protocol))
        {
            await AccessAnswers.WriteAsync(
                context, StatusCodes.Status400BadRequest, "Bad request", $"the subprotocol {Protocol} is what is spoken here");
            return;
        }

        using var socket = await context.WebSockets.AcceptWebSocketAsync(Protocol);
        await using var connection = new GraphQlSocket(socket, context, runner, callers);
        try
        {
            await connection.RunAsync();
        }
        catch (Exception error) when (error is WebSocketException or OperationCanceledException)
        {
            // The client went without a word, which is how most of them go.
            return;
        }
    }

    /// <summary>Gives the client an answer, behind those that wait.</summary>
    public void Give(object answer)
    {
        if (!_answers.Writer.TryWrite(answer)) Close(4_008, $"it does not keep up: {MaxWaiting} answers wait");
    }

    /// <summary>An error of ours; the log has it.</summary>
    public void Failed(Exception error) => Log.RequestFailed(
        _context.RequestServices.GetRequiredService<ILogger<GraphQlSocket>>(), _context.Request.Path, error);

    /// <summary>An operation is over; another one of its id goes on.</summary>
    public void Forget(string id, GraphQlOperation operation)
    {
        _operations.TryRemove(KeyValuePair.Create(id, operation));
        operation.Dispose();
    }

    private void Forget(string id)
    {
        if (_operations.TryRemove(id, out var gone)) gone.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        foreach (var id in _operations.Keys) Forget(id);
        _answers.Writer.TryComplete();
        _ended.Dispose();
    }

    private void Close(int code, string reason)
    {
        // What comes late, when all is over, closes nothing.
        if (_ended.IsCancellationRequested) return;
        _close ??= (code, reason);
        _ended.Cancel();
    }

    private async Task RunAsync()
    {
        var sending = SendAllAsync();
        _ = InitInTimeAsync();
        try
        {
            await ListenAsync();
        }
        catch (OperationCanceledException) when (_close is not null)
        {
            // It is told why below.
        }

        await _ended.CancelAsync();
        await sending;
        if (_socket.State is not (WebSocketState.Open or WebSocketState.CloseReceived)) return;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_context.RequestAborted);
        limit.CancelAfter(InitWithin);
        var (code, reason) = _close ?? ((int)WebSocketCloseStatus.NormalClosure, "");
        // A reason has at most 123 bytes (RFC 6455, 5.5).
        await _socket.CloseOutputAsync((WebSocketCloseStatus)code, reason.Length > 100 ? reason[..100] : reason, limit.Token);
    }

    private async Task InitInTimeAsync()
    {
        await Task.Delay(InitWithin, _ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!_isInit && !_ended.IsCancellationRequested) Close(4_408, "Connection initialisation timeout");
    }

    private async Task SendAllAsync()
    {
        try
        {
            await foreach (var answer in _answers.Reader.ReadAllAsync(_ended.Token))
            {
                var text = System.Text.Encoding.UTF8.GetBytes(_runner.Serializer.Serialize(answer));
                await _socket.SendAsync(text, WebSocketMessageType.Text, endOfMessage: true, _context.RequestAborted);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or WebSocketException)
        {
            // The connection is over.
            Close((int)WebSocketCloseStatus.NormalClosure, "");
        }
    }

    private async Task ListenAsync()
    {
        var buffer = new byte[MaxMessage];
        while (!_ended.IsCancellationRequested)
        {
            var length = 0;
            ValueWebSocketReceiveResult part;
            do
            {
                part = await _socket.ReceiveAsync(buffer.AsMemory(length), _ended.Token);
                if (part.MessageType == WebSocketMessageType.Close) return;
                length += part.Count;
                if (length == buffer.Length && !part.EndOfMessage)
                {
                    Close((int)WebSocketCloseStatus.MessageTooBig, $"a message has at most {MaxMessage} bytes");
                    return;
                }
            }
            while (!part.EndOfMessage);
            Hear(buffer.AsMemory(0, length));
        }
    }

    private void Hear(ReadOnlyMemory<byte> message)
    {
        try
        {
            using var json = JsonDocument.Parse(message);
            var type = json.RootElement.GetProperty("type").GetString();
            var id = json.RootElement.TryGetProperty("id", out var given) ? given.GetString() : null;
            Hear(type, id, json.RootElement);
        }
        catch (Exception error) when (error is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            Close(4_400, "Invalid message");
        }
    }

    private void Hear(string? type, string? id, JsonElement message)
    {
        switch (type)
        {
            case "connection_init" when _isInit:
                Close(4_429, "Too many initialisation requests");
                break;
            case "connection_init":
                _isInit = true;
                Give(new { type = "connection_ack" });
                break;
            case "ping":
                Give(new { type = "pong" });
                break;
            case "pong":
                break;
            case "subscribe" when !_isInit:
                Close(4_401, "Unauthorized");
                break;
            case "subscribe" when id is { Length: > 0 }:
                Begin(id, message.GetProperty("payload"));
                break;
            case "complete" when id is not null:
                Forget(id);
                break;
            default:
                Close(4_400, "Invalid message");
                break;
        }
    }

    private void Begin(string id, JsonElement payload)
    {
        var question = GraphQlQuestion.Read(payload, _runner.Serializer);
        if (question?.Query is null)
        {
            Close(4_400, "Invalid message: a payload with 'query' is needed");
            return;
        }

        if (_callers.Of(_context.User) is not { } caller)
        {
            Close(4_403, "Forbidden");
            return;
        }

        if (_operations.Count >= MaxOperations)
        {
            var message = $"at most {MaxOperations} operations at once are possible";
            Give(new { id, type = "error", payload = new[] { new { message } } });
            return;
        }

        var operation = new GraphQlOperation(id, this, _ended.Token);
        if (!_operations.TryAdd(id, operation))
        {
            operation.Dispose();
            Close(4_409, $"Subscriber for {id} already exists");
            return;
        }

        _ = operation.RunAsync(token => AskAsync(question, caller, operation, token));
    }

    private async Task<ExecutionResult> AskAsync(
        GraphQlQuestion question, Caller caller, GraphQlOperation operation, CancellationToken cancellationToken)
    {
        // It lives as long as the operation does: a subscription asks it for more.
        var scope = _context.RequestServices.CreateAsyncScope();
        operation.Owns(scope);
        return await _runner.RunAsync(question, caller, _context, scope.ServiceProvider, cancellationToken);
    }
}
