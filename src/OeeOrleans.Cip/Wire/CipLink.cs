using System.Buffers;
using System.Buffers.Binary;

namespace OeeOrleans.Cip.Wire;

/// <summary>
/// A session on which several requests are in flight, through a connection to the controller where it grants one. Answers are matched by
/// sequence and context; one that nobody waits for, or that stays away, ends the session, because from then on nothing can be trusted to be
/// the answer to what was asked.
/// </summary>
internal sealed class CipLink : IAsyncDisposable
{
    private const int RegisterLength = 4;
    private const int Unrouted = 504;

    private static readonly TimeSpan WatchInterval = TimeSpan.FromMilliseconds(200);

    /// <summary>Packet intervals of silence, of the 16 after which the controller drops a connection.</summary>
    private const int QuietIntervals = 2;

    private readonly CipClientOptions _options;
    private readonly EipTransport _transport;
    private readonly CipJobs _jobs = new();
    private readonly SemaphoreSlim _places = new(1);
    private readonly SemaphoreSlim _writing = new(1);
    private readonly byte[] _frame = new byte[Eip.ConnectedPrefix + CipMessage.Largest];
    private readonly CancellationTokenSource _ended = new();
    private readonly TaskCompletionSource<CipException> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly CancellationToken _over;
    private uint _session;
    private Task _reading = Task.CompletedTask;
    private Task _watching = Task.CompletedTask;
    private int _isWide;

    private CipLink(CipClientOptions options, EipTransport transport)
    {
        (_options, _transport) = (options, transport);
        // The source may be disposed of before the last one asks.
        _over = _ended.Token;
    }

    /// <summary>To the controller; null when it is spoken to without one.</summary>
    public CipConnection? Connection { get; private set; }

    /// <summary>Bytes of a CIP message at most, in both directions.</summary>
    public int MessageSize => Connection is { } connection ? connection.Size - 2 : Unrouted - (_options.Route.IsEmpty ? 0 : RouteOverhead);

    /// <summary>Done when the session is over, with the reason.</summary>
    public Task<CipException> Closed => _closed.Task;

    public string Name => _options.Name;

    private int RouteOverhead => 14 + _options.Route.Bytes.Length;

