using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;

namespace OeeOrleans.Cip.Wire;

/// <summary>An encapsulated message that came, in a rented buffer; whoever took it returns it.</summary>
internal readonly struct EipFrame(byte[] buffer, int length) : IDisposable
{
    public ushort Command => BinaryPrimitives.ReadUInt16LittleEndian(buffer);

    public uint Session => BinaryPrimitives.ReadUInt32LittleEndian(buffer.AsSpan(4));

    public uint Status => BinaryPrimitives.ReadUInt32LittleEndian(buffer.AsSpan(8));

    public ulong Context => BinaryPrimitives.ReadUInt64LittleEndian(buffer.AsSpan(Eip.ContextAt));

    public ReadOnlySpan<byte> Payload => buffer.AsSpan(Eip.Header, length - Eip.Header);

    public byte[] Buffer => buffer;

    public ReadOnlySpan<byte> Whole => buffer.AsSpan(0, length);

    public void Dispose() => ArrayPool<byte>.Shared.Return(buffer);
}

/// <summary>A socket on which whole encapsulated messages go out and come in.</summary>
internal sealed class EipTransport : IDisposable
{
    /// <summary>Bytes of a message at most: the encapsulation's length has 16 bits.</summary>
    private const int LargestFrame = Eip.Header + 65_535;
    private const int ReceiveBuffer = 131_072;

    private readonly Socket _socket;
    private readonly string _name;
    private readonly byte[] _received = new byte[ReceiveBuffer];
    private int _from;
    private int _to;

    private EipTransport(Socket socket, string name) => (_socket, _name) = (socket, name);

    /// <exception cref="CipException">There is nobody.</exception>
    public static async Task<EipTransport> ConnectAsync(CipClientOptions options, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(options.Host, options.Port, cancellationToken).ConfigureAwait(false);
        }
        catch (SocketException error)
        {
            socket.Dispose();
            throw new CipException(
                CipFailure.NotConnected,
                $"cannot connect to {options.Host}:{options.Port}: {error.Message}; is the controller on, and the address right?", error);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        return new EipTransport(socket, options.Name);
    }

    /// <summary>At once: closing waits for nobody.</summary>
    public void Dispose() => _socket.Close(0);

    /// <summary>Ends it in order, so that what was sent last still goes out.</summary>
    public void Shutdown()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            // The other side was faster.
            return;
        }
    }

    public async ValueTask SendAsync(ReadOnlyMemory<byte> frame, CancellationToken cancellationToken)
    {
        try
        {
            while (frame.Length > 0)
            {
                frame = frame[await _socket.SendAsync(frame, SocketFlags.None, cancellationToken).ConfigureAwait(false)..];
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            throw Lost($"the connection was lost: {error.Message}", error);
        }
    }

    /// <summary>The next message.</summary>
    /// <exception cref="CipException">The connection ended.</exception>
    public async ValueTask<EipFrame> ReceiveAsync(CancellationToken cancellationToken)
    {
        await FillAsync(Eip.Header, cancellationToken).ConfigureAwait(false);
        var length = Eip.Header + BinaryPrimitives.ReadUInt16LittleEndian(_received.AsSpan(_from + 2));
        await FillAsync(length, cancellationToken).ConfigureAwait(false);
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        _received.AsSpan(_from, length).CopyTo(buffer);
        _from += length;
        return new EipFrame(buffer, length);
    }

    private async ValueTask FillAsync(int length, CancellationToken cancellationToken)
    {
        if (_from + Math.Max(length, Eip.Header) > _received.Length - LargestFrame && _from > 0)
        {
            _received.AsSpan(_from, _to - _from).CopyTo(_received);
            (_from, _to) = (0, _to - _from);
        }

        while (_to - _from < length)
        {
            int read;
            try
            {
                read = await _socket.ReceiveAsync(_received.AsMemory(_to), SocketFlags.None, cancellationToken).ConfigureAwait(false);
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException)
            {
                throw Lost($"the connection was lost: {error.Message}", error);
            }

            if (read == 0) throw Lost("the controller closed the connection");
            _to += read;
        }
    }

    private CipException Lost(string what, Exception? inner = null) => new(CipFailure.NotConnected, $"{_name}: {what}", inner);
}
