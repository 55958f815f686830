using Microsoft.Extensions.Logging.Abstractions;
using MQTTnet.Protocol;
using OeeOrleans.Ingress.Commands;
using OeeOrleans.Mqtt;
using OeeOrleans.Sparkplug.Host;
using OeeOrleans.TestServers;

namespace OeeOrleans.Ingress.Tests;

/// <summary>The host's own connection counts when it is complete: accepted, subscribed, its birth told.</summary>
public sealed class CommandPublisherTests : IAsyncLifetime
{
    private const string Topic = "spBv1.0/STATE/scada";

    private readonly IngressStatus _status = new();
    private RecordingBroker _broker = null!;
    private ChaosProxy _proxy = null!;
    private MqttCommandPublisher _host = null!;

    public async Task InitializeAsync()
    {
        _broker = await RecordingBroker.StartAsync();
        _proxy = new ChaosProxy(_broker.Port);
        var options = new MqttOptions { Broker = new BrokerAddress(new Uri($"mqtt://127.0.0.1:{_proxy.Port}")), HostId = "scada" };
        _host = new MqttCommandPublisher(options, _status, TimeProvider.System, NullLogger<MqttCommandPublisher>.Instance);
    }

    public async Task DisposeAsync()
    {
        await _host.DisposeAsync();
        await _proxy.DisposeAsync();
        await _broker.DisposeAsync();
    }

    [Fact]
    public async Task A_refused_connect_fails_and_readiness_says_so()
    {
        _broker.Answer = MqttConnectReasonCode.NotAuthorized;
        await Assert.ThrowsAnyAsync<Exception>(() => _host.ConnectAsync(CancellationToken.None));
        Assert.Contains("commands", await _status.WhyNotAsync(CancellationToken.None), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_connection_whose_subscription_is_refused_is_not_kept_and_the_next_one_is_whole()
    {
        _broker.RefusesSubscriptions = true;
        await Assert.ThrowsAnyAsync<Exception>(() => _host.ConnectAsync(CancellationToken.None));
        Assert.DoesNotContain(_broker.Events, e => e.Topic == Topic && e.Kind == WireKind.Publish && Told(e).Online);
        _broker.RefusesSubscriptions = false;
        await _host.ConnectAsync(CancellationToken.None);
        Assert.Equal(2, _broker.Events.Count(e => e.Kind == WireKind.Connect));
        Assert.True(Told((await StatesAsync(s => s.Any(e => Told(e).Online))).Last()).Online);
        Assert.Null(await _status.WhyNotAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_death_from_ahead_is_overtaken_by_a_connection_whose_birth_and_will_have_one_later_time()
    {
        await _host.ConnectAsync(CancellationToken.None);
        var deathMs = NowMs() + 3_600_000;
        await _broker.SayAsync(Topic, new HostState(false, deathMs).ToPayload(), retain: true);
        await _host.WaitAsync(TimeSpan.FromSeconds(10), CancellationToken.None);
        await _host.ConnectAsync(CancellationToken.None);
        var birth = (await StatesAsync(s => s.Any(e => Told(e) is { Online: true } t && t.TimestampMs > deathMs))).Last(
            e => Told(e).Online);
        Assert.Equal(deathMs + 1, Told(birth).TimestampMs);
        _proxy.Cut();
        var will = (await StatesAsync(s => s.Count(e => !Told(e).Online) >= 2)).Last(e => !Told(e).Online);
        Assert.Equal(deathMs + 1, Told(will).TimestampMs);
    }

    [Fact]
    public async Task A_death_from_ahead_that_was_retained_before_the_start_is_overtaken_too()
    {
        var deathMs = NowMs() + 3_600_000;
        await _broker.SayAsync(Topic, new HostState(false, deathMs).ToPayload(), retain: true);
        await _host.ConnectAsync(CancellationToken.None);
        await _host.WaitAsync(TimeSpan.FromSeconds(10), CancellationToken.None);
        await _host.ConnectAsync(CancellationToken.None);
        Assert.Contains(await StatesAsync(s => s.Any(Overtakes)), Overtakes);

        bool Overtakes(WireEvent e) => Told(e) is { Online: true } told && told.TimestampMs > deathMs;
    }

    private static ulong NowMs() => (ulong)DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();

    private static HostState Told(WireEvent e) =>
        HostState.TryParse(e.Payload, out var state) ? state : throw new InvalidOperationException(e.Topic);

    private async Task<IReadOnlyList<WireEvent>> StatesAsync(Func<IReadOnlyList<WireEvent>, bool> holds)
    {
        static List<WireEvent> Of(IReadOnlyList<WireEvent> all) => [.. all.Where(e => e.Kind == WireKind.Publish && e.Topic == Topic)];
        return Of(await _broker.UntilAsync(all => holds(Of(all))));
    }
}
