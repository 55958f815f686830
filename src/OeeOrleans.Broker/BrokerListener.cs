using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using MQTTnet.Adapter;
using MQTTnet.Diagnostics.Logger;
using MQTTnet.Formatter;
using MQTTnet.Implementations;
using MQTTnet.Server;

namespace OeeOrleans.Broker;

/// <summary>
/// Where the broker listens. MQTTnet's own listener makes room for whatever a stranger announces (256 MB) and waits long for it, so ours
/// bounds connections, handshakes and packets.
/// </summary>
internal sealed class BrokerListener(IPEndPoint plain, BrokerTls? tls, ILogger log) : IMqttServerAdapter
{
    private const int MaxConnections = 20_000;
    private const int Backlog = 1_000;

    private static readonly TimeSpan HandshakeLimit = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan SayEvery = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Breath = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource _stop = new();
    private readonly List<Socket> _listening = [];
    private readonly List<Task> _accepting = [];
    private MqttServerOptions _options = null!;
    private IMqttNetLogger _mqttLog = null!;
    private int _strangers;
    private long _saidAt;

    public Func<IMqttChannelAdapter, Task>? ClientHandler { get; set; }

    /// <exception cref="SocketException">A port is taken.</exception>
    public Task StartAsync(MqttServerOptions options, IMqttNetLogger logger)
    {
        (_options, _mqttLog) = (options, logger);
        Listen(plain, null);
        if (tls is not null) Listen(new IPEndPoint(tls.Address, tls.Port), tls);
        return Task.CompletedTask;
    }

    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        foreach (var socket in _listening) socket.Dispose();
        await Task.WhenAll(_accepting);
    }

    public void Dispose()
    {
        foreach (var socket in _listening) socket.Dispose();
        _stop.Dispose();
    }

    private void Listen(IPEndPoint at, BrokerTls? secured)
    {
        var socket = new Socket(at.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        _listening.Add(socket);
        socket.Bind(at);
        socket.Listen(Backlog);
        _accepting.Add(Task.Run(() => AcceptAsync(socket, secured)));
    }

    private async Task AcceptAsync(Socket listening, BrokerTls? secured)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var socket = await listening.AcceptAsync(_stop.Token);
                // Our own ingress comes over the plain listener, and must find room whoever crowds at the other.
                if (secured is not null && Interlocked.Increment(ref _strangers) > MaxConnections)
                {
                    Interlocked.Decrement(ref _strangers);
                    socket.Dispose();
                    SayFull();
                    continue;
                }

                _ = Task.Run(() => ServeAsync(socket, secured));
            }
            catch (Exception error) when (error is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
            catch (SocketException error)
            {
                // One that was gone before it was here; or no descriptors left, which is waited for.
                Log.NotAccepted(log, error.Message);
                await Task.Delay(Breath, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private async Task ServeAsync(Socket socket, BrokerTls? secured)
    {
        var remote = socket.RemoteEndPoint;
        try
        {
            socket.NoDelay = true;
            Stream stream = new NetworkStream(socket, ownsSocket: true);
            await using (stream.ConfigureAwait(false))
            {
                X509Certificate2? certificate = null;
                if (secured is not null)
                {
                    var encrypted = new SslStream(stream, leaveInnerStreamOpen: false);
                    stream = encrypted;
                    using var limit = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
                    limit.CancelAfter(HandshakeLimit);
                    await encrypted.AuthenticateAsServerAsync(secured.Options(), limit.Token);
                    certificate = encrypted.RemoteCertificate as X509Certificate2;
                }

                using var adapter = new MqttChannelAdapter(
                    new MqttTcpChannel(new PacketLimitStream(stream), socket.LocalEndPoint, remote, certificate),
                    new MqttPacketFormatterAdapter(new MqttBufferWriter(_options.WriterBufferSize, _options.WriterBufferSizeMax)),
                    _mqttLog);
                if (ClientHandler is { } handle) await handle(adapter);
            }
        }
        catch (Exception error) when (error is IOException or SocketException or OperationCanceledException or ObjectDisposedException
            or System.Security.Authentication.AuthenticationException)
        {
            Log.ConnectionBroke(log, remote?.ToString() ?? "unknown", error.Message);
        }
        catch (Exception error)
        {
            // A boundary: one connection must not end the others.
            Log.ConnectionFailed(log, remote?.ToString() ?? "unknown", error);
        }
        finally
        {
            socket.Dispose();
            if (secured is not null) Interlocked.Decrement(ref _strangers);
        }
    }

    private void SayFull()
    {
        var now = Environment.TickCount64;
        if (now - Interlocked.Read(ref _saidAt) < SayEvery.TotalMilliseconds) return;
        Interlocked.Exchange(ref _saidAt, now);
        Log.Full(log, MaxConnections);
    }
}
