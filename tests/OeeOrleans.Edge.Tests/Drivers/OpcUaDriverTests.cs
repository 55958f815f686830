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

    private protected override ISource Source(int port)
    {
        var index = _server.NamespaceIndex;
        var settings = Settings(
            $"opc.tcp://127.0.0.1:{port}/UA", $"ns={index};s=Counter0", $"ns={index};s=Write.Int32", $"ns={index};s=Nobody") with
        {
            OpcUa = new OpcUaSettings { Policy = SecurityPolicy.None, KeepAlive = TimeSpan.FromSeconds(2) },
        };
        return new OpcUaSource(settings, Options, TimeProvider.System, Log);
    }
}