    /// <exception cref="CipException">There is nobody, he refuses, or does not answer.</exception>
    public static async Task<CipLink> OpenAsync(CipClientOptions options, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.Timeout);
        CipLink? link = null;
        try
        {
            var transport = await EipTransport.ConnectAsync(options, limit.Token).ConfigureAwait(false);
            link = new CipLink(options, transport);
            await link.RegisterAsync(limit.Token).ConfigureAwait(false);
            link._reading = Task.Run(link.ReadAsync, CancellationToken.None);
            link._watching = Task.Run(link.WatchAsync, CancellationToken.None);
            if (options is { IsPccc: false, Connected: true })
            {
                link.Connection = await CipConnection.OpenAsync(link, options, cancellationToken).ConfigureAwait(false);
            }

            return link;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            await EndAsync(link).ConfigureAwait(false);
            throw new CipException(
                CipFailure.Timeout, $"{options.Host}:{options.Port} did not answer within {options.Timeout.TotalSeconds} s; does it speak "
                    + "EtherNet/IP, and is a firewall between?");
        }
        catch
        {
            await EndAsync(link).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Gives the connection back, and ends.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Connection is { } connection && !Closed.IsCompleted) await connection.CloseAsync(this).ConfigureAwait(false);
        if (!Closed.IsCompleted) await UnregisterAsync().ConfigureAwait(false);
        End(new CipException(CipFailure.NotConnected, $"{Name}: closed"), isOurs: true);
        await _reading.ConfigureAwait(false);
        await _watching.ConfigureAwait(false);
        _ended.Dispose();
    }

    /// <summary>This controller takes packed requests, as those do that take several at a time.</summary>
    public void Widen()
    {
        if (!_jobs.AreTold || Interlocked.Exchange(ref _isWide, 1) == 1) return;
        if (_options.Jobs > 1) _places.Release(_options.Jobs - 1);
    }

    /// <summary>Sends a request as soon as there is a place in flight; the answer is awaited apart.</summary>
    /// <param name="message">Free again when this returns.</param>
    /// <exception cref="CipException">The session is over.</exception>
    public ValueTask<ValueTask<CipAnswer>> SendAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken) =>
        SendAsync(message, isConnected: Connection is not null, isRouted: true, cancellationToken);

    /// <summary>One request and its answer.</summary>
    /// <exception cref="CipException">The session is over.</exception>
    public async ValueTask<CipAnswer> CallAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken) =>
        await (await SendAsync(message, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);

    /// <summary>One request to the module that has the address, beside any connection.</summary>
    public async ValueTask<CipAnswer> CallModuleAsync(ReadOnlyMemory<byte> message, CancellationToken cancellationToken) =>
        await (await SendAsync(message, isConnected: false, isRouted: false, cancellationToken).ConfigureAwait(false))
            .ConfigureAwait(false);

    /// <summary>For a router on the way, as a power of two of milliseconds and how many of them: it gives up before we do, and says
    /// so.</summary>
    public static (byte Tick, byte Count) RouterTime(TimeSpan timeout)
    {
        var ms = timeout.TotalMilliseconds * 0.8;
        byte tick = 4;
        while (ms / (1 << tick) > byte.MaxValue) tick++;
        return (tick, (byte)Math.Max(1, ms / (1 << tick)));
    }

    public CipException Refusal(CipStatus status) => new(CipFailure.Refused, $"{Name}: {status.Sentence}") { Status = status };

    /// <summary>What came cannot be trusted: the session ends.</summary>
    public CipException Distrust(string what)
    {
        var error = new CipException(CipFailure.Protocol, $"{Name} {what}");
        End(error);
        return error;
    }

    private static async ValueTask EndAsync(CipLink? link)
    {
        if (link is null) return;
        link.End(new CipException(CipFailure.NotConnected, $"{link.Name}: closed"), isOurs: true);
        await link.DisposeAsync().ConfigureAwait(false);
    }

    private async ValueTask<ValueTask<CipAnswer>> SendAsync(
        ReadOnlyMemory<byte> message, bool isConnected, bool isRouted, CancellationToken cancellationToken)
    {
        await _places.WaitAsync(cancellationToken).ConfigureAwait(false);
        // From here on it is under way: given up halfway, a frame would be garbage to the controller.
        await _writing.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            var job = Begin(message.Span[0], isConnected);
            try
            {
                var length = Write(job, message.Span, isRouted && !isConnected);
                await _transport.SendAsync(_frame.AsMemory(0, length), _over).ConfigureAwait(false);
            }
            catch (Exception error) when (error is CipException or OperationCanceledException)
            {
                // Whoever awaits the job hears of it.
                End(error as CipException ?? new CipException(CipFailure.NotConnected, $"{Name}: closed"));
            }

            return job.AnswerAsync();
        }
        finally
        {
            _writing.Release();
        }
    }

    private CipJob Begin(byte service, bool isConnected)
    {
        try
        {
            return _jobs.Begin(service, isConnected);
        }
        catch
        {
            _places.Release();
            throw;
        }
    }

    private int Write(CipJob job, ReadOnlySpan<byte> message, bool isRouted)
    {
        if (job.Sequence is { } sequence)
        {
            message.CopyTo(_frame.AsSpan(Eip.ConnectedPrefix));
            Eip.WriteConnected(_frame, message.Length, Connection!.ToTarget, sequence);
            var whole = Eip.ConnectedPrefix + message.Length;
            Eip.WriteHeader(_frame, Eip.SendConnected, whole - Eip.Header, _session, job.Context);
            return whole;
        }

        var length = isRouted && !_options.Route.IsEmpty ? WriteRouted(message) : message.Length;
        if (length == message.Length) message.CopyTo(_frame.AsSpan(Eip.UnconnectedPrefix));
        Eip.WriteUnconnected(_frame, length, (ushort)Math.Ceiling(_options.Timeout.TotalSeconds));
        Eip.WriteHeader(_frame, Eip.SendUnconnected, Eip.UnconnectedPrefix + length - Eip.Header, _session, job.Context);
        return Eip.UnconnectedPrefix + length;
    }

    /// <summary>Unconnected Send (CIP volume 1, 3-5.5.4): the message, and the way it takes.</summary>
    private int WriteRouted(ReadOnlySpan<byte> message)
    {
        var to = _frame.AsSpan(Eip.UnconnectedPrefix);
        (to[0], to[1]) = (Eip.UnconnectedSend, 2);
        Eip.ConnectionManager.CopyTo(to[2..]);
        (to[6], to[7]) = RouterTime(_options.Timeout);
        BinaryPrimitives.WriteUInt16LittleEndian(to[8..], (ushort)message.Length);
        message.CopyTo(to[10..]);
        var at = 10 + message.Length;
        if (message.Length % 2 == 1) to[at++] = 0;
        var route = _options.Route.Bytes;
        (to[at], to[at + 1]) = ((byte)(route.Length / 2), 0);
        route.CopyTo(to[(at + 2)..]);
        return at + 2 + route.Length;
    }

    private async Task RegisterAsync(CancellationToken cancellationToken)
    {
        var frame = new byte[Eip.Header + RegisterLength];
        Eip.WriteHeader(frame, Eip.RegisterSession, RegisterLength, 0, 0);
        frame[Eip.Header] = 1;
        await _transport.SendAsync(frame, cancellationToken).ConfigureAwait(false);
        using var answer = await _transport.ReceiveAsync(cancellationToken).ConfigureAwait(false);
        if (answer.Command != Eip.RegisterSession) throw Distrust($"answers the greeting with command 0x{answer.Command:X2}");
        if (answer.Status != 0)
        {
            throw new CipException(
                CipFailure.Refused, $"{Name} refuses a session (encapsulation status 0x{answer.Status:X2}): it may have none left");
        }

        _session = answer.Session;
    }

    private async Task UnregisterAsync()
    {
        var frame = new byte[Eip.Header];
        Eip.WriteHeader(frame, Eip.UnregisterSession, 0, _session, 0);
        await _writing.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            // A dead socket must not keep us.
            using var limit = new CancellationTokenSource(_options.Timeout);
            await _transport.SendAsync(frame, limit.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is CipException or OperationCanceledException)
        {
            // It is gone already.
            return;
        }
        finally
        {
            _writing.Release();
        }
    }

    private async Task ReadAsync()
    {
        try
        {
            while (true) Take(await _transport.ReceiveAsync(_over).ConfigureAwait(false));
        }
        catch (CipException error)
        {
            End(error);
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
            return;
        }
        catch (Exception error)
        {
            // A boundary: an error of ours costs the session, and never hangs whoever waits.
            End(new CipException(CipFailure.Protocol, $"{Name}: an error of ours: {error.Message}", error));
        }
    }

    private void Take(EipFrame frame)
    {
        CipJob? job = null;
        try
        {
            if (frame.Command is not (Eip.SendConnected or Eip.SendUnconnected)) return;
            var isConnected = frame.Command == Eip.SendConnected;
            if (frame.Status != 0)
            {
                throw new CipException(CipFailure.Protocol, $"{Name} refuses our message (encapsulation status 0x{frame.Status:X2})");
            }

            var found = EipItems.Find(frame.Payload, isConnected) ?? throw new CipException(
                CipFailure.Protocol, $"{Name} sends {frame.Payload.Length} bytes that hold no CIP message");
            var reply = new CipReply(frame.Payload.Slice(found.At, found.Length));
            job = _jobs.Take(isConnected, frame.Context, found.Sequence, reply.Service) ?? throw new CipException(
                CipFailure.Protocol, $"{Name} sends an answer (service 0x{reply.Service:X2}) to nothing that was asked");
            job.Complete(new CipAnswer(frame.Buffer, Eip.Header + found.At, found.Length));
        }
        finally
        {
            if (job is null) frame.Dispose();
            else _places.Release();
        }
    }

    /// <summary>An answer that stays away, and a controller that is asked nothing: one timer for all of it.</summary>
    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(WatchInterval);
        Task asking = Task.CompletedTask;
        try
        {
            while (await timer.WaitForNextTickAsync(_over).ConfigureAwait(false))
            {
                if (_jobs.IsOverdue(_options.Timeout, QuietIntervals * _options.PacketInterval, out var isQuiet))
                {
                    End(new CipException(CipFailure.Timeout, $"{Name} did not answer within {_options.Timeout.TotalSeconds} s"));
                    break;
                }

                // Asked who it is, so that it keeps its connection, and so that it is known to be there.
                if (isQuiet && asking.IsCompleted) asking = AskAsync();
            }
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
            // Over.
        }

        await asking.ConfigureAwait(false);
    }

    /// <summary>Any answer will do, a refusal too.</summary>
    private async Task AskAsync()
    {
        try
        {
            byte[] vendor = [Eip.GetAttributeSingle, 3, .. Eip.Identity, 0x30, 0x01];
            using var answer = await CallAsync(vendor, _over).ConfigureAwait(false);
        }
        catch (Exception error) when (error is CipException or OperationCanceledException)
        {
            // Whoever watches the session knows already.
            return;
        }
    }

    private void End(CipException error, bool isOurs = false)
    {
        if (_jobs.End(error) is not { } waiting) return;
        _ended.Cancel();
        if (isOurs) _transport.Shutdown();
        _transport.Dispose();
        foreach (var job in waiting) job.Fail(new CipException(error.Failure, error.Message, error));
        // Whoever waits for a place is told when he has it.
        _places.Release(int.MaxValue / 2);
        _closed.TrySetResult(error);
    }
}
