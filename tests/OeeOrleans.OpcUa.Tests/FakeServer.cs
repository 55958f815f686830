using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using OeeOrleans.OpcUa.Binary;
using OeeOrleans.OpcUa.Transport;

namespace OeeOrleans.OpcUa.Tests;

/// <summary>
/// A server without security that says what a test wants: it greets, opens the channel, and hands every request to the test. For what no
/// well-behaved peer does.
/// </summary>
internal sealed class FakeServer : IAsyncDisposable
{
    public const uint ChannelId = 5;
    public const uint TokenId = 6;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _accepting;

    public FakeServer()
    {
        _listener.Start();
        _accepting = Task.Run(AcceptAsync);
    }

    public string Url => $"opc.tcp://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/UA";

    /// <summary>Answers a request: its type, its number and its body; what is written goes out.</summary>
    public Func<FakeConnection, uint, uint, Task> OnRequest { get; set; } = (_, _, _) => Task.CompletedTask;

    /// <summary>Instead of the greeting.</summary>
    public Func<NetworkStream, Task>? OnConnect { get; set; }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        _listener.Stop();
        await _accepting;
        _ended.Dispose();
    }

    private async Task AcceptAsync()
    {
        var serving = new List<Task>();
        try
        {
            while (true)
            {
                var socket = await _listener.AcceptSocketAsync(_ended.Token);
                serving.Add(Task.Run(() => ServeAsync(socket)));
            }
        }
        catch (Exception error) when (error is OperationCanceledException or SocketException)
        {
            await Task.WhenAll(serving);
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        await using var stream = new NetworkStream(socket, ownsSocket: true);
        try
        {
            if (OnConnect is { } instead)
            {
                await instead(stream);
                return;
            }

            var connection = new FakeConnection(stream, _ended.Token);
            while (await connection.ReadAsync() is { } frame) await TakeAsync(connection, frame);
        }
        catch (Exception error) when (error is IOException or OperationCanceledException)
        {
            // The client has seen enough.
            return;
        }
    }

    private async Task TakeAsync(FakeConnection connection, byte[] frame)
    {
        switch ((char)frame[0])
        {
            case 'H':
                await connection.SendAsync(Greeting());
                break;
            case 'O':
                await connection.SendAsync(Opened(connection, frame));
                break;
            case 'M':
                var request = BinaryPrimitives.ReadUInt32LittleEndian(frame.AsSpan(20));
                var reader = new UaReader(frame.AsSpan(24));
                await OnRequest(connection, (uint)reader.NodeId().Identifier, request);
                break;
            default:
                break;
        }
    }

    private static byte[] Greeting()
    {
        var ack = new byte[28];
        "ACKF"u8.CopyTo(ack);
        BinaryPrimitives.WriteInt32LittleEndian(ack.AsSpan(4), ack.Length);
        BinaryPrimitives.WriteInt32LittleEndian(ack.AsSpan(12), 65_535);
        BinaryPrimitives.WriteInt32LittleEndian(ack.AsSpan(16), 65_535);
        return ack;
    }

    private static byte[] Opened(FakeConnection connection, byte[] frame)
    {
        var reader = new UaReader(frame.AsSpan(12));
        reader.String();
        reader.SkipBytes();
        reader.SkipBytes();
        reader.UInt32();
        var request = reader.UInt32();
        using var body = new UaWriter();
        connection.Header(body, 449, 0);
        body.UInt32(0);
        body.UInt32(ChannelId);
        body.UInt32(TokenId);
        body.DateTime(DateTime.UtcNow);
        body.UInt32(3_600_000);
        body.ByteString((byte[]?)null);
        using var chunk = new UaWriter();
        chunk.Raw("OPNF"u8);
        chunk.UInt32(0);
        chunk.UInt32(ChannelId);
        chunk.String("http://opcfoundation.org/UA/SecurityPolicy#None");
        chunk.ByteString((byte[]?)null);
        chunk.ByteString((byte[]?)null);
        chunk.UInt32(connection.Sequence.Next());
        chunk.UInt32(request);
        chunk.Raw(body.Written);
        var bytes = chunk.Written.ToArray();
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), bytes.Length);
        return bytes;
    }
}

/// <summary>One connection of a <see cref="FakeServer"/>.</summary>
internal sealed class FakeConnection(NetworkStream stream, CancellationToken cancellationToken)
{
    public SequenceNumbers Sequence;

    public CancellationToken Ended => cancellationToken;

    public async Task SendAsync(byte[] bytes) => await stream.WriteAsync(bytes, cancellationToken);

    /// <summary>An answer in one chunk.</summary>
    public Task AnswerAsync(uint request, uint type, Action<UaWriter>? write = null, uint status = 0)
    {
        using var body = new UaWriter();
        Header(body, type, status);
        write?.Invoke(body);
        return SendAsync(Chunk(request, body.Written, Frame.Final));
    }

    public byte[] Chunk(uint request, ReadOnlySpan<byte> body, byte kind, uint? sequence = null, uint token = FakeServer.TokenId)
    {
        using var keys = new ChannelToken(FakeServer.ChannelId, token, MessageSecurityMode.None, null, null);
        var chunk = new byte[body.Length + 24];
        var length = keys.Protect(Frame.Message, kind, sequence ?? Sequence.Next(), request, body, chunk);
        return chunk[..length];
    }

    public void Header(UaWriter writer, uint type, uint status)
    {
        writer.NodeId(new NodeId(type));
        writer.DateTime(DateTime.UtcNow);
        writer.UInt32(0);
        writer.UInt32(status);
        writer.Byte(0);
        writer.Int32(0);
        writer.ExtensionObject(null);
    }

    public async Task<byte[]?> ReadAsync()
    {
        var header = new byte[8];
        if (await stream.ReadAtLeastAsync(header, 8, throwOnEndOfStream: false, cancellationToken) < 8) return null;
        var frame = new byte[BinaryPrimitives.ReadInt32LittleEndian(header.AsSpan(4))];
        header.CopyTo(frame, 0);
        await stream.ReadExactlyAsync(frame.AsMemory(8), cancellationToken);
        return frame;
    }
}
