using System.Net;
using System.Net.Sockets;

namespace OeeOrleans.Ingress.Tests;

/// <summary>
/// Stands before a broker and answers a CONNECT of MQTT 5 as brokers did that only know 3.1.1: return code 1, unacceptable protocol version
/// (MQTT 3.1.1, 3.2.2.3).
/// </summary>
internal sealed class OldBrokerProxy : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly int _target;

    public OldBrokerProxy(int target)
    {
        _target = target;
        _listener.Start();
        _ = AcceptAsync();
    }

    public string Url => $"mqtt://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}";

    public int Refused { get; private set; }

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Stop();
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            TcpClient client;
            try
            {
                client = await _listener.AcceptTcpClientAsync(_stop.Token);
            }
            catch (Exception error) when (error is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }

            _ = ServeAsync(client);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        using (var broker = new TcpClient())
        {
            var first = new byte[4096];
            var length = await client.GetStream().ReadAsync(first, _stop.Token);
            // Fixed header of two bytes, then the string "MQTT" with its length, then the protocol level.
            if (length > 8 && first[8] == 5)
            {
                Refused++;
                await client.GetStream().WriteAsync(new byte[] { 0x20, 0x02, 0x00, 0x01 }, _stop.Token);
                return;
            }

            await broker.ConnectAsync(IPAddress.Loopback, _target, _stop.Token);
            await broker.GetStream().WriteAsync(first.AsMemory(0, length), _stop.Token);
            await Task.WhenAny(
                client.GetStream().CopyToAsync(broker.GetStream(), _stop.Token),
                broker.GetStream().CopyToAsync(client.GetStream(), _stop.Token));
        }
    }
}
