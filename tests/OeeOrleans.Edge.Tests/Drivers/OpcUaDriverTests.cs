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
