using OeeOrleans.Ingress.Connection;

namespace OeeOrleans.Ingress.Streams;

/// <summary>What one life of a queue holds in memory. A life that ended takes its account with it: what still comes back from it is
/// nobody's any more, so no counter can go up and never come down.</summary>
internal sealed class BufferAccount(string filter)
{
    private readonly Prometheus.Gauge.Child _messagesGauge = IngressMetrics.Buffered.WithLabels(filter);
    private readonly Prometheus.Gauge.Child _bytesGauge = IngressMetrics.BufferedBytes.WithLabels(filter);
    private int _messages;
    private long _bytes;
    private ulong _arrived;

    /// <summary>Names this life: numbers of arrival are its own.</summary>
    public string Source { get; } = Guid.NewGuid().ToString("N");

    public int Messages => Volatile.Read(ref _messages);

    public long Bytes => Interlocked.Read(ref _bytes);

    /// <summary>Numbers of arrival, from 1. Called by one thread at a time.</summary>
    public ulong NextNumber() => ++_arrived;

    public void Enter(InFlightMessage message)
    {
        message.Account = this;
        Change(1, message.Message.Payload.Length);
    }

    /// <summary>A message left memory: delivered, put aside, or dropped because it comes again.</summary>
    public static void Leave(InFlightMessage message)
    {
        var account = message.Account;
        message.Account = null;
        account?.Change(-1, -message.Message.Payload.Length);
    }

    private void Change(int messages, int bytes)
    {
        _messagesGauge.Set(Interlocked.Add(ref _messages, messages));
        _bytesGauge.Set(Interlocked.Add(ref _bytes, bytes));
    }
}
