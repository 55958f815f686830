using OeeOrleans.Edge.Sources;
using OeeOrleans.Edge.Sources.OpcUa;
using OeeOrleans.OpcUa;
using OeeOrleans.TestServers;

namespace OeeOrleans.Edge.Tests.Drivers;

/// <summary>The OPC UA connector at node-opcua.</summary>
[Collection(nameof(DriverCollection))]
public sealed class OpcUaDriverTests : DriverTests
{
    private OpcUaPeer _server = null!;

    /// <summary>A keep-alive of two seconds, and the time for an answer.</summary>
    protected override TimeSpan HalfOpenLimit => TimeSpan.FromSeconds(25);

    protected override int Port => _server.Port;

    protected override async Task StartAsync() => _server = await OpcUaPeer.StartAsync("\"counters\": 1");

    protected override Task SetCounterAsync(int value) => _server.SayAsync(new { op = "set", id = "Counter0", value });

    protected override Task KillAsync() => _server.KillAsync();

    protected override Task RestartAsync() => _server.RestartAsync();

    protected override async Task EndAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task What_has_no_time_of_the_server_is_stamped_by_the_servers_clock()
    {
        var behind = new ClockBehind(TimeSpan.FromHours(1));
        await using var source = Source(Port, behind);
        var values = new List<SourceValue>();
        await Eventually.TrueAsync("the tag that is not there to be said to be bad", Soon, async () =>
        {
            values.Clear();
            await source.ProbeAsync(CancellationToken.None);
            if (source.Redescribed.IsCompleted) source.Describe();
            try
            {
                await source.ReadAsync([0, 1, 2], behind.GetUtcNow().ToUnixTimeMilliseconds(), values, CancellationToken.None);
            }
            catch (OpcUaException error) when (error.Status.Code == StatusCodes.BadNotConnected)
            {
                // It is being connected.
            }

            return values.Exists(v => v.Tag == 2);
        });

        Assert.InRange(source.ClockAheadMs, 3_599_000, 3_601_000);
        var bad = values.Single(v => v.Tag == 2);
        Assert.Equal(0, bad.Quality);
        Assert.InRange(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds() - bad.TimeMs, -1_000, 5_000);
    }

    [Fact]
    public async Task Whoever_was_away_for_long_returns_with_all_that_the_server_kept_and_not_with_a_part_of_it()
    {
        await using var proxy = new ChaosProxy(_server.Port);
        await using var source = Source(proxy.Port, TimeProvider.System);
        await _server.SayAsync(new { op = "run", every = 100 });
        await ReadUntilAsync(source, values => values.Exists(v => v.Tag == 0 && v.Value is > 5L));
        proxy.Cut();
        await Eventually.TrueAsync("the source to be away", Soon, async () => await TryReadAsync(source, []) is false);
        proxy.Mend();
        var mended = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        // Without a pause: it must not be caught while the first values of many come again.
        var first = await ReadUntilAsync(source, values => values.Exists(v => v.Tag == 0));
        Assert.InRange(first.Where(v => v.Tag == 0).Max(v => v.TimeMs), mended - 200, long.MaxValue);
    }

    private static async Task<bool> TryReadAsync(OpcUaSource source, List<SourceValue> into)
    {
        var now = DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
        if (source.Redescribed.IsCompleted) source.Describe();
        try
        {
            await source.ReadAsync([0, 1, 2], now, into, CancellationToken.None);
            source.Stored(now);
            return true;
        }
        catch (OpcUaException error) when (error.Status.Code == StatusCodes.BadNotConnected)
        {
            return false;
        }
    }

    /// <summary>Reads again and again without a pause; returns the first reading that is as it should be.</summary>
    private static async Task<List<SourceValue>> ReadUntilAsync(OpcUaSource source, Predicate<List<SourceValue>> condition)
    {
        using var limit = new CancellationTokenSource(Soon);
        while (true)
        {
            limit.Token.ThrowIfCancellationRequested();
            var values = new List<SourceValue>();
            if (await TryReadAsync(source, values) && condition(values)) return values;
            await Task.Yield();
        }
    }

    private protected override ISource Source(int port) => Source(port, TimeProvider.System);

    private OpcUaSource Source(int port, TimeProvider clock)
    {
        var index = _server.NamespaceIndex;
        var settings = Settings(
            $"opc.tcp://127.0.0.1:{port}/UA", $"ns={index};s=Counter0", $"ns={index};s=Write.Int32", $"ns={index};s=Nobody") with
        {
            OpcUa = new OpcUaSettings { Policy = SecurityPolicy.None, KeepAlive = TimeSpan.FromSeconds(2) },
        };
        return new OpcUaSource(settings, Options, clock, Log);
    }

    private sealed class ClockBehind(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() - by;
    }
}
