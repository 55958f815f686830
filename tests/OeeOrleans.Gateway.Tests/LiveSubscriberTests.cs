using System.Collections.Concurrent;
using Microsoft.AspNetCore.SignalR;
using OeeOrleans.Gateway.Live;
using OeeOrleans.TestServers;

namespace OeeOrleans.Gateway.Tests;

/// <summary>
/// One connection of live push: every message once, in order; it is dropped when it does not keep up, and nobody waits for it.
/// </summary>
public sealed class LiveSubscriberTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Messages_come_once_and_in_the_order_in_which_they_were_given()
    {
        var client = new Client();
        var subscriber = new LiveSubscriber(client, () => { }, _ => { });
        for (var i = 0; i < 1_000; i++) Assert.True(subscriber.TryGive("M", i));
        await Eventually.TrueAsync("all of them", Soon, () => Task.FromResult(client.Got.Count >= 1_000));
        Assert.Equal(Enumerable.Range(0, 1_000), client.Got.Cast<int>());
        subscriber.End();
    }

    [Fact]
    public void A_client_that_does_not_read_is_refused_more_than_its_queue_holds()
    {
        var client = new Client { Reads = new TaskCompletionSource() };
        var subscriber = new LiveSubscriber(client, () => { }, _ => { });
        var taken = Enumerable.Range(0, LiveSubscriber.Capacity * 2).TakeWhile(i => subscriber.TryGive("M", i)).Count();
        Assert.InRange(taken, LiveSubscriber.Capacity, LiveSubscriber.Capacity + 1);
        subscriber.End();
    }

    [Fact]
    public async Task A_client_whose_connection_fails_is_closed_and_the_error_is_told()
    {
        var client = new Client { Fails = new InvalidOperationException("broken pipe") };
        var aborted = new TaskCompletionSource();
        Exception? told = null;
        var subscriber = new LiveSubscriber(client, aborted.SetResult, error => told = error);
        subscriber.TryGive("M", 1);
        await aborted.Task.WaitAsync(Soon);
        Assert.Same(client.Fails, told);
        Assert.False(subscriber.TryGive("M", 2));
    }

    [Fact]
    public void A_subscriber_hears_the_topics_it_asked_for_and_no_others()
    {
        var subscriber = new LiveSubscriber(new Client(), () => { }, _ => { });
        subscriber.Add("line:1", "1");
        Assert.True(subscriber.ListensTo(["machine:7", "line:1"]));
        Assert.False(subscriber.ListensTo(["machine:7", "line:2"]));
        subscriber.End();
    }

    [Fact]
    public void Whoever_may_not_look_at_one_of_its_topics_any_more_is_not_welcome()
    {
        var visible = new HashSet<string> { "1", "2" };
        var subscriber = new LiveSubscriber(new Client(), () => { }, _ => { }) { MayStay = assets => assets.All(visible.Contains) };
        subscriber.Add("line:1", "1");
        subscriber.Add("line:2", "2");
        Assert.True(subscriber.IsWelcome);
        visible.Remove("2");
        Assert.False(subscriber.IsWelcome);
        subscriber.End();
    }

    private sealed class Client : IClientProxy
    {
        public ConcurrentQueue<object?> Got { get; } = new();

        public TaskCompletionSource? Reads { get; init; }

        public Exception? Fails { get; init; }

        public async Task SendCoreAsync(string method, object?[] args, CancellationToken cancellationToken = default)
        {
            if (Fails is not null) throw Fails;
            if (Reads is not null) await Reads.Task.WaitAsync(cancellationToken);
            Got.Enqueue(args[0]);
        }
    }
}
