using System.Collections.Concurrent;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.Logging;
using Prometheus;

namespace OeeOrleans.Gateway.Live;

/// <summary>Who listens to the hub, and to what. Each listener has a queue of its own and gets every message once, in order; one that does
/// not keep up is dropped, and comes again for the newest picture: nobody waits for it. Safe for concurrent use.</summary>
public sealed class LiveSubscribers(IHubContext<LiveHub> hub, ILogger<LiveSubscribers> log)
{
    private static readonly Counter DroppedCount = Metrics.CreateCounter(
        "live_subscribers_dropped_total", "Live push connections that were closed because they did not keep up.");

    private readonly ConcurrentDictionary<string, LiveSubscriber> _all = new(StringComparer.Ordinal);

    public int Count => _all.Count;

    internal void Add(HubCallerContext context)
    {
        var id = context.ConnectionId;
        _all[id] = new LiveSubscriber(hub.Clients.Client(id), context.Abort, error => Log.SubscriberFailed(log, id, error));
    }

    internal void Remove(string connectionId)
    {
        if (_all.TryRemove(connectionId, out var gone)) gone.End();
    }

    internal void Subscribe(string connectionId, string topic)
    {
        if (_all.TryGetValue(connectionId, out var subscriber)) subscriber.Add(topic);
    }

    /// <summary>Gives a message to everyone who listens to one of the topics.</summary>
    internal void Publish(IReadOnlyList<string> topics, string method, object message)
    {
        foreach (var (id, subscriber) in _all)
        {
            if (!subscriber.ListensTo(topics) || subscriber.TryGive(method, message)) continue;
            Remove(id);
            DroppedCount.Inc();
            Log.SubscriberDropped(log, id, LiveSubscriber.Capacity);
            subscriber.Drop();
        }
    }
}
