using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using OeeOrleans.Mqtt;
using Prometheus;

namespace OeeOrleans.Ingress.Connection;

/// <summary>Acknowledgements of one connection, in the order in which the messages came (MQTT 4.6), whatever the order in which they are
/// done. Dies with its connection.</summary>
internal sealed class AckQueue
{
    private readonly Queue<InFlightMessage> _order = new();
    private readonly Lock _lock = new();

    /// <summary>Bounded by the broker's window: nothing is in it that did not come over the connection.</summary>
    private readonly Channel<InFlightMessage> _ready = Channel.CreateUnbounded<InFlightMessage>(
        new UnboundedChannelOptions { SingleReader = true });
    private readonly string _partition;
    private readonly ILogger _log;
    private readonly Counter.Child _acknowledged;

    public AckQueue(string partition, ILogger log)
    {
        (_partition, _log) = (partition, log);
        _acknowledged = IngressMetrics.Acknowledged.WithLabels(partition);
        Sender = Task.Run(SendAsync);
    }

    /// <summary>The connection is gone.</summary>
    public bool Closed { get; private set; }

    /// <summary>
    /// The connection is gone and a later one found the session: the broker sends again what was not acknowledged (MQTT 3.1.1, 4.4).
    /// </summary>
    public bool SentAgain { get; private set; }

    public Task Sender { get; }

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
            message.Done = true;
            if (Closed) return;
            while (_order.TryPeek(out var first) && first.Done)
            {
                _order.Dequeue();
                _ready.Writer.TryWrite(first);
            }
        }
    }

    /// <summary>Sends what is ready, then closes: an orderly end acknowledges what is committed.</summary>
    public async Task FinishAsync(TimeSpan limit)
    {
        _ready.Writer.TryComplete();
        await Task.WhenAny(Sender, Task.Delay(limit));
        Close();
    }

    public void Close()
    {
        lock (_lock)
        {
            Closed = true;
            _order.Clear();
        }

        _ready.Writer.TryComplete();
    }

    /// <summary>The next connection's CONNACK came, and the broker had the session.</summary>
    public void SessionResumed() => SentAgain = Closed;

    private async Task SendAsync()
    {
        try
        {
            await foreach (var message in _ready.Reader.ReadAllAsync())
            {
                if (Closed) return;
                await message.Args!.AcknowledgeAsync(CancellationToken.None);
                _acknowledged.Inc();
            }
        }
        catch (Exception error)
        {
            // The connection is gone: what was not acknowledged comes again.
            Log.AcknowledgingStopped(_log, _partition, error.Message, MqttConnections.IsNetwork(error) ? null : error);
        }
    }
}
