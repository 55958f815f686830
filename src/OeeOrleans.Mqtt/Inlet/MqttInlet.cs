using System.Diagnostics;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace OeeOrleans.Mqtt.Inlet;

/// <summary>
/// One connection of an MQTT session that only receives: the hot path's door. Packets are read out of large buffers that their payloads
/// stay in, and acknowledgements leave many at a time; so a message costs no object, no copy and no call of the system of its own.
/// </summary>
public sealed class MqttInlet : IAsyncDisposable
{
    /// <summary>Held by a burst; with less, a sender falls back to probing a closed window.</summary>
    private const int SocketBufferBytes = 1 << 20;

    /// <summary>Below the size from which the collector treats an array as large.</summary>
    private const int ChunkBytes = 64 << 10;

    /// <summary>A read that brought so much is followed by the next one at once.</summary>
    private const int MuchBytes = 16 << 10;

    /// <summary>How soon a broker that had to wait for us has sent what fits into its window.</summary>
    private static readonly TimeSpan Refill = TimeSpan.FromMilliseconds(10);

    private const ushort SubscribeId = 1;

    /// <summary>Of saying good-bye: whoever ends has no more time, and the broker gets on without it.</summary>
    private static readonly TimeSpan DisconnectLimit = TimeSpan.FromSeconds(2);

    private readonly InletOptions _options;
    private readonly Socket _socket;
    private readonly Stream _stream;
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly CancellationTokenSource _ended = new();
    private readonly TaskCompletionSource _subscribed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private byte[] _chunk = GC.AllocateUninitializedArray<byte>(ChunkBytes);
    private int _start;
    private int _end;

    /// <summary>A payload in the chunk is somebody else's by now.</summary>
    private bool _given;
    private int _lastRead;
    private long _readAt;

    /// <summary>Messages of QoS 1 that are not acknowledged; the most there ever were is perhaps all that the broker sends.</summary>
    private int _open;
    private int _mostOpen;
    private TaskCompletionSource _allAcknowledged = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _messages;
    private long _heardAt = Environment.TickCount64;
    private long _saidAt = Environment.TickCount64;

    private MqttInlet(InletOptions options, Socket socket, Stream stream) => (_options, _socket, _stream) = (options, socket, stream);

    public ConnectAnswer Answer { get; private set; } = new(0, false, "");

    /// <summary>Completes with the broker's word for the subscription, while <see cref="RunAsync"/> runs.</summary>
    /// <exception cref="MqttRefusedException">It refuses.</exception>
    public Task Subscribed => _subscribed.Task;

    /// <summary>Messages that came.</summary>
    public long Messages => Volatile.Read(ref _messages);

    /// <summary>What the last connection ended of, in words.</summary>
    public string Why { get; private set; } = "";

