using System.Collections.Concurrent;
using OeeOrleans.TestServers;

namespace OeeOrleans.OpcUa.Tests;

/// <summary>Connections, sessions, subscriptions and servers that go away while values change: nothing is lost that can be had, and what is
/// lost is said.</summary>
public sealed class ReconnectTests : IAsyncLifetime
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(30);
    private static readonly MonitoredItemOptions EveryChange = MonitoredItemOptions.Default with
    {
        SamplingInterval = TimeSpan.Zero,
        QueueSize = 10_000,
    };

    private readonly string _directory = Directory.CreateTempSubdirectory("oee-reconnect").FullName;
    private readonly ConcurrentQueue<(string Id, DataValue Value)> _came = new();
    private readonly ConcurrentQueue<SubscriptionGap> _gaps = new();
    private OpcUaPeer _server = null!;

    public async Task InitializeAsync() => _server = await OpcUaPeer.StartAsync("\"counters\": 3");

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task A_connection_cut_for_three_seconds_loses_nothing_and_doubles_nothing()
    {
        await using var proxy = new ChaosProxy(_server.Port);
        await using var client = await ConnectAsync(proxy.Port);
        await using var subscription = await WatchAsync(client, ["Counter0", "Counter1"]);
        await _server.SayAsync(new { op = "run", every = 100 });
        await CountedAsync(20);
        proxy.Cut();
        await StateAsync(client, ConnectionState.Reconnecting);
        await Task.Delay(TimeSpan.FromSeconds(3));
        proxy.Mend();
        await StateAsync(client, ConnectionState.Connected);
        var last = await _server.StopCountingAsync();
        await CountedAsync(last);
        foreach (var id in (string[])["Counter0", "Counter1"]) Assert.Equal(Range(1, last), Values(id));
        Assert.Empty(_gaps);
        Assert.Equal(1, client.Counters.Reconnects);
        Assert.Equal(0, client.Counters.Recreated);
    }

    [Fact]
    public async Task A_connection_cut_again_and_again_loses_nothing()
    {
        await using var proxy = new ChaosProxy(_server.Port);
        await using var client = await ConnectAsync(proxy.Port);
        await using var subscription = await WatchAsync(client, ["Counter0"]);
        await _server.SayAsync(new { op = "run", every = 100 });
        for (var i = 0; i < 5; i++)
        {
            await CountedAsync(Values("Counter0").LastOrDefault() + 5);
            proxy.Cut();
            await StateAsync(client, ConnectionState.Reconnecting);
            proxy.Mend();
            await StateAsync(client, ConnectionState.Connected);
        }

        var last = await _server.StopCountingAsync();
        await CountedAsync(last);
        Assert.Equal(Range(1, last), Values("Counter0"));
        Assert.Empty(_gaps);
    }

    [Fact]
    public async Task A_value_whose_handler_was_under_way_when_the_connection_was_cut_is_not_lost()
    {
        await using var proxy = new ChaosProxy(_server.Port);
        await using var client = await ConnectAsync(proxy.Port);
        var full = new TaskCompletionSource();
        await using var subscription = await client.SubscribeAsync(
            SubscriptionOptions.Default with { PublishingInterval = TimeSpan.FromMilliseconds(100), OnGap = _gaps.Enqueue },
            async (notification, cancellationToken) =>
            {
                if (notification.Changes.Span[0].Value.Value.AsDouble() == 1) await full.Task.WaitAsync(cancellationToken);
                foreach (var change in notification.Changes.Span) _came.Enqueue(((string)change.Item.Context!, change.Value));
            },
            [(new NodeId("Counter0", _server.NamespaceIndex), EveryChange, "Counter0")]);
        await CameAsync("Counter0", _ => true);
        await _server.SayAsync(new { op = "series", id = "Counter0", values = (int[])[1, 2, 3] });
        proxy.Cut();
        await StateAsync(client, ConnectionState.Reconnecting);
        full.SetResult();
        proxy.Mend();
        await CountedAsync(3);
        Assert.Equal([1, 2, 3], Values("Counter0"));
        Assert.Empty(_gaps);
    }

    [Fact]
    public async Task A_quiet_subscription_is_kept_over_a_cut_longer_than_its_keep_alive()
    {
        await using var proxy = new ChaosProxy(_server.Port);
        await using var client = await ConnectAsync(proxy.Port);
        await using var subscription = await client.SubscribeAsync(
            SubscriptionOptions.Default with
            {
                PublishingInterval = TimeSpan.FromMilliseconds(100),
                OnGap = _gaps.Enqueue,
                KeepAlive = TimeSpan.FromSeconds(1),
                Lifetime = TimeSpan.FromMinutes(1),
            },
            (_, _) => ValueTask.CompletedTask, [(new NodeId("Counter0", _server.NamespaceIndex), EveryChange, "Counter0")]);
        var id = subscription.Id;
        proxy.Cut();
        await StateAsync(client, ConnectionState.Reconnecting);
        await Task.Delay(subscription.MaxSilence + TimeSpan.FromSeconds(2));
        proxy.Mend();
        await StateAsync(client, ConnectionState.Connected);
        // And it stays, though nothing comes but keep-alives.
        await Task.Delay(subscription.MaxSilence * 2);
        Assert.Equal(id, subscription.Id);
        Assert.Equal(0, client.Counters.Silent);
        Assert.Empty(_gaps);
    }

    [Fact]
    public async Task Whatever_the_owners_code_throws_the_client_goes_on()
    {
        await using var client = await ConnectAsync(_server.Port);
        client.StateChanged += _ => throw new InvalidOperationException("mine");
        await using var subscription = await client.SubscribeAsync(
            SubscriptionOptions.Default with { OnGap = _ => throw new InvalidOperationException("mine too") },
            (notification, _) =>
            {
                foreach (var change in notification.Changes.Span) _came.Enqueue(((string)change.Item.Context!, change.Value));
                return ValueTask.CompletedTask;
            },
            [(new NodeId("Counter0", _server.NamespaceIndex), EveryChange, "Counter0")]);
        await CameAsync("Counter0", _ => true);
        await _server.RestartAsync();
        await StateAsync(client, ConnectionState.Connected, reconnects: 1);
        await _server.SayAsync(new { op = "set", id = "Counter0", value = 90 });
        await CameAsync("Counter0", v => v.Value.AsDouble() == 90);
    }

    [Fact]
    public async Task A_server_that_comes_back_is_found_and_the_gap_is_said()
    {
        await using var client = await ConnectAsync(_server.Port);
        await using var subscription = await WatchAsync(client, ["Counter0"]);
        await CameAsync("Counter0", _ => true);
        await _server.KillAsync();
        await StateAsync(client, ConnectionState.Reconnecting);
        await _server.RestartAsync();
        var returned = DateTime.UtcNow;
        _came.Clear();
        await CameAsync("Counter0", _ => true);
        Assert.InRange(DateTime.UtcNow - returned, TimeSpan.Zero, TimeSpan.FromSeconds(10));
        Assert.Single(_gaps);
        await _server.SayAsync(new { op = "set", id = "Counter0", value = 77 });
        await CameAsync("Counter0", v => v.Value.AsDouble() == 77);
    }

    [Fact]
    public async Task A_server_that_numbers_its_namespaces_anew_is_read_where_its_nodes_are_now()
    {
        await using var client = await ConnectAsync(_server.Port);
        await using var subscription = await WatchAsync(client, ["Counter0"]);
        await CameAsync("Counter0", _ => true);
        var before = _server.NamespaceIndex;
        await _server.RestartAsync("\"extraNamespace\": \"urn:another\"");
        Assert.NotEqual(before, _server.NamespaceIndex);
        await StateAsync(client, ConnectionState.Connected, reconnects: 1);
        await _server.SayAsync(new { op = "set", id = "Counter0", value = 78 });
        await CameAsync("Counter0", v => v.Value.AsDouble() == 78);
    }

    [Fact]
    public async Task A_server_that_forgets_the_subscription_while_the_session_lives_gets_it_again_at_once()
    {
        await using var client = await ConnectAsync(_server.Port);
        await using var subscription = await WatchAsync(client, ["Counter0"]);
        await CameAsync("Counter0", _ => true);
        await _server.SayAsync(new { op = "dropSubscriptions" });
        await Eventually.TrueAsync("the subscription to be made anew", Soon, () => Task.FromResult(client.Counters.Recreated > 0));
        await _server.SayAsync(new { op = "set", id = "Counter0", value = 79 });
        await CameAsync("Counter0", v => v.Value.AsDouble() == 79);
        Assert.Equal(0, client.Counters.Reconnects);
        Assert.Single(_gaps);
    }

    [Fact]
    public async Task A_session_that_timed_out_leaves_its_subscription_to_the_next_one()
    {
        await using var proxy = new ChaosProxy(_server.Port);
        await using var client = await ConnectAsync(proxy.Port);
        await using var subscription = await WatchAsync(client, ["Counter0"]);
        await _server.SayAsync(new { op = "run", every = 100 });
        await CountedAsync(10);
        var id = subscription.Id;
        proxy.Cut();
        await StateAsync(client, ConnectionState.Reconnecting);
        await _server.SayAsync(new { op = "dropSessions" });
        proxy.Mend();
        await StateAsync(client, ConnectionState.Connected, reconnects: 1);
        var last = await _server.StopCountingAsync();
        await CountedAsync(last);
        Assert.Equal(id, subscription.Id);
        Assert.Equal(0, client.Counters.Recreated);
        Assert.Equal(Range(1, last), Values("Counter0"));
        Assert.Empty(_gaps);
    }

    [Fact]
    public async Task Where_no_subscription_is_handed_over_it_is_made_anew_and_the_gap_is_said()
    {
        await _server.RestartAsync("\"noTransfer\": true");
        await using var proxy = new ChaosProxy(_server.Port);
        await using var client = await ConnectAsync(proxy.Port);
        await using var subscription = await WatchAsync(client, ["Counter0"]);
        await CameAsync("Counter0", _ => true);
        proxy.Cut();
        await StateAsync(client, ConnectionState.Reconnecting);
        await _server.SayAsync(new { op = "dropSessions" });
        proxy.Mend();
        await StateAsync(client, ConnectionState.Connected, reconnects: 1);
        await _server.SayAsync(new { op = "set", id = "Counter0", value = 82 });
        await CameAsync("Counter0", v => v.Value.AsDouble() == 82);
        Assert.Equal(1, client.Counters.Recreated);
        Assert.Single(_gaps);
    }

    [Fact]
    public async Task A_server_that_comes_back_with_another_certificate_is_not_trusted_and_the_state_says_why()
    {
        await using var client = await ConnectAsync(_server.Port);
        await _server.RestartAsync($"\"pki\": \"{_directory}/another\"");
        await Eventually.HoldsAsync(
            "the certificate to be refused", Soon, () => Task.FromResult(client.Why), w =>
                w.Contains("another one was accepted", StringComparison.Ordinal));
        Assert.Equal(ConnectionState.Reconnecting, client.State);
    }

    [Fact]
    public async Task A_subscription_whose_lifetime_passed_while_nobody_could_ask_is_made_anew_and_the_gap_is_said()
    {
        await using var proxy = new ChaosProxy(_server.Port);
        await using var client = await ConnectAsync(proxy.Port);
        await using var subscription = await WatchAsync(client, ["Counter0"], TimeSpan.FromSeconds(1));
        await CameAsync("Counter0", _ => true);
        proxy.Cut();
        await StateAsync(client, ConnectionState.Reconnecting);
        // The publish requests that wait there are answered first, by keep-alives into nothing; so long, and the server has forgotten it.
        await Task.Delay(subscription.Lifetime + (subscription.KeepAlive * 7));
        proxy.Mend();
        await StateAsync(client, ConnectionState.Connected);
        await _server.SayAsync(new { op = "set", id = "Counter0", value = 80 });
        await CameAsync("Counter0", v => v.Value.AsDouble() == 80);
        Assert.Single(_gaps);
    }

    [Fact]
    public async Task A_node_that_disappears_while_the_server_is_away_spoils_no_other()
    {
        await using var client = await ConnectAsync(_server.Port);
        await using var subscription = await WatchAsync(client, ["Counter0", "Counter2"]);
        await CameAsync("Counter2", _ => true);
        await _server.RestartAsync("\"counters\": 2");
        await StateAsync(client, ConnectionState.Connected, reconnects: 1);
        await _server.SayAsync(new { op = "set", id = "Counter0", value = 81 });
        await CameAsync("Counter0", v => v.Value.AsDouble() == 81);
        Assert.Equal(StatusCodes.BadNodeIdUnknown, subscription.Items[1].Status.Code);
    }

    [Fact]
    public async Task A_client_that_starts_before_its_server_finds_it()
    {
        await _server.KillAsync();
        await using var client = OpcUaClient.Start(Options(_server.Port));
        await using var subscription = await WatchAsync(client, ["Counter0"]);
        Assert.Equal(ConnectionState.Connecting, client.State);
        await _server.RestartAsync();
        await CameAsync("Counter0", _ => true);
        Assert.Empty(_gaps);
    }

    [Fact]
    public async Task Calls_while_the_connection_is_lost_fail_at_once_and_say_why()
    {
        await using var client = await ConnectAsync(_server.Port);
        await _server.KillAsync();
        await StateAsync(client, ConnectionState.Reconnecting);
        var error = await Assert.ThrowsAsync<OpcUaException>(() => client.ReadAsync(new NodeId(2258)));
        Assert.Equal(StatusCodes.BadServerNotConnected, error.Status.Code);
        Assert.Contains("not connected now", error.Message, StringComparison.Ordinal);
    }

    private static List<double> Range(long from, long to) => [.. Enumerable.Range((int)from, (int)(to - from + 1)).Select(i => (double)i)];

    private static Task StateAsync(OpcUaClient client, ConnectionState state, int reconnects = 0) => Eventually.TrueAsync(
        $"the client to be {state}", Soon, () => Task.FromResult(client.State == state && client.Counters.Reconnects >= reconnects));

    private OpcUaClientOptions Options(int port) => new()
    {
        Url = $"opc.tcp://127.0.0.1:{port}/UA", SecurityPolicy = SecurityPolicy.Basic256Sha256, PkiDirectory = _directory,
        Trust = ServerTrust.OnFirstUse, MinPause = TimeSpan.FromMilliseconds(200),
    };

    private Task<OpcUaClient> ConnectAsync(int port) => OpcUaClient.ConnectAsync(Options(port));

    private Task<Subscription> WatchAsync(OpcUaClient client, string[] ids, TimeSpan? keepAlive = null) => client.SubscribeAsync(
        SubscriptionOptions.Default with
        {
            PublishingInterval = TimeSpan.FromMilliseconds(100),
            OnGap = _gaps.Enqueue,
            KeepAlive = keepAlive ?? SubscriptionOptions.Default.KeepAlive,
            Lifetime = (keepAlive * 3)
                ?? SubscriptionOptions.Default.Lifetime,
        },
        (notification, _) =>
        {
            foreach (var change in notification.Changes.Span) _came.Enqueue(((string)change.Item.Context!, change.Value));
            return ValueTask.CompletedTask;
        },
        [.. ids.Select(id => ((ExpandedNodeId)new NodeId(id, _server.NamespaceIndex), EveryChange, (object?)id))]);

    private List<double> Values(string id) =>
        [.. _came.Where(c => c.Id == id).Select(c => c.Value.Value.AsDouble() ?? 0).Where(v => v > 0)];

    private Task CountedAsync(double to) =>
        Eventually.HoldsAsync($"Counter0 to reach {to}", Soon, () => Task.FromResult(Values("Counter0").LastOrDefault()), v => v >= to);

    private Task CameAsync(string id, Func<DataValue, bool> which) => Eventually.HoldsAsync(
        $"a value of {id}", Soon, () => Task.FromResult(string.Join(' ', _came.Select(c => $"{c.Id}={c.Value.Value}"))),
        _ => _came.Any(c => c.Id == id && which(c.Value)));
}
