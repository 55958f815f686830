using System.Threading.Channels;
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
    private readonly Channel<InFlightMessage> _arrived = Channel.CreateUnbounded<InFlightMessage>(new UnboundedChannelOptions { SingleReader = true });
    private readonly Dictionary<StreamId, StreamFifo> _fifos = [];
    private int _buffered;

    public string Filter { get; } = filter;

    public MqttOptions Options { get; } = options;

    public TimeProvider Clock { get; } = clock;

    public ILogger Log { get; } = log;

    public ChannelReader<InFlightMessage> Arrived => _arrived.Reader;

    public int Buffered => Volatile.Read(ref _buffered);

    public ICollection<StreamFifo> Fifos => _fifos.Values;

    /// <summary>Takes a message of the connection. QoS 1 always has room, because the broker's window bounds it.</summary>
    public bool Receive(InFlightMessage message)
    {
        if (message.Acks is null && Buffered >= Options.MaxBuffered) return false;
        Interlocked.Increment(ref _buffered);
        return _arrived.Writer.TryWrite(message);
    }

    public StreamFifo FifoOf(StreamId stream)
    {
        if (!_fifos.TryGetValue(stream, out var fifo)) _fifos[stream] = fifo = new StreamFifo(stream, this);
        return fifo;
    }

    /// <summary>Forgets streams nobody looks at and nothing waits in: topics may come and go, memory may not grow with them.</summary>
    public void ForgetIdle()
    {
        foreach (var fifo in _fifos.Values.Where(f => f is { IsEmpty: true, Cursors: 0 }).ToList()) _fifos.Remove(fifo.Stream);
    }

    /// <summary>A message left memory: delivered, or dropped because it comes again.</summary>
    public void Left(int count)
    {
        Interlocked.Add(ref _buffered, -count);
        IngressMetrics.Buffered.WithLabels(Filter).Set(Buffered);
    }

    /// <summary>Forgets everything: the queue moves, and what was not acknowledged comes again to whoever connects next.</summary>
    public void Clear()
    {
        while (_arrived.Reader.TryRead(out _)) Left(1);
        foreach (var fifo in _fifos.Values) fifo.Clear();
        _fifos.Clear();
    }

    public static StreamId StreamOf(string key) => StreamId.Create(MessageBatch.StreamNamespace, key);
}
