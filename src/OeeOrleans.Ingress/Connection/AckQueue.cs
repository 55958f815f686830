using Microsoft.Extensions.Logging;
using OeeOrleans.Mqtt;
using Prometheus;

namespace OeeOrleans.Ingress.Connection;

/// <summary>Acknowledgements of one connection, in the order in which the messages came (MQTT 4.6), whatever the order in which they are
/// done, and many with one write. Dies with its connection.</summary>
/// <param name="partition">Name of the partition, for metrics and the log.</param>
/// <param name="send">Sends acknowledgements in the order of the list; called by one thread at a time.</param>
/// <param name="log">Hears why sending stopped.</param>
internal sealed class AckQueue(string partition, Func<IReadOnlyList<ushort>, ValueTask> send, ILogger log)
{
    /// <summary>A commit ends many deliveries within a moment; the broker gets all of that with one packet of the network.</summary>
    private static readonly TimeSpan Gather = TimeSpan.FromMilliseconds(2);

    /// <summary>Bounded by the broker's window: nothing is in it that did not come over the connection.</summary>
    private readonly Queue<InFlightMessage> _order = new();
    private readonly Lock _lock = new();
    private readonly Counter.Child _acknowledged = IngressMetrics.Acknowledged.WithLabels(partition);
    private List<ushort> _ready = [];
    private List<ushort> _sent = [];
    private Task _sending = Task.CompletedTask;

    /// <summary>The connection is gone.</summary>
    public bool Closed { get; private set; }

    /// <summary>
    /// The connection is gone and a later one found the session: the broker sends again what was not acknowledged (MQTT 3.1.1, 4.4).
    /// </summary>
    public bool SentAgain { get; private set; }

    /// <summary>A message came; its turn to be acknowledged is behind all that came before.</summary>
    public void Arrived(InFlightMessage message)
    {
        lock (_lock) _order.Enqueue(message);
    }

    /// <summary>A message is committed. It and all done ones behind it are acknowledged once nothing before them is open.</summary>
    public void Done(InFlightMessage message)
    {
        lock (_lock)
        {
            message.Finish();
            Release();
        }
    }

    /// <summary>The same of the messages of a delivery.</summary>
    public static void Done(List<InFlightMessage> messages)
    {
        foreach (var message in messages) message.Acks?.Done(message);
    }

    /// <summary>Sends what is ready, then closes: an orderly end acknowledges what is committed.</summary>
    public async Task FinishAsync(TimeSpan limit)
    {
        Task sending;
        lock (_lock) sending = _sending;
        await Task.WhenAny(sending, Task.Delay(limit));
        Close();
    }

    public void Close()
    {
        lock (_lock)
        {
            Closed = true;
            _order.Clear();
            _ready.Clear();
        }
    }

    /// <summary>The next connection's CONNACK came, and the broker had the session.</summary>
    public void SessionResumed() => SentAgain = Closed;

    private void Release()
    {
        if (Closed) return;
        while (_order.TryPeek(out var first) && first.Done)
        {
            _order.Dequeue();
            _ready.Add(first.PacketId);
        }

        if (_ready.Count > 0 && _sending.IsCompleted) _sending = Task.Run(SendAsync);
    }

    private async Task SendAsync()
    {
        try
        {
            while (true)
            {
                await Task.Delay(Gather);
                lock (_lock)
                {
                    if (Closed || _ready.Count == 0)
                    {
                        // Here and not after the lock: whoever is done next must see that nobody sends.
                        _sending = Task.CompletedTask;
                        return;
                    }

                    (_ready, _sent) = (_sent, _ready);
                }

                await send(_sent);
                _acknowledged.Inc(_sent.Count);
                _sent.Clear();
            }
        }
        catch (Exception error)
        {
            // The connection is gone: what was not acknowledged comes again.
            Close();
            Log.AcknowledgingStopped(log, partition, error.Message, MqttConnections.IsNetwork(error) ? null : error);
        }
    }
}
