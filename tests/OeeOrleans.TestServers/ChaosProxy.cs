using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;

namespace OeeOrleans.TestServers;

/// <summary>A TCP proxy that is a bad network: it can be cut, it delays, and it loses: what is lost is sent again after a retransmission
/// timeout, as TCP does, and holds up all that comes behind it.</summary>
public sealed class ChaosProxy : IAsyncDisposable
{
    private static readonly TimeSpan Retransmission = TimeSpan.FromMilliseconds(600);

    private readonly TcpListener _listener;
    private readonly int _target;
    private readonly CancellationTokenSource _stop = new();
    private readonly Random _random = new(17);
    private readonly Lock _lock = new();
    private readonly List<Socket> _sockets = [];
    private readonly Task _accepting;
    private bool _cut;

    public ChaosProxy(int targetPort)
    {
        _target = targetPort;
        _listener = new TcpListener(IPAddress.Loopback, 0);
        _listener.Start();
        _accepting = Task.Run(AcceptAsync);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>One way.</summary>
    public TimeSpan Delay { get; set; }

    /// <summary>Part of the chunks that are lost at the first attempt, 0..1.</summary>
    public double Loss { get; set; }

    /// <summary>A pulled plug: connections stay, and nothing comes through; what was sent meanwhile is gone for good.</summary>
    public bool IsFrozen { get; set; }

    /// <summary>Cuts the wire: connections break, new ones are not made.</summary>
    public void Cut()
    {
        lock (_lock)
        {
            _cut = true;
            foreach (var socket in _sockets) socket.Dispose();
            _sockets.Clear();
        }
    }

    public void Mend()
    {
        lock (_lock) _cut = false;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        Cut();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var near = await _listener.AcceptSocketAsync(_stop.Token);
                var far = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                near.NoDelay = true;
                lock (_lock)
                {
                    if (_cut)
                    {
                        near.Dispose();
                        far.Dispose();
                        continue;
                    }

                    _sockets.AddRange([near, far]);
                }

                await far.ConnectAsync(IPAddress.Loopback, _target, _stop.Token);
                _ = PumpAsync(near, far);
                _ = PumpAsync(far, near);
            }
            catch (Exception error) when (error is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // The target is down, or the test is over: the next connection decides.
                if (_stop.IsCancellationRequested) return;
            }
        }
    }

    private async Task PumpAsync(Socket from, Socket to)
    {
        var line = Channel.CreateBounded<(byte[] Bytes, DateTime Due)>(1000);
        var writing = Task.Run(async () =>
        {
            await foreach (var (bytes, due) in line.Reader.ReadAllAsync(_stop.Token))
            {
                var wait = due - DateTime.UtcNow;
                if (wait > TimeSpan.Zero) await Task.Delay(wait, _stop.Token);
                for (var sent = 0; sent < bytes.Length;) sent += await to.SendAsync(bytes.AsMemory(sent), _stop.Token);
            }
        });
        try
        {
            var buffer = new byte[16 * 1024];
            while (await from.ReceiveAsync(buffer, _stop.Token) is var count and > 0)
            {
                if (IsFrozen) continue;
                bool lost;
                lock (_lock) lost = _random.NextDouble() < Loss;
                await line.Writer.WriteAsync(
                    (buffer[..count], DateTime.UtcNow + Delay + (lost ? Retransmission : TimeSpan.Zero)), _stop.Token);
            }

            line.Writer.Complete();
            await writing;
        }
        catch (Exception error) when (error is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // A broken wire is what this is for; both ends learn of it.
            line.Writer.TryComplete();
        }
        finally
        {
            from.Dispose();
            to.Dispose();
        }
    }
}