    /// <summary>Connects and hears the broker's answer, whatever that is.</summary>
    /// <exception cref="TimeoutException">There was none in time.</exception>
    /// <exception cref="MqttFormatException">What came is none.</exception>
    public static async Task<MqttInlet> ConnectAsync(InletOptions options, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.AnswerTimeout);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveBufferSize = SocketBufferBytes };
        MqttInlet? inlet = null;
        try
        {
            await socket.ConnectAsync(options.Broker.Url.Host, options.Broker.Port, limit.Token);
            Stream stream = new NetworkStream(socket, ownsSocket: true);
            if (options.Broker.IsTls) stream = await SecureAsync(stream, options.Broker, limit.Token);
            inlet = new MqttInlet(options, socket, stream);
            await inlet.SendAsync(PacketWriter.Connect(options));
            inlet.Answer = await inlet.HearAnswerAsync(limit.Token);
            return inlet;
        }
        catch (Exception error)
        {
            if (inlet is not null) await inlet.DisposeAsync();
            socket.Dispose();
            if (error is OperationCanceledException && !cancellationToken.IsCancellationRequested)
            {
                throw new TimeoutException($"no answer within {options.AnswerTimeout.TotalSeconds:0} s", error);
            }

            throw;
        }
    }

    /// <summary>Subscribes, and receives until the connection ends.</summary>
    /// <param name="handler">Takes every message, in the order in which they come.</param>
    /// <param name="taken">Told when all that was read at once is taken.</param>
    /// <param name="cancellationToken">Gives the connection up.</param>
    public async Task<InletEnd> RunAsync(InletHandler handler, Action taken, CancellationToken cancellationToken)
    {
        using var giveUp = cancellationToken.Register(static s => ((MqttInlet)s!).Abort(), this);
        var alive = KeepAliveAsync();
        var end = InletEnd.Lost;
        try
        {
            await SendAsync(PacketWriter.Subscribe(_options, SubscribeId));
            end = await ReceiveAsync(handler, taken);
        }
        catch (MqttFormatException error)
        {
            (end, Why) = (InletEnd.ProtocolError, error.Message);
        }
        catch (Exception error) when (MqttConnections.IsNetwork(error) || _ended.IsCancellationRequested)
        {
            // Not by us: a broker that closes over what we were saying resets the connection, and means the same by it.
            if (!_ended.IsCancellationRequested) end = InletEnd.Closed;
            if (Why.Length == 0) Why = error.Message;
        }

        await DisconnectAsync();
        await alive;
        _subscribed.TrySetException(new IOException($"the connection ended before the subscription was answered: {Why}"));
        // Nobody may be waiting for it.
        _ = _subscribed.Task.Exception;
        return cancellationToken.IsCancellationRequested ? InletEnd.GivenUp : end;
    }

    /// <summary>Acknowledges messages, in this order, with one write.</summary>
    public async ValueTask AcknowledgeAsync(IReadOnlyList<ushort> packetIds)
    {
        var bytes = new byte[packetIds.Count * PacketWriter.PubAckBytes];
        for (var i = 0; i < packetIds.Count; i++) PacketWriter.PubAck(bytes.AsSpan(i * PacketWriter.PubAckBytes), packetIds[i]);
        await SendAsync(bytes);
        if (Interlocked.Add(ref _open, -packetIds.Count) == 0) Volatile.Read(ref _allAcknowledged).TrySetResult();
    }

    /// <summary>An orderly end, as far as that is possible: the session stays with the broker either way.</summary>
    public async Task DisconnectAsync()
    {
        try
        {
            if (!_ended.IsCancellationRequested) await SendAsync(PacketWriter.Disconnect).WaitAsync(DisconnectLimit);
        }
        catch (Exception error) when (MqttConnections.IsNetwork(error))
        {
            // The broker will notice.
            if (Why.Length == 0) Why = error.Message;
        }

        Abort();
    }

    public async ValueTask DisposeAsync()
    {
        Abort();
        await _stream.DisposeAsync();
    }

    private static async Task<Stream> SecureAsync(Stream stream, BrokerAddress broker, CancellationToken cancellationToken)
    {
        var secure = new SslStream(stream);
        var options = new SslClientAuthenticationOptions { TargetHost = broker.Url.Host, EnabledSslProtocols = SslProtocols.None };
        if (broker.CaFile is { } ca)
        {
            options.CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                // A plant's authority is seldom reachable from where its machines are.
                RevocationMode = X509RevocationMode.NoCheck,
            };
            options.CertificateChainPolicy.CustomTrustStore.ImportFromPemFile(ca);
        }

        if (broker.CertificateFile is { } certificate)
        {
            options.ClientCertificates = [X509Certificate2.CreateFromPemFile(certificate, broker.KeyFile)];
        }

        await secure.AuthenticateAsClientAsync(options, cancellationToken);
        return secure;
    }

    private async Task<ConnectAnswer> HearAnswerAsync(CancellationToken cancellationToken)
    {
        PacketFrame frame;
        while (!TryFrame(out frame))
        {
            if (!await FillAsync(cancellationToken)) throw new IOException("the broker closed the connection before it answered");
        }

        if (frame.Type != PacketType.ConnAck) throw new MqttFormatException($"the answer to CONNECT is a packet of type {frame.Type}");
        var reader = new PacketReader(Body(frame));
        var (present, code) = ((reader.Byte() & 1) != 0, reader.Byte());
        var (reason, keepAliveS) = _options.Version5 && !reader.AtEnd ? reader.Properties() : ("", null);
        _start += frame.Bytes;
        return new ConnectAnswer(code, present, reason, keepAliveS is > 0 and { } s ? TimeSpan.FromSeconds(s) : null);
    }

    private async Task<InletEnd> ReceiveAsync(InletHandler handler, Action taken)
    {
        while (true)
        {
            var (before, open) = (_messages, 0);
            try
            {
                if (TakeAll(handler) is { } end) return end;
                // Before anybody hears of the messages and acknowledges some.
                open = Volatile.Read(ref _open);
            }
            finally
            {
                taken();
            }

            // An answer of the broker's is no reason to wait.
            if (_messages > before) await GatherAsync(open);
            if (await FillAsync(_ended.Token)) continue;
            Why = "the broker closed the connection";
            return InletEnd.Closed;
        }
    }

    private InletEnd? TakeAll(InletHandler handler)
    {
        while (TryFrame(out var frame))
        {
            if (Take(frame, handler) is { } end) return end;
            _start += frame.Bytes;
        }

        return null;
    }

    /// <param name="open">Messages that were not acknowledged when the last read was taken.</param>
    private async ValueTask GatherAsync(int open)
    {
        var left = _options.Gather - Stopwatch.GetElapsedTime(_readAt);
        // A read that found no end may have left something.
        if (left <= TimeSpan.Zero || _lastRead >= MuchBytes || _end == _chunk.Length) return;
        if (open >= _options.ReceiveMaximum / 2) return;
        if (open < _mostOpen || open == 0)
        {
            await Task.Delay(left, _ended.Token);
            return;
        }

        // Perhaps the broker's window is full: then nothing comes before it is acknowledged, and all that fits into it right after that.
        _mostOpen = open;
        var acknowledged = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Interlocked.Exchange(ref _allAcknowledged, acknowledged);
        if (Volatile.Read(ref _open) > 0) await Task.WhenAny(acknowledged.Task, Task.Delay(left, _ended.Token));
        await Task.Delay(left < Refill ? left : Refill, _ended.Token);
    }

    /// <summary>How the connection ends with this packet; null when it goes on.</summary>
    private InletEnd? Take(in PacketFrame frame, InletHandler handler)
    {
        switch (frame.Type)
        {
            case PacketType.Publish:
                if (Publish(frame, handler)) return null;
                Why = "given up";
                return InletEnd.GivenUp;
            case PacketType.SubAck:
                HearSubscribed(new PacketReader(Body(frame)));
                return null;
            case PacketType.PingResp:
                return null;
            case PacketType.Disconnect when _options.Version5:
                return HearDisconnect(new PacketReader(Body(frame)));
            default:
                throw new MqttFormatException($"a packet of type {frame.Type} that nobody asked for");
        }
    }

    private bool Publish(in PacketFrame frame, InletHandler handler)
    {
        var qos = (frame.Flags >> 1) & 3;
        if (qos > 1) throw new MqttFormatException($"a message of QoS {qos} though QoS 1 was subscribed to");
        var reader = new PacketReader(Body(frame));
        var topic = reader.Binary();
        var packetId = qos == 0 ? (ushort)0 : reader.Number16();
        if (qos == 1 && packetId == 0) throw new MqttFormatException("a message of QoS 1 without a packet identifier");
        if (_options.Version5) reader.SkipProperties();
        var payload = new ReadOnlyMemory<byte>(
            _chunk, _start + frame.HeaderBytes + reader.Position, frame.BodyBytes - reader.Position);
        _given = true;
        if (qos == 1) Interlocked.Increment(ref _open);
        Volatile.Write(ref _messages, _messages + 1);
        return handler(new InletMessage(topic, payload, packetId, (frame.Flags & 8) != 0));
    }

    private void HearSubscribed(PacketReader reader)
    {
        reader.Number16();
        if (_options.Version5) reader.SkipProperties();
        var code = reader.Byte();
        if (code < 0x80) _subscribed.TrySetResult();
        else _subscribed.TrySetException(new MqttRefusedException($"the broker refuses to subscribe us to {_options.Filter}: 0x{code:X2}"));
    }

    private InletEnd HearDisconnect(PacketReader reader)
    {
        const byte SessionTakenOver = 0x8E;
        var code = reader.AtEnd ? (byte)0 : reader.Byte();
        var reason = reader.AtEnd ? "" : reader.Properties().Reason;
        Why = $"the broker ends the connection: reason code 0x{code:X2} {reason}".TrimEnd();
        return code == SessionTakenOver ? InletEnd.TakenOver : InletEnd.Lost;
    }

    /// <summary>
    /// What was asked of a broker of MQTT 5. One of 3.1.1 was not asked, and sends a message that is refused again for ever.
    /// </summary>
    private long MaxBytes => _options.Version5 ? _options.MaxPacketBytes : int.MaxValue;

    private ReadOnlySpan<byte> Body(in PacketFrame frame) => _chunk.AsSpan(_start + frame.HeaderBytes, frame.BodyBytes);

    private bool TryFrame(out PacketFrame frame) =>
        PacketFrame.TryRead(_chunk.AsSpan(_start, _end - _start), out frame) && frame.Bytes <= _end - _start;

    /// <summary>Reads more behind what is there; false when nothing comes any more.</summary>
    private async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        MakeRoom();
        var read = await _stream.ReadAsync(_chunk.AsMemory(_end), cancellationToken);
        _end += read;
        (_lastRead, _readAt) = (read, Stopwatch.GetTimestamp());
        Volatile.Write(ref _heardAt, Environment.TickCount64);
        return read > 0;
    }

    /// <summary>
    /// Room for the packet that has begun, and for some more. What was given away stays where it is: then the beginning moves to a new
    /// chunk.
    /// </summary>
    private void MakeRoom()
    {
        var waiting = _end - _start;
        var needed = PacketFrame.TryRead(_chunk.AsSpan(_start, waiting), out var frame) ? frame.Bytes : 0;
        if (needed > MaxBytes) throw new MqttFormatException($"a packet of {needed} bytes, where {MaxBytes} is the most");
        if (waiting == 0 && !_given) (_start, _end) = (0, 0);
        // What has begun may end here; otherwise a quarter of a chunk is worth a read.
        if (_chunk.Length - _start >= Math.Max(needed, waiting + (needed > 0 ? 0 : ChunkBytes / 4))) return;
        var next = _given || needed > _chunk.Length ? GC.AllocateUninitializedArray<byte>(Math.Max(ChunkBytes, needed)) : _chunk;
        _chunk.AsSpan(_start, waiting).CopyTo(next);
        (_chunk, _start, _end, _given) = (next, 0, waiting, false);
    }

    private async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        await _sending.WaitAsync(_ended.Token);
        try
        {
            var writing = _stream.WriteAsync(bytes, _ended.Token);
            Volatile.Write(ref _saidAt, Environment.TickCount64);
            if (!writing.IsCompletedSuccessfully) await writing.AsTask().WaitAsync(_options.AnswerTimeout);
        }
        catch (TimeoutException)
        {
            Why = "the broker takes nothing any more";
            Abort();
            throw;
        }
        catch (ObjectDisposedException error)
        {
            throw new IOException("the connection is gone", error);
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>Asks whether the broker is there when we have said nothing for long; gives up when nothing is heard of it.</summary>
    private async Task KeepAliveAsync()
    {
        // Asking more often than the broker wants is allowed, and how soon a dead connection is noticed is for us to say.
        var every = Answer.KeepAlive is { } shorter && shorter < _options.KeepAlive ? shorter : _options.KeepAlive;
        while (true)
        {
            await Task.Delay(every / 3, _ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_ended.IsCancellationRequested) return;
            var now = Environment.TickCount64;
            if (TimeSpan.FromMilliseconds(now - Volatile.Read(ref _heardAt)) > every + _options.AnswerTimeout)
            {
                Why = $"nothing was heard of the broker for {(every + _options.AnswerTimeout).TotalSeconds:0} s";
                Abort();
                return;
            }

            // It wants to hear of us, and we of it: also when we acknowledge all the time, only its answer says that it is there.
            var since = Math.Min(Volatile.Read(ref _heardAt), Volatile.Read(ref _saidAt));
            if (now - since >= every.TotalMilliseconds / 2) await PingAsync();
        }
    }

    private async Task PingAsync()
    {
        try
        {
            await SendAsync(PacketWriter.PingReq);
        }
        catch (Exception error) when (MqttConnections.IsNetwork(error))
        {
            // The reader sees it as well.
            Abort();
        }
    }

    private void Abort()
    {
        _ended.Cancel();
        _socket.Dispose();
    }
}
