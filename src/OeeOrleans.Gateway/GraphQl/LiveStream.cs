using System.Security.Claims;
using Microsoft.AspNetCore.SignalR;
using OeeOrleans.Gateway.Live;

namespace OeeOrleans.Gateway.GraphQl;

/// <summary>One kind of message of the live push about one asset, as long as somebody observes it; of one observer.</summary>
internal sealed class LiveStream<T>(LiveSubscribers subscribers, ClaimsPrincipal? user, string method, string topic, string asset)
    : IObservable<T>
    where T : class
{
    public IDisposable Subscribe(IObserver<T> observer)
    {
        var id = $"graphql-{Guid.NewGuid():N}";
        // Whoever does not keep up, or may not look any more, hears nothing from here on.
        void Abort() => observer.OnError(new LiveEndedException());
        subscribers.Add(id, user, new Proxy(observer, method), Abort);
        subscribers.Subscribe(id, topic, asset);
        return new Subscription(() => subscribers.Remove(id));
    }

    private sealed class Proxy(IObserver<T> observer, string method) : IClientProxy
    {
        public Task SendCoreAsync(string name, object?[] args, CancellationToken cancellationToken = default)
        {
            if (name == method && args is [T message]) observer.OnNext(message);
            return Task.CompletedTask;
        }
    }

    private sealed class Subscription(Action end) : IDisposable
    {
        public void Dispose() => end();
    }
}

/// <summary>A subscription was ended by this side.</summary>
internal sealed class LiveEndedException() : Exception("it does not keep up, or may not look at this any more; subscribe again");
