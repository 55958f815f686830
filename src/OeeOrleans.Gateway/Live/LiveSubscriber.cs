using System.Collections.Concurrent;
using System.Threading.Channels;
using Microsoft.AspNetCore.SignalR;

namespace OeeOrleans.Gateway.Live;

/// <summary>One connection of the hub with its queue.</summary>
internal sealed class LiveSubscriber
{
    /// <summary>Messages that may wait for a connection: some seconds of a large plant.</summary>
    public const int Capacity = 2_000;

    private readonly IClientProxy _client;
    private readonly Action _abort;
    private readonly Action<Exception> _failed;
    private readonly ConcurrentDictionary<string, string> _topics = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stop = new();
    private readonly Channel<(string Method, object Message)> _queue = Channel.CreateBounded<(string, object)>(
        new BoundedChannelOptions(Capacity) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });

    public LiveSubscriber(IClientProxy client, Action abort, Action<Exception> failed)
    {
        (_client, _abort, _failed) = (client, abort, failed);
        _ = Task.Run(SendAsync);
    }

    /// <summary>Whether it may come in still, and look at all that it listens to; asked when users or grants have changed.</summary>
    public Func<IReadOnlyCollection<string>, bool> MayStay { get; init; } = _ => true;

    /// <param name="topic">What to listen to.</param>
    /// <param name="asset">The line or machine it is about.</param>
    public void Add(string topic, string asset) => _topics[topic] = asset;

    public bool IsWelcome => MayStay([.. _topics.Values]);

    public bool ListensTo(IReadOnlyList<string> topics)
    {
        foreach (var topic in topics)
        {
            if (_topics.ContainsKey(topic)) return true;
        }

        return false;
    }

    /// <summary>False when it does not keep up.</summary>
    public bool TryGive(string method, object message) => _queue.Writer.TryWrite((method, message));

    public void End()
    {
        _queue.Writer.TryComplete();
        _stop.Cancel();
    }

    /// <summary>Closes the connection.</summary>
    public void Drop()
    {
        End();
        _abort();
    }

    private async Task SendAsync()
    {
        try
        {
            await foreach (var (method, message) in _queue.Reader.ReadAllAsync(
                _stop.Token)) await _client.SendAsync(method, message, _stop.Token);
        }
        catch (OperationCanceledException)
        {
            // The connection is gone.
            return;
        }
        catch (Exception error)
        {
            // A boundary: this listener is over; the others go on.
            _failed(error);
            Drop();
        }
    }
}
