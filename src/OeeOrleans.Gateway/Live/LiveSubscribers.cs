using System.Collections.Concurrent;
using System.Security.Claims;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OeeOrleans.Access.Identities;
using OeeOrleans.Gateway.Access;
using Prometheus;

namespace OeeOrleans.Gateway.Live;

/// <summary>Who listens to the hub, and to what. Each listener has a queue of its own and gets every message once, in order; one that does
/// not keep up is dropped, and comes again for the newest picture: nobody waits for it. Safe for concurrent use.</summary>
public sealed class LiveSubscribers
{
    private static readonly Counter DroppedCount = Metrics.CreateCounter(
        "live_subscribers_dropped_total", "Live push connections that were closed because they did not keep up.");

    private readonly ConcurrentDictionary<string, LiveSubscriber> _all = new(StringComparer.Ordinal);
    private readonly IHubContext<LiveHub> _hub;
    private readonly Callers _callers;
    private readonly ILogger<LiveSubscribers> _log;

    /// <summary>Made by the host.</summary>
    public LiveSubscribers(
        IHubContext<LiveHub> hub, AccessDirectory directory, IServiceProvider services, ILogger<LiveSubscribers> log)
    {
        (_hub, _log) = (hub, log);
        _callers = services.GetRequiredService<Callers>();
        directory.Changed += LookAgain;
    }

    public int Count => _all.Count;

    internal void Add(HubCallerContext context) =>
        Add(context.ConnectionId, context.User, _hub.Clients.Client(context.ConnectionId), context.Abort);

    /// <param name="id">Of the connection.</param>
    /// <param name="user">Who it is, as the connection was made.</param>
    /// <param name="client">Where messages go.</param>
    /// <param name="abort">Ends the connection.</param>
    internal void Add(string id, ClaimsPrincipal? user, IClientProxy client, Action abort) =>
        _all[id] = new LiveSubscriber(client, abort, error => Log.SubscriberFailed(_log, id, error))
        {
            MayStay = assets => user is not null && _callers.Of(user) is { } caller && assets.All(caller.Scope.Sees),
        };

    /// <summary>Gives one connection a message, behind those that wait.</summary>
    internal void Give(string connectionId, string method, object message)
    {
        if (_all.TryGetValue(connectionId, out var subscriber) && !subscriber.TryGive(method, message)) subscriber.Drop();
    }

    internal void Remove(string connectionId)
    {
        if (_all.TryRemove(connectionId, out var gone)) gone.End();
    }

    internal void Subscribe(string connectionId, string topic, string asset)
    {
        if (_all.TryGetValue(connectionId, out var subscriber)) subscriber.Add(topic, asset);
    }

    /// <summary>Users or grants are others: who may not look any more is sent away, and may come again for what it may.</summary>
    private void LookAgain()
    {
        foreach (var (id, subscriber) in _all)
        {
            if (subscriber.IsWelcome) continue;
            Remove(id);
            subscriber.Drop();
        }
    }

    /// <summary>Gives a message to everyone who listens to one of the topics.</summary>
    internal void Publish(IReadOnlyList<string> topics, string method, object message)
    {
        foreach (var (id, subscriber) in _all)
        {
            if (!subscriber.ListensTo(topics) || subscriber.TryGive(method, message)) continue;
            Remove(id);
            DroppedCount.Inc();
            Log.SubscriberDropped(_log, id, LiveSubscriber.Capacity);
            subscriber.Drop();
        }
    }
}
