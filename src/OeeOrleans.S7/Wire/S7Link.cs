using System.Buffers.Binary;
using System.Diagnostics;

namespace OeeOrleans.S7.Wire;

/// <summary>
/// A connection on which several requests are in flight. Answers are matched by their reference; one that nobody waits for, or that stays
/// away, ends the connection, because from then on nothing can be trusted to be the answer to what was asked.
/// </summary>
internal sealed class S7Link : IAsyncDisposable
{
    private const int SetupLength = 8;

    /// <summary>Time limits that one answer may stay away while others come.</summary>
    private const int Patience = 5;
    private const int SmallestPdu = 112;
    private const int LargestPdu = 65_000;
    private static readonly TimeSpan WatchInterval = TimeSpan.FromMilliseconds(200);

    private readonly S7ClientOptions _options;
    private readonly IsoTransport _transport;
    private readonly S7JobWindow _window;
    private readonly Dictionary<ushort, S7Job> _running = [];
    private readonly Stack<S7Job> _idle = [];
    private readonly Lock _lock = new();
    private readonly SemaphoreSlim _places;
    private readonly SemaphoreSlim _writing = new(1);
    private readonly CancellationTokenSource _ended = new();
    private readonly TaskCompletionSource<S7Exception> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private S7Exception? _end;
    private readonly CancellationToken _over;
    private ushort _reference;

    /// <summary>When the last answer came, by the stopwatch.</summary>
    private long _answeredAt;
    private int _receiveLimit;
    private Task _reading = Task.CompletedTask;
    private Task _watching = Task.CompletedTask;

    private S7Link(S7ClientOptions options, IsoTransport transport)
    {
        (_options, _transport) = (options, transport);
        _window = options.Window ?? new S7JobWindow();
        _places = new SemaphoreSlim(1);
        // The source may be disposed of before the last one asks.
        _over = _ended.Token;
    }

    /// <summary>As the PLC grants it.</summary>
    public int PduLength { get; private set; }

    /// <summary>Requests in flight, as the PLC grants them.</summary>
    public int Jobs { get; private set; }

    /// <summary>Done when the connection is over, with the reason.</summary>
    public Task<S7Exception> Closed => _closed.Task;

    public string Name => $"{_options.Host}:{_options.Port}";

