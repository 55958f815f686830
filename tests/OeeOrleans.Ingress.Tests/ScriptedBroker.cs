using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace OeeOrleans.Ingress.Tests;

/// <summary>A broker that says what it is told to say, byte for byte, to the first who connects, and hears what that one says.</summary>
internal sealed class ScriptedBroker : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly MemoryStream _heard = new();
    private readonly Task<Stream> _accepted;
    private TcpClient? _client;
    private Task _said = Task.CompletedTask;

    /// <param name="certificate">With one it speaks TLS.</param>
    public ScriptedBroker(X509Certificate2? certificate = null)
    {
        _listener.Start();
        _accepted = AcceptAsync(certificate);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public byte[] Heard
    {
        get
        {
            lock (_heard) return _heard.ToArray();
        }
    }

    /// <summary>Says these as soon as somebody is there.</summary>
    public void SayToTheFirst(params byte[][] packets) => _said = SayAllAsync(packets);

    /// <summary>Says bytes, after what was to be said first, so many at a time.</summary>
    public async Task SayAsync(byte[] bytes, int atATime = int.MaxValue)
    {
        await _said;
        await WriteAsync(bytes, atATime);
    }

    /// <summary>Says nothing more. What it still hears is read: closing over that would take back what it has said.</summary>
    public async Task CloseAsync()
    {
        await _accepted;
        _client!.Client.Shutdown(SocketShutdown.Send);
    }

    /// <summary>Resets the connection: what was still to be read is gone.</summary>
    public async Task ResetAsync()
    {
        await _accepted;
        _client!.Client.Close(0);
    }

    public void Dispose()
    {
        _client?.Dispose();
        _listener.Dispose();
    }

    private async Task SayAllAsync(byte[][] packets)
    {
        foreach (var packet in packets) await WriteAsync(packet, packet.Length);
    }

    private async Task WriteAsync(byte[] bytes, int atATime)
    {
        var stream = await _accepted;
        foreach (var part in bytes.Chunk(Math.Min(atATime, bytes.Length))) await stream.WriteAsync(part);
    }

    private async Task<Stream> AcceptAsync(X509Certificate2? certificate)
    {
        _client = await _listener.AcceptTcpClientAsync();
        _client.NoDelay = true;
        Stream stream = _client.GetStream();
        if (certificate is not null)
        {
            var secure = new SslStream(stream);
            await secure.AuthenticateAsServerAsync(certificate);
            stream = secure;
        }

        _ = ListenAsync(stream);
        return stream;
    }

    private async Task ListenAsync(Stream stream)
    {
        var bytes = new byte[4096];
        try
        {
            while (await stream.ReadAsync(bytes) is > 0 and var read)
            {
                lock (_heard) _heard.Write(bytes, 0, read);
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // The other side is gone.
            return;
        }
    }
}
