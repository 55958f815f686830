using OeeOrleans.Edge.Sources;
using OeeOrleans.Edge.Sources.Polling;
using OeeOrleans.Edge.Sources.S7;
using OeeOrleans.S7.Simulation;

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

    private protected override ISource Source(int port)
    {
        var settings = Settings($"s7://127.0.0.1:{port}?slot=1", "DB1.DBD0:DINT", "DB1.DBW4:INT", "DB1.DBD20:DINT");
        return new PolledSource(settings, new S7Driver(settings), TimeProvider.System, Log);
    }
}