    /// <exception cref="S7Exception">There is no PLC, it refuses, or does not answer.</exception>
    public static async Task<S7Link> OpenAsync(S7ClientOptions options, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(options.Timeout);
        IsoTransport? transport = null;
        S7Link? link = null;
        try
        {
            transport = await IsoTransport.ConnectAsync(options, limit.Token).ConfigureAwait(false);
            link = new S7Link(options, transport);
            await link.SetupAsync(limit.Token).ConfigureAwait(false);
            link.Run();
            return link;
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            transport?.Dispose();
            throw new S7Exception(
                S7Failure.Timeout, $"{options.Host}:{options.Port} did not answer within {options.Timeout.TotalSeconds} s; is it an S7 "
                    + "PLC, and is a firewall between?");
        }
        catch
        {
            transport?.Dispose();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        End(new S7Exception(S7Failure.NotConnected, $"{Name}: closed"), isOurs: true);
        await _reading.ConfigureAwait(false);
        await _watching.ConfigureAwait(false);
        _ended.Dispose();
    }

    /// <summary>Sends a request as soon as there is a place in flight; the answer is awaited apart.</summary>
    /// <param name="frame">The PDU with <see cref="S7Pdu.Prefix"/> bytes of room in front; free again when this returns.</param>
    /// <exception cref="S7Exception">The connection is over.</exception>
    public async ValueTask<ValueTask<S7Answer>> SendAsync(Memory<byte> frame, CancellationToken cancellationToken)
    {
        await _places.WaitAsync(cancellationToken).ConfigureAwait(false);
        var job = Register(frame.Span);
        // From here on it is under way: given up halfway, a frame would be garbage to the PLC.
        await _writing.WaitAsync(CancellationToken.None).ConfigureAwait(false);
        try
        {
            await _transport.SendAsync(frame, _over).ConfigureAwait(false);
        }
        catch (Exception error) when (error is S7Exception or OperationCanceledException)
        {
            // Whoever awaits the job hears of it.
            End(error as S7Exception ?? new S7Exception(S7Failure.NotConnected, $"{Name}: closed"));
        }
        finally
        {
            _writing.Release();
        }

        return job.AnswerAsync();
    }

    /// <summary>One request and its answer.</summary>
    /// <exception cref="S7Exception">The connection is over, or the PLC refuses the request as a whole.</exception>
    public async ValueTask<S7Answer> CallAsync(Memory<byte> frame, CancellationToken cancellationToken)
    {
        var answer = await (await SendAsync(frame, cancellationToken).ConfigureAwait(false)).ConfigureAwait(false);
        return Accepted(answer);
    }

    /// <summary>The answer, unless it is a refusal.</summary>
    public S7Answer Accepted(S7Answer answer)
    {
        if (answer.Error == 0) return answer;
        var code = answer.Error;
        answer.Dispose();
        throw Refusal(code);
    }

    public S7Exception Refusal(ushort code) => new(S7Failure.Refused, $"{Name}: {S7Errors.Sentence(code)}") { Code = code };

    /// <summary>What came cannot be trusted: the connection ends.</summary>
    public S7Exception Distrust(string what)
    {
        var error = new S7Exception(S7Failure.Protocol, $"{Name} {what}");
        End(error);
        return error;
    }

    private S7Job Register(Span<byte> frame)
    {
        lock (_lock)
        {
            if (_end is { } end)
            {
                _places.Release();
                throw new S7Exception(end.Failure, end.Message, end);
            }

            var job = _idle.Count > 0 ? _idle.Pop() : new S7Job(Free);
            job.Begin();
            do _reference++;
            while (_reference == 0 || _running.ContainsKey(_reference));
            _running.Add(_reference, job);
            BinaryPrimitives.WriteUInt16BigEndian(frame[(S7Pdu.Prefix + 4)..], _reference);
            return job;
        }
    }

    private void Free(S7Job job)
    {
        lock (_lock) _idle.Push(job);
    }

    private void Run()
    {
        _reading = Task.Run(ReadAsync);
        _watching = Task.Run(WatchAsync);
    }

    private async Task SetupAsync(CancellationToken cancellationToken)
    {
        var frame = new byte[S7Pdu.Prefix + S7Pdu.JobHeader + SetupLength];
        var pdu = frame.AsSpan(S7Pdu.Prefix);
        S7Pdu.WriteHeader(pdu, S7Pdu.Job, SetupLength, 0);
        pdu[S7Pdu.JobHeader] = S7Pdu.Setup;
        BinaryPrimitives.WriteUInt16BigEndian(pdu[12..], (ushort)_options.Jobs);
        BinaryPrimitives.WriteUInt16BigEndian(pdu[14..], (ushort)_options.Jobs);
        BinaryPrimitives.WriteUInt16BigEndian(pdu[16..], (ushort)_options.PduLength);
        await _transport.SendAsync(frame, cancellationToken).ConfigureAwait(false);
        using var answer = Accepted(await _transport.ReceiveAsync(LargestPdu, cancellationToken).ConfigureAwait(false));
        var granted = answer.Parameters;
        if (granted.Length != SetupLength || granted[0] != S7Pdu.Setup) throw Distrust("answers the greeting with something else");
        PduLength = BinaryPrimitives.ReadUInt16BigEndian(granted[6..]);
        // Simulators claim more than was asked for: what we asked for is enough.
        _receiveLimit = Math.Max(PduLength, _options.PduLength);
        PduLength = Math.Min(PduLength, _options.PduLength);
        if (PduLength < SmallestPdu) throw Distrust($"grants PDUs of {PduLength} bytes; {SmallestPdu} are the least there is");
        // What it takes from us is the calling side's number.
        Jobs = Math.Clamp((int)BinaryPrimitives.ReadUInt16BigEndian(granted[2..]), 1, _options.Jobs);
        _window.Limit(Jobs);
        if (_window.Width > 1) _places.Release(_window.Width - 1);
    }

    private async Task ReadAsync()
    {
        try
        {
            while (true) Take(await _transport.ReceiveAsync(_receiveLimit, _over).ConfigureAwait(false));
        }
        catch (S7Exception error)
        {
            End(error);
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
            return;
        }
        catch (Exception error)
        {
            // A boundary: an error of ours costs the connection, and never hangs whoever waits.
            End(new S7Exception(S7Failure.Protocol, $"{Name}: an error of ours: {error.Message}", error));
        }
    }

    private void Take(S7Answer answer)
    {
        S7Job? job = null;
        // What is no answer leaves whoever waits to the end of the connection.
        lock (_lock)
        {
            if (answer.Kind != S7Pdu.Job) _running.Remove(answer.Reference, out job);
            _answeredAt = Stopwatch.GetTimestamp();
        }

        if (job is null)
        {
            var what = $"sends an answer (reference {answer.Reference}) to nothing that was asked";
            answer.Dispose();
            throw new S7Exception(S7Failure.Protocol, $"{Name} {what}");
        }

        _places.Release(_window.Answered() ? 2 : 1);
        job.Complete(answer);
    }

    /// <summary>An answer that stays away: one timer for all of them.</summary>
    private async Task WatchAsync()
    {
        using var timer = new PeriodicTimer(WatchInterval);
        try
        {
            while (await timer.WaitForNextTickAsync(_ended.Token).ConfigureAwait(false))
            {
                if (!IsOverdue()) continue;
                End(new S7Exception(S7Failure.Timeout, $"{Name} did not answer within {_options.Timeout.TotalSeconds} s"));
                return;
            }
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
            return;
        }
    }

    private bool IsOverdue()
    {
        lock (_lock)
        {
            foreach (var job in _running.Values)
            {
                // One that answers others is slow, and not away; but not for ever.
                var waited = Stopwatch.GetElapsedTime(job.SentAt);
                if (waited > Patience * _options.Timeout) return true;
                if (waited > _options.Timeout && Stopwatch.GetElapsedTime(_answeredAt) > _options.Timeout) return true;
            }
        }

        return false;
    }

    private void End(S7Exception error, bool isOurs = false)
    {
        List<S7Job> waiting;
        lock (_lock)
        {
            if (_end is not null) return;
            _end = error;
            waiting = [.. _running.Values];
            _running.Clear();
        }

        // A connection cut with several requests under way may have been too much for it.
        if (!isOurs && waiting.Count > 1) _window.Failed(waiting.Count);
        _ended.Cancel();
        if (isOurs) _transport.Shutdown();
        _transport.Dispose();
        foreach (var job in waiting) job.Fail(new S7Exception(error.Failure, error.Message, error));
        // Whoever waits for a place is told when he has it.
        _places.Release(int.MaxValue / 2);
        _closed.TrySetResult(error);
    }
}
