using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using OeeOrleans.OpcUa.Binary;
using OeeOrleans.OpcUa.Security;
using OeeOrleans.OpcUa.Services;

namespace OeeOrleans.OpcUa.Transport;

/// <summary>How a channel is opened.</summary>
/// <param name="Url">Where.</param>
/// <param name="Suite">The policy.</param>
/// <param name="Mode">What is protected.</param>
/// <param name="Own">Our certificate with its key; null without security.</param>
/// <param name="Server">The server's certificate, checked already; null without security.</param>
/// <param name="MaxMessage">Longest answer, bytes.</param>
/// <param name="Lifetime">Of a token, as asked for.</param>
/// <param name="Timeout">Of opening and of renewals.</param>
internal sealed record ChannelSettings(
    Uri Url, PolicySuite Suite, MessageSecurityMode Mode, X509Certificate2? Own, X509Certificate2? Server, int MaxMessage,
        TimeSpan Lifetime,
    TimeSpan Timeout);

/// <summary>
/// A secure channel (OPC 10000-6, 6.7): requests out, answers to whoever asked, tokens renewed in time. Safe for concurrent use. Once it
/// fails it stays failed; <see cref="Closed"/> says why.
/// <code>
/// opening --OPN--> open --75 % of the token's life, OPN--> open (old token still understood) --any error, CLO--> closed
/// </code>
/// </summary>
internal sealed class SecureChannel : IAsyncDisposable
{
    private const int NonceLength = 32;

    /// <summary>plc.md: by the monotonic clock; the server's time of creation is its own.</summary>
    private const double RenewAfter = 0.75;

    /// <summary>OPC 10000-4, 5.5.2.1: an old token is understood for a quarter of its life longer.</summary>
    private const double OldTokenFor = 1.25;
    private static readonly TimeSpan ShortestLife = TimeSpan.FromSeconds(2);

    private readonly ChannelSettings _settings;
    private readonly TimeProvider _clock;
    private readonly TcpTransport _transport;
    private readonly OpenProtection _open;
    private readonly MessageAssembler _assembler;
    private readonly Dictionary<uint, IAnswerTarget> _waiting = [];
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly CancellationTokenSource _ended = new();
    private readonly TaskCompletionSource<OpcUaException> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private SequenceNumbers _sent;
    private SequenceNumbers _received;
    private uint _requestId;
    private uint _handle;
    private byte[] _nonce = [];
    private ChannelToken _token = null!;
    private ChannelToken? _oldToken;
    private long _oldTokenUntil;
    private long _tokenSince;
    private TimeSpan _tokenLife;
    private Task _reading = Task.CompletedTask;
    private Task _renewal = Task.CompletedTask;
    private long _lastHeard;

    private SecureChannel(ChannelSettings settings, TimeProvider clock, TcpTransport transport)
    {
        (_settings, _clock, _transport) = (settings, clock, transport);
        _open = new OpenProtection(settings.Suite, settings.Own, settings.Server);
        _assembler = new MessageAssembler(settings.MaxMessage);
        _lastHeard = clock.GetTimestamp();
    }

    /// <summary>Done when the channel is of no use any more, with the reason.</summary>
    public Task<OpcUaException> Closed => _closed.Task;

    public ChannelSettings Settings => _settings;

    /// <summary>Tokens that replaced the first one.</summary>
    public int Renewals { get; private set; }

    /// <summary>Time since anything good came.</summary>
    public TimeSpan Silence => _clock.GetElapsedTime(Interlocked.Read(ref _lastHeard));

