using OeeOrleans.Ingress.Connection;
using OeeOrleans.Model;
using Orleans.Runtime;
using Orleans.Streams;

namespace OeeOrleans.Ingress.Streams;

/// <summary>
/// Reads one partition: waits for messages instead of polling, groups them by stream, and acknowledges what was delivered.
/// </summary>
internal sealed class MqttReceiver(Partition partition, string clientId, IngressStatus status) : IQueueAdapterReceiver
{
    /// <summary>How long a read waits for the first message; also how late an acknowledgement or a nudge can be.</summary>
    private static readonly TimeSpan Wait = TimeSpan.FromMilliseconds(10);

    /// <summary>Messages of one read at most.</summary>
    private const int MaxRead = 5_000;

    private static readonly TimeSpan ForgetEvery = TimeSpan.FromMinutes(1);

    private PartitionConnection? _connection;
    private Task? _news;
    private long _forgotAt = partition.Clock.GetTimestamp();

    public Task Initialize(TimeSpan timeout)
    {
        _connection = new PartitionConnection(
            partition.Options, partition.Filter, clientId, partition.Clock, partition.Log, partition.Receive, status);
        _connection.Start();
        return Task.CompletedTask;
    }

    public async Task<IList<IBatchContainer>> GetQueueMessagesAsync(int maxCount)
    {
        var arrived = partition.Arrived;
        if (!arrived.TryPeek(out _) && !await NewsAsync()) return Nudges();
        var byStream = new Dictionary<string, List<InFlightMessage>>(StringComparer.Ordinal);
        for (var read = 0; read < MaxRead && arrived.TryRead(out var message); read++)
        {
            if (!byStream.TryGetValue(message.StreamKey, out var list)) byStream[message.StreamKey] = list = [];
            list.Add(message);
        }

        var containers = Nudges();
        foreach (var (key, messages) in byStream)
        {
            containers.Add(new MqttBatchContainer(Partition.StreamOf(key), new MessageBatch([]), 0) { Arrivals = messages });
        }

        return containers;
    }

    public Task MessagesDeliveredAsync(IList<IBatchContainer> messages)
    {
        foreach (var container in messages.OfType<MqttBatchContainer>())
        {
            foreach (var message in container.Arrivals) message.Acks?.Done(message);
        }

        return Task.CompletedTask;
    }

    public async Task Shutdown(TimeSpan timeout)
    {
        if (_connection is not null) await _connection.DisposeAsync();
        _connection = null;
        // Not acknowledged, so the broker keeps it for whoever owns the queue next.
        partition.Clear();
    }

    /// <summary>Whether something came within a moment. One wait for news lasts over many reads: ending it each time would throw an
    /// exception a hundred times a second in a plant that says nothing.</summary>
    private async ValueTask<bool> NewsAsync()
    {
        _news ??= partition.Arrived.WaitToReadAsync().AsTask();
        if (!_news.IsCompleted) await Task.WhenAny(_news, Task.Delay(Wait, partition.Clock));
        if (!_news.IsCompleted) return false;
        _news = null;
        return true;
    }

    /// <summary>
    /// Streams whose messages wait although nothing new came for them: after a failed delivery, or when their consumer was lost.
    /// </summary>
    private List<IBatchContainer> Nudges()
    {
        var nudges = new List<IBatchContainer>();
        foreach (var fifo in partition.Fifos)
        {
            if (fifo.NeedsNudge()) nudges.Add(new MqttBatchContainer(fifo.Stream, new MessageBatch([]), 0));
        }

        if (partition.Clock.GetElapsedTime(_forgotAt) > ForgetEvery)
        {
            partition.ForgetIdle();
            _forgotAt = partition.Clock.GetTimestamp();
        }

        return nudges;
    }
}
