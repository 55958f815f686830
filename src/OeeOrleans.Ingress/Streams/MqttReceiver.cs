using OeeOrleans.Ingress.Connection;
using OeeOrleans.Model;
using Orleans.Runtime;
using Orleans.Streams;

namespace OeeOrleans.Ingress.Streams;

/// <summary>
/// Reads one partition: waits for messages instead of polling, and groups them by stream.
/// </summary>
internal sealed class MqttReceiver(Partition partition, string clientId, IngressStatus status) : IQueueAdapterReceiver
{
    /// <summary>How long a read waits for the first message; also how late a nudge can be while something waits for one.</summary>
    private static readonly TimeSpan Wait = TimeSpan.FromMilliseconds(10);

    /// <summary>While nothing waits: an idle plant costs two reads a second.</summary>
    private static readonly TimeSpan IdleWait = TimeSpan.FromMilliseconds(500);

    /// <summary>Messages of one read at most.</summary>
    private const int MaxRead = 5_000;

    private static readonly TimeSpan ForgetEvery = TimeSpan.FromMinutes(1);

    private PartitionConnection? _connection;
    private long _forgotAt = partition.Clock.GetTimestamp();

    public Task Initialize(TimeSpan timeout)
    {
        _connection = new PartitionConnection(
            partition.Options, partition.Filter, clientId, partition.Clock, partition.Log, partition.Receive, partition.Tell, status);
        _connection.Start();
        return Task.CompletedTask;
    }

    public async Task<IList<IBatchContainer>> GetQueueMessagesAsync(int maxCount)
    {
        var arrived = partition.Arrived;
        if (arrived.IsEmpty && !await NewsAsync()) return Nudges();
        var byStream = new Dictionary<string, List<InFlightMessage>>(StringComparer.Ordinal);
        for (var read = 0; read < MaxRead && arrived.TryDequeue(out var message); read++)
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

    /// <summary>Nothing is left to do: the cursor knew it before.</summary>
    public Task MessagesDeliveredAsync(IList<IBatchContainer> messages) => Task.CompletedTask;

    public async Task Shutdown(TimeSpan timeout)
    {
        if (_connection is not null) await _connection.DisposeAsync();
        _connection = null;
        // Not acknowledged, so the broker keeps it for whoever owns the queue next.
        partition.Clear();
    }

    /// <summary>Whether something came within a moment.</summary>
    private async ValueTask<bool> NewsAsync()
    {
        partition.ListenAgain();
        // In this order: what comes after the look is told.
        if (!partition.Arrived.IsEmpty) return true;
        await Task.WhenAny(partition.News, Task.Delay(partition.IsWaiting ? Wait : IdleWait, partition.Clock));
        return !partition.Arrived.IsEmpty;
    }

    /// <summary>
    /// Streams whose messages wait although nothing new came for them: after a failed delivery, or when their consumer was lost.
    /// </summary>
    private List<IBatchContainer> Nudges()
    {
        var nudges = new List<IBatchContainer>();
        foreach (var fifo in partition.Waiting())
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