    /// <exception cref="OpcUaException">There is no such server, or it refuses.</exception>
    public static async Task<SecureChannel> OpenAsync(ChannelSettings settings, TimeProvider clock, CancellationToken cancellationToken)
    {
        using var time = new CancellationTokenSource(settings.Timeout, clock);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, time.Token);
        SecureChannel? channel = null;
        try
        {
            var transport = await TcpTransport.ConnectAsync(settings.Url, settings.MaxMessage, limit.Token).ConfigureAwait(false);
            channel = new SecureChannel(settings, clock, transport);
            channel._reading = channel.ReadAllAsync();
            var life = await channel.OpenTokenAsync(renew: false, limit.Token).ConfigureAwait(false);
            channel._renewal = channel.RenewAsync(life);
            return channel;
        }
        catch (Exception error)
        {
            if (channel is not null) await channel.DisposeAsync().ConfigureAwait(false);
            if (error is not OperationCanceledException || cancellationToken.IsCancellationRequested) throw;
            throw new OpcUaException(
                StatusCodes.BadTimeout, $"{settings.Url} did not open a channel within {settings.Timeout.TotalSeconds:0.#} s; is it an "
                    + "OPC UA server?", error);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Close(new OpcUaException(StatusCodes.BadConnectionClosed, $"the connection to {_settings.Url} is closed"));
        await _reading.ConfigureAwait(false);
        await _renewal.ConfigureAwait(false);
        await _transport.DisposeAsync().ConfigureAwait(false);
        _assembler.Clear();
        _oldToken?.Dispose();
        _token?.Dispose();
    }

