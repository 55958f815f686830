using System.Net;
using MQTTnet.Server;
using Prometheus;

namespace OeeOrleans.Host.Hosting;

/// <summary>MQTTnet.Server in this process. It keeps sessions and queued messages in memory only.</summary>
internal sealed class EmbeddedBroker : IAsyncDisposable
{
    private static readonly Gauge Clients = Metrics.CreateGauge("broker_connected_clients", "Clients connected to the broker, as the broker says.");

    private readonly MqttServer _server;
    private int _clients;

    private EmbeddedBroker(MqttServer server, int port) => (_server, Port) = (server, port);

    public int Port { get; }

    public static async Task<EmbeddedBroker> StartAsync(string address, int port)
    {
        var chosen = port == 0 ? FreePort.Find() : port;
        var options = new MqttServerOptionsBuilder()
            .WithDefaultEndpoint()
            .WithDefaultEndpointBoundIPAddress(IPAddress.Parse(address))
            .WithDefaultEndpointBoundIPV6Address(IPAddress.None)
            .WithDefaultEndpointPort(chosen)
            .WithPersistentSessions()
            // Acknowledged messages wait here for a slow consumer; the default would drop the oldest after 250.
            .WithMaxPendingMessagesPerClient(1_000_000)
            .WithPendingMessagesOverflowStrategy(MqttPendingMessagesOverflowStrategy.DropNewMessage)
            .Build();
        var broker = new EmbeddedBroker(new MqttServerFactory().CreateMqttServer(options), chosen);
        broker._server.ClientConnectedAsync += _ => broker.Count(1);
        broker._server.ClientDisconnectedAsync += _ => broker.Count(-1);
        try
        {
            await broker._server.StartAsync();
        }
        catch (System.Net.Sockets.SocketException error)
        {
            throw new IOException($"the embedded broker cannot listen on {address}:{chosen}: {error.Message}; choose another with --mqtt-port (0 = any free one)", error);
        }

        return broker;
    }

    public async ValueTask DisposeAsync()
    {
        await _server.StopAsync();
        _server.Dispose();
    }

    private Task Count(int change)
    {
        Clients.Set(Interlocked.Add(ref _clients, change));
        return Task.CompletedTask;
    }
}
