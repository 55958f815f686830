using OeeOrleans.Edge.Sources;
using OeeOrleans.Edge.Sources.Polling;
using OeeOrleans.Edge.Sources.S7;
using OeeOrleans.S7;
using OeeOrleans.S7.Simulation;
using OeeOrleans.TestServers;

namespace OeeOrleans.Edge.Tests.Drivers;

/// <summary>The S7 connector at a simulated PLC.</summary>
[Collection(nameof(DriverCollection))]
public sealed class S7DriverTests : DriverTests
{
    private readonly SimulatedPlc _plc = new();

    protected override TimeSpan HalfOpenLimit => TimeSpan.FromSeconds(5);

    protected override int Port => _plc.Port;

    protected override Task StartAsync()
    {
        _plc.AddDb(1, 20);
        _plc.Start();
        return Task.CompletedTask;
    }

    protected override Task SetCounterAsync(int value)
    {
        _plc.Write("DB1.DBD0:DINT", value);
        return Task.CompletedTask;
    }

    protected override Task KillAsync() => _plc.StopAsync();

    protected override Task RestartAsync()
    {
        _plc.Start();
        return Task.CompletedTask;
    }

    protected override async Task EndAsync() => await _plc.DisposeAsync();

    [Fact]
    public async Task Fifty_connections_lost_and_found_leave_no_memory_behind()
    {
        var settings = Settings($"s7://127.0.0.1:{Port}?slot=1", "DB1.DBD0:DINT", "DB1.DBW4:INT", "DB1.DBD20:DINT");
        var pause = new ReconnectPause(new Random(1), TimeSpan.FromMilliseconds(5));
        await using var probe = new SourceProbe(new PolledSource(settings, new S7Driver(settings), TimeProvider.System, Log, pause));
        long? before = null;
        for (var i = 0; i < 60; i++)
        {
            await Eventually.TrueAsync("the source to be read", Soon, () => Task.FromResult(probe.Last(Counter) is not null));
            if (i == 10) before = GC.GetTotalMemory(forceFullCollection: true);
            pause.AfterLoss(TimeSpan.FromHours(1));
            _plc.CutConnections();
            probe.Came.Clear();
        }

        // A connection has a buffer of 64 KB.
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before!.Value, long.MinValue, 1_500_000);
        await Eventually.TrueAsync("one connection to be left", Soon, () => Task.FromResult(_plc.Connections == 1));
    }

    [Fact]
    public async Task Tags_of_another_interval_are_read_when_they_are_due_and_a_slow_group_spoils_no_fast_one()
    {
        _plc.AddDb(2, 20);
        _plc.Faults.Fail(S7Area.DataBlock, 2, S7Status.AccessDenied);
        var settings = new EdgeSource(
            "plc", new Uri($"s7://127.0.0.1:{Port}?slot=1"), "device", 50,
            [new EdgeTag("DB1.DBD0:DINT", "fast"), new EdgeTag("DB2.DBD0:DINT", "slow", IntervalMs: 1_000)]);
        await using var source = new PolledSource(settings, new S7Driver(settings), TimeProvider.System, Log);
        var values = new List<SourceValue>();
        await Eventually.TrueAsync("the source to be read", Soon, async () =>
        {
            values.Clear();
            await source.ReadAsync([0], 0, values, CancellationToken.None);
            return true;
        });
        // What was not asked for is not told.
        Assert.Equal([0], values.Select(v => v.Tag));
        values.Clear();
        await source.ReadAsync([0, 1], 0, values, CancellationToken.None);
        Assert.Equal([(0, 192), (1, 0)], values.Select(v => (v.Tag, v.Quality)));
        Assert.Null(values[1].Value);
        _plc.Faults.Fail(S7Area.DataBlock, 2, S7Status.Good);
        _plc.Write("DB2.DBD0:DINT", 5);
        values.Clear();
        await source.ReadAsync([1], 0, values, CancellationToken.None);
        Assert.Equal([(1, (object?)5L)], values.Select(v => (v.Tag, v.Value)));
    }

    [Fact]
    public async Task A_source_that_is_paused_hands_over_the_first_reading_of_a_life_all_the_same()
    {
        var source = (PolledSource)Source(Port);
        await using var ending = source;
        source.SetPaused(true);
        source.Describe();
        var values = new List<SourceValue>();
        await Eventually.TrueAsync("the source to be read", Soon, async () =>
        {
            await source.ReadAsync([0, 1, 2], 0, values, CancellationToken.None);
            return true;
        });
        Assert.Equal(3, values.Count);
        values.Clear();
        await source.ReadAsync([0, 1, 2], 0, values, CancellationToken.None);
        Assert.Empty(values);
    }

    private protected override ISource Source(int port)
    {
        var settings = Settings($"s7://127.0.0.1:{port}?slot=1", "DB1.DBD0:DINT", "DB1.DBW4:INT", "DB1.DBD20:DINT");
        return new PolledSource(settings, new S7Driver(settings), TimeProvider.System, Log);
    }
}