    /// <summary>Calls a service and waits for its answer.</summary>
    /// <exception cref="OpcUaException">The channel failed, no answer came in time, or the server refuses the call as a whole.</exception>
    public async Task<TAnswer> CallAsync<TRequest, TAnswer>(
        TRequest request, ReadAnswer<TAnswer> read, NodeId session, TimeSpan timeout, CancellationToken cancellationToken)
        where TRequest : IRequest
    {
        var answer = new AwaitedAnswer();
        var id = await SendAsync(request, session, timeout, answer, cancellationToken).ConfigureAwait(false);
        ReceivedMessage message;
        try
        {
            message = await answer.Task.WaitAsync(timeout, _clock, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception error) when (error is TimeoutException or OperationCanceledException)
        {
            Forget(id, answer);
            if (error is OperationCanceledException) throw;
            throw new OpcUaException(
                StatusCodes.BadTimeout, $"{_settings.Url} did not answer a {NameOf<TRequest>()} within {timeout.TotalSeconds:0.#} s",
                    error);
        }

        using (message) return Read<TRequest, TAnswer>(message, read);
    }

    /// <summary>Sends a request; its answer goes to a target, in the order in which answers come.</summary>
    /// <returns>Number of the request, for <see cref="Forget"/>.</returns>
    public async Task<uint> SendAsync<TRequest>(
        TRequest request, NodeId session, TimeSpan timeout, IAnswerTarget target, CancellationToken cancellationToken)
        where TRequest : IRequest
    {
        using var writer = new UaWriter();
        ServiceHeader.Write<TRequest>(writer, session, _clock.GetUtcNow().UtcDateTime, Interlocked.Increment(ref _handle), timeout);
        request.Write(writer);
        CheckLength(writer.Length, NameOf<TRequest>());
        // One that waits behind a server that does not read waits no longer than one that is sent.
        if (!await _sending.WaitAsync(_settings.Timeout, cancellationToken).ConfigureAwait(false)) throw NotTaken();
        try
        {
            var id = Expect(target);
            // A chunk that went out half would make the rest of the connection unreadable: no cancellation from here on but the channel's
            // end.
            await SendChunksAsync(Frame.Message, id, writer).ConfigureAwait(false);
            return id;
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>Reads an answer; a refusal of the call as a whole is thrown.</summary>
    public TAnswer Read<TRequest, TAnswer>(ReceivedMessage message, ReadAnswer<TAnswer> read)
        where TRequest : IRequest
    {
        var reader = new UaReader(message.Body);
        var status = ServiceHeader.Read<TRequest>(ref reader);
        if (status.IsBad) throw Refused.Call(_settings.Url, NameOf<TRequest>(), status);
        return read(ref reader);
    }

    /// <summary>Nobody waits for this answer any more.</summary>
    public void Forget(uint requestId, AwaitedAnswer answer)
    {
        lock (_waiting) _waiting.Remove(requestId);
        if (!answer.GiveUp() && answer.Task.IsCompletedSuccessfully) answer.Task.Result.Dispose();
    }

    /// <summary>Says goodbye, as far as that is possible.</summary>
    public async Task CloseAsync(CancellationToken cancellationToken)
    {
        try
        {
            using var writer = new UaWriter();
            ServiceHeader.Write<CloseSecureChannelRequest>(writer, default, _clock.GetUtcNow().UtcDateTime, 0, TimeSpan.Zero);
            await _sending.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                await SendChunksAsync(Frame.Close, NextRequestId(), writer).ConfigureAwait(false);
            }
            finally
            {
                _sending.Release();
            }
        }
        catch (OpcUaException)
        {
            // It is gone already, which is what was wanted.
            return;
        }
    }

    /// <summary>Ends the channel at once; calls that wait fail with the reason.</summary>
    public void Close(OpcUaException reason)
    {
        if (!_closed.TrySetResult(reason)) return;
        _ended.Cancel();
        _transport.Abort();
        List<IAnswerTarget> waiting;
        lock (_waiting)
        {
            waiting = [.. _waiting.Values];
            _waiting.Clear();
        }

        foreach (var target in waiting) target.Fail(reason);
    }

    private static string NameOf<TRequest>() => typeof(TRequest).Name.Replace("Request", "", StringComparison.Ordinal);

    private uint NextRequestId() => ++_requestId == 0 ? ++_requestId : _requestId;

    private uint Expect(IAnswerTarget target)
    {
        lock (_waiting)
        {
            if (_closed.Task.IsCompleted) throw Again(_closed.Task.Result);
            var id = NextRequestId();
            _waiting[id] = target;
            return id;
        }
    }

    private static OpcUaException Again(OpcUaException reason) => new(reason.Status, reason.Message, reason);

    private void CheckLength(int length, string what)
    {
        var limits = _transport.Limits;
        var chunks = (length + _token.MaxBody(limits.SendBuffer) - 1) / _token.MaxBody(limits.SendBuffer);
        if ((limits.MaxRequest == 0 || length <= limits.MaxRequest)
            && (limits.MaxRequestChunks == 0 || chunks <= limits.MaxRequestChunks)) return;
        throw new OpcUaException(
            StatusCodes.BadRequestTooLarge,
            $"a {what} of {length} bytes in {chunks} chunks is more than {_settings.Url} takes ({limits.MaxRequest} bytes, "
                + $"{limits.MaxRequestChunks} chunks)");
    }

    private async Task SendChunksAsync(uint type, uint requestId, UaWriter message)
    {
        var token = Volatile.Read(ref _token);
        var chunkLength = _transport.Limits.SendBuffer;
        var maxBody = token.MaxBody(chunkLength);
        var count = Math.Max(1, (message.Length + maxBody - 1) / maxBody);
        var buffer = ArrayPool<byte>.Shared.Rent(count == 1 ? message.Length + 256 : chunkLength);
        using var time = new CancellationTokenSource(_settings.Timeout, _clock);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(_ended.Token, time.Token);
        try
        {
            for (var i = 0; i < count; i++)
            {
                var body = message.Written.Slice(i * maxBody, Math.Min(maxBody, message.Length - (i * maxBody)));
                var kind = i == count - 1 ? Frame.Final : Frame.Intermediate;
                var length = token.Protect(type, kind, _sent.Next(), requestId, body, buffer);
                await _transport.SendAsync(buffer.AsMemory(0, length), limit.Token).ConfigureAwait(false);
            }
        }
        catch (Exception error) when (error is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // What went out half makes the rest unreadable.
            Close(time.IsCancellationRequested ? NotTaken() : Lost(error));
            throw Again(_closed.Task.Result);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private OpcUaException Lost(Exception error) =>
        new(StatusCodes.BadConnectionClosed, $"the connection to {_settings.Url} was lost: {error.Message}", error);

    private OpcUaException NotTaken() => new(
        StatusCodes.BadTimeout, $"{_settings.Url} did not take a request within {_settings.Timeout.TotalSeconds:0.#} s: it does not "
            + $"read any more");

    private async Task ReadAllAsync()
    {
        try
        {
            while (true)
            {
                var frame = await _transport.ReceiveAsync(_ended.Token).ConfigureAwait(false);
                Take(frame);
            }
        }
        catch (OpcUaException error)
        {
            Close(error);
        }
        catch (OperationCanceledException)
        {
            // Closed; the reason is known.
            return;
        }
        catch (Exception error)
        {
            // A boundary: what a hostile server sends must end its channel, not the process.
            Close(new OpcUaException(StatusCodes.BadDecodingError, $"{_settings.Url} sends what cannot be read: {error.Message}", error));
        }
    }

    private void Take(in Frame frame)
    {
        var returned = false;
        try
        {
            if (frame.Type == Frame.Open) TakeOpen(frame);
            else if (frame.Type == Frame.Message) returned = TakeMessage(frame);
            else throw new OpcUaException(StatusCodes.BadTcpMessageTypeInvalid, $"{_settings.Url} sends a message that only clients send");
            Interlocked.Exchange(ref _lastHeard, _clock.GetTimestamp());
        }
        finally
        {
            if (!returned) frame.Return();
        }
    }

    private void TakeOpen(in Frame frame)
    {
        if (frame.Kind != Frame.Final) throw new OpcUaException(StatusCodes.BadTcpMessageTypeInvalid,
            "an OPN in several chunks (OPC 10000-6, 6.7.2)");
        var plain = _open.Unprotect(frame.Bytes);
        if (plain.Length < 8) throw new OpcUaException(StatusCodes.BadDecodingError, "an OPN without a sequence header");
        CheckSequence(BinaryPrimitives.ReadUInt32LittleEndian(plain));
        var requestId = BinaryPrimitives.ReadUInt32LittleEndian(plain.AsSpan(4));
        if (Wanted(requestId) is not { } target) return;
        // Here, on the loop that reads: the next chunk may be under the new token already.
        var reader = new UaReader(plain.AsSpan(8));
        var status = ServiceHeader.Read<OpenSecureChannelRequest>(ref reader);
        if (!status.IsBad) Install(OpenSecureChannelAnswer.Read(ref reader));
        var rented = ArrayPool<byte>.Shared.Rent(plain.Length);
        plain.CopyTo(rented, 0);
        target.Answer(new ReceivedMessage(rented, 8, plain.Length - 8));
    }

    private void Install(in OpenSecureChannelAnswer answer)
    {
        var suite = _settings.Suite;
        ChannelKeys? client = null, server = null;
        if (!suite.IsNone)
        {
            if (answer.Nonce.Length < NonceLength)
            {
                throw new OpcUaException(StatusCodes.BadNonceInvalid, $"the server's nonce has {answer.Nonce.Length} bytes; "
                    + $"{NonceLength} are needed");
            }

            client = new ChannelKeys(suite, answer.Nonce, _nonce);
            server = new ChannelKeys(suite, _nonce, answer.Nonce);
        }

        var token = new ChannelToken(answer.ChannelId, answer.TokenId, _settings.Mode, client, server);
        if (_token is { } old)
        {
            if (old.ChannelId != token.ChannelId) throw new OpcUaException(StatusCodes.BadTcpSecureChannelUnknown,
                "the server renewed another channel");
            // The one before is out of its time: nobody sends under it any more.
            _oldToken?.Dispose();
            _oldToken = old;
            Renewals++;
            _oldTokenUntil = _tokenSince + (long)(_tokenLife.TotalSeconds * OldTokenFor * _clock.TimestampFrequency);
        }

        (_tokenSince, _tokenLife) = (_clock.GetTimestamp(), Life(answer.LifetimeMs));
        Volatile.Write(ref _token, token);
    }

    private static TimeSpan Life(uint milliseconds)
    {
        var life = TimeSpan.FromMilliseconds(milliseconds);
        return life < ShortestLife ? ShortestLife : life;
    }

    /// <summary>True when the frame's buffer now is the message's.</summary>
    private bool TakeMessage(in Frame frame)
    {
        var tokenId = frame.Length >= 16 ? BinaryPrimitives.ReadUInt32LittleEndian(frame.Bytes[12..]) : 0;
        TokenOf(tokenId).Unprotect(frame.Bytes, out var sequence, out var requestId, out var offset, out var length);
        CheckSequence(sequence);
        if (frame.Kind == Frame.Aborted)
        {
            TakeAbort(requestId, frame.Bytes.Slice(offset, length));
            return false;
        }

        if (frame.Kind is not (Frame.Final or Frame.Intermediate))
        {
            throw new OpcUaException(StatusCodes.BadTcpMessageTypeInvalid, $"{_settings.Url} sends a chunk of kind {(char)frame.Kind}; "
                + "C, F and A are known");
        }

        var final = frame.Kind == Frame.Final;
        if (!IsWanted(requestId))
        {
            _assembler.Drop(requestId);
            return false;
        }

        if (final && !_assembler.Has(requestId))
        {
            if (Wanted(requestId) is not { } target) return false;
            target.Answer(new ReceivedMessage(frame.Buffer, offset, length));
            return true;
        }

        ReceivedMessage message;
        bool whole;
        try
        {
            whole = _assembler.Add(requestId, frame.Bytes.Slice(offset, length), final, out message);
        }
        catch (OpcUaException error)
        {
            // This answer is too long; the others are not. Its further chunks are nobody's.
            _assembler.Drop(requestId);
            Wanted(requestId)?.Fail(error);
            return false;
        }

        if (whole)
        {
            if (Wanted(requestId) is { } target) target.Answer(message);
            else message.Dispose();
        }

        return false;
    }

    private void TakeAbort(uint requestId, ReadOnlySpan<byte> body)
    {
        _assembler.Drop(requestId);
        var reader = new UaReader(body);
        var status = new StatusCode(reader.UInt32());
        var text = reader.String();
        Wanted(requestId)?.Fail(new OpcUaException(status, $"{_settings.Url} gave up an answer halfway: {status.Name} ({text})"));
    }

    private ChannelToken TokenOf(uint id)
    {
        if (_token is { } token && token.TokenId == id) return token;
        if (_oldToken is { } old && old.TokenId == id && _clock.GetTimestamp() < _oldTokenUntil) return old;
        throw new OpcUaException(StatusCodes.BadTcpSecureChannelUnknown, $"{_settings.Url} uses the security token {id}, which is not "
            + "known or over");
    }

    private void CheckSequence(uint sequence)
    {
        if (_received.Accept(sequence)) return;
        throw new OpcUaException(
            StatusCodes.BadSequenceNumberInvalid,
            $"{_settings.Url} numbers its chunks wrongly ({sequence}): something was lost, repeated or put in between; the channel is "
                + "closed");
    }

    private bool IsWanted(uint requestId)
    {
        lock (_waiting) return _waiting.ContainsKey(requestId);
    }

    private IAnswerTarget? Wanted(uint requestId)
    {
        lock (_waiting) return _waiting.Remove(requestId, out var target) ? target : null;
    }

    private async Task<TimeSpan> OpenTokenAsync(bool renew, CancellationToken cancellationToken)
    {
        var answer = new AwaitedAnswer();
        uint id;
        await _sending.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            _nonce = _settings.Suite.IsNone ? [] : RandomNumberGenerator.GetBytes(NonceLength);
            using var writer = new UaWriter();
            ServiceHeader.Write<OpenSecureChannelRequest>(
                writer, default, _clock.GetUtcNow().UtcDateTime, Interlocked.Increment(ref _handle), _settings.Timeout);
            new OpenSecureChannelRequest(
                renew, _settings.Mode, _settings.Suite.IsNone ? null : _nonce, (uint)_settings.Lifetime.TotalMilliseconds).Write(writer);
            id = Expect(answer);
            var chunk = _open.Protect(renew ? _token.ChannelId : 0, _sent.Next(), id, writer.Written);
            try
            {
                await _transport.SendAsync(chunk, _ended.Token).ConfigureAwait(false);
            }
            catch (Exception error) when (error is IOException or OperationCanceledException or ObjectDisposedException)
            {
                Close(Lost(error));
            }
        }
        finally
        {
            _sending.Release();
        }

        var message = await answer.Task.WaitAsync(cancellationToken).ConfigureAwait(false);
        using (message)
        {
            var opened = Read<OpenSecureChannelRequest, OpenSecureChannelAnswer>(message, OpenSecureChannelAnswer.Read);
            return Life(opened.LifetimeMs);
        }
    }

    private async Task RenewAsync(TimeSpan life)
    {
        try
        {
            while (true)
            {
                await Task.Delay(life * RenewAfter, _clock, _ended.Token).ConfigureAwait(false);
                using var time = new CancellationTokenSource(_settings.Timeout, _clock);
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(_ended.Token, time.Token);
                life = await OpenTokenAsync(renew: true, limit.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
            return;
        }
        catch (Exception error) when (error is OpcUaException or OperationCanceledException)
        {
            Close(new OpcUaException(
                StatusCodes.BadSecureChannelIdInvalid, $"{_settings.Url} did not renew the security token: {error.Message}", error));
        }
    }
}
