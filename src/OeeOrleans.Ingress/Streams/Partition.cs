using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using OeeOrleans.Ingress.Connection;
using OeeOrleans.Model;
using Orleans.Runtime;

namespace OeeOrleans.Ingress.Streams;

/// <summary>
/// What the receiver and the cache of one queue share: messages that came (from any thread), and one FIFO per stream (used by the
/// pulling agent only, which is single-threaded). A FIFO does not depend on tokens to find the next message, and a failed delivery goes
/// back to its front.
/// </summary>
internal sealed class Partition(string filter, MqttOptions options, TimeProvider clock, ILogger log)
{
    private static readonly TimeSpan SayEvery = TimeSpan.FromSeconds(10);

    /// <summary>Bounded by the broker's window (QoS 1) and by <see cref="MqttOptions.MaxBuffered"/> (QoS 0).</summary>
    private readonly ConcurrentQueue<InFlightMessage> _arrived = new();
    private readonly Dictionary<StreamId, StreamFifo> _fifos = [];

    /// <summary>Streams in which something waits, and some in which nothing does any more.</summary>
    private readonly HashSet<StreamFifo> _waiting = [];
    private BufferAccount _account = new(filter);
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _away;
    private long? _saidAt;

    public string Filter { get; } = filter;

    public MqttOptions Options { get; } = options;

    public TimeProvider Clock { get; } = clock;

    public ILogger Log { get; } = log;

    public ConcurrentQueue<InFlightMessage> Arrived => _arrived;

    public BufferAccount Account => Volatile.Read(ref _account);

    public ICollection<StreamFifo> Fifos => _fifos.Values;

    /// <summary>Something waits that nobody takes.</summary>
    public bool IsWaiting => _waiting.Count > 0;

    /// <summary>Streams in which something waits.</summary>
    public IReadOnlyCollection<StreamFifo> Waiting()
    {
        _waiting.RemoveWhere(f => f.IsEmpty);
        return _waiting;
    }

    /// <summary>
    /// Something waits in a stream. One of a life of the queue that ended is not offered any more: the broker sends it again.
    /// </summary>
    public void Waits(StreamFifo fifo)
    {
        if (ReferenceEquals(_fifos.GetValueOrDefault(fifo.Stream), fifo)) _waiting.Add(fifo);
        else fifo.Clear();
    }

    /// <summary>Completes when messages came, or some came back and are to be offered again.</summary>
    public Task News => Volatile.Read(ref _news).Task;

    /// <summary>There are news; from any thread, after the messages.</summary>
    public void Tell()
    {
        // The messages are written before this is read, and the reader looks for messages after it wrote this: one of both sees the other.
        Interlocked.MemoryBarrier();
        Volatile.Read(ref _news).TrySetResult();
    }

    /// <summary>From here on it completes anew; whoever calls it looks for messages afterwards.</summary>
    public void ListenAgain()
    {
        if (!News.IsCompleted) return;
        Interlocked.Exchange(ref _news, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
    }

    /// <summary>Takes a message of the connection. QoS 1 always has room for the message, because the broker's window bounds it.</summary>
    public Reception Receive(InFlightMessage message)
    {
        var account = Account;
        var full = account.Bytes + message.Message.Payload.Length > Options.MaxBufferedBytes;
        if (message.Acks is null && (full || account.Messages >= Options.MaxBuffered)) return Reception.Dropped;
        message.Arrived(account.NextNumber());
        account.Enter(message);
        _arrived.Enqueue(message);
        return full ? Reception.Overflow : Reception.Taken;
    }

    public StreamFifo FifoOf(StreamId stream)
    {
        if (!_fifos.TryGetValue(stream, out var fifo)) _fifos[stream] = fifo = new StreamFifo(stream, this);
        return fifo;
    }

    /// <summary>
    /// A delivery failed because the store is away. How many did since that was said last; null while it need not be said.
    /// </summary>
    public int? SayAway()
    {
        _away++;
        if (_saidAt is { } at && Clock.GetElapsedTime(at) < SayEvery) return null;
        var times = _away;
        (_away, _saidAt) = (0, Clock.GetTimestamp());
        return times;
    }

    /// <summary>Gives a message to the stream of those that nobody is to read.</summary>
    public void PutAside(InFlightMessage message) => FifoOf(StreamOf(MessageBatch.UnreadableKey)).Add(message);

    /// <summary>Forgets streams nobody looks at and nothing waits in: topics may come and go, memory may not grow with them.</summary>
    public void ForgetIdle()
    {
        foreach (var fifo in _fifos.Values.Where(f => f is { IsEmpty: true, Cursors: 0, Delivering: false }).ToList())
        {
            _fifos.Remove(fifo.Stream);
        }
    }

    /// <summary>Forgets everything: the queue moves, and what was not acknowledged comes again to whoever connects next.</summary>
    public void Clear()
    {
        while (_arrived.TryDequeue(out var message)) BufferAccount.Leave(message);
        foreach (var fifo in _fifos.Values) fifo.Clear();
        _fifos.Clear();
        _waiting.Clear();
        Volatile.Write(ref _account, new BufferAccount(Filter));
    }

    public static StreamId StreamOf(string key) => StreamId.Create(MessageBatch.StreamNamespace, key);
}
