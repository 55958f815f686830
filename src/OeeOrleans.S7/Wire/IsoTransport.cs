using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;

namespace OeeOrleans.S7.Wire;

/// <summary>ISO-on-TCP (RFC 1006): a socket on which whole PDUs go out and come in.</summary>
internal sealed class IsoTransport : IDisposable
{
    private const int ReceiveBuffer = 65_536;
    private const byte TpktVersion = 3;
    private const int SmallestTpdu = 128;
    private const byte TpduSizeCode = 0xC0;
    private const byte LocalTsapCode = 0xC1;
    private const byte RemoteTsapCode = 0xC2;
    private const byte Tpdu1024 = 0x0A;

    private readonly Socket _socket;
    private readonly string _name;
    private readonly byte[] _received = new byte[ReceiveBuffer];
    private int _from;
    private int _to;

    /// <summary>Bytes of a transport unit at most; a larger PDU goes in several.</summary>
    private int _tpdu = 1024;

    private IsoTransport(Socket socket, string name) => (_socket, _name) = (socket, name);

    /// <exception cref="S7Exception">There is no PLC, or it refuses the connection.</exception>
    public static async Task<IsoTransport> ConnectAsync(S7ClientOptions options, CancellationToken cancellationToken)
    {
        var name = $"{options.Host}:{options.Port}";
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(options.Host, options.Port, cancellationToken).ConfigureAwait(false);
        }
        catch (SocketException error)
        {
            socket.Dispose();
            throw new S7Exception(
                S7Failure.NotConnected, $"cannot connect to {name}: {error.Message}; is the PLC on, and the address right?", error);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        var transport = new IsoTransport(socket, name);
        try
        {
            await transport.OpenAsync(options, cancellationToken).ConfigureAwait(false);
            return transport;
        }
        catch
        {
            transport.Dispose();
            throw;
        }
    }

    /// <summary>At once: a PLC has few connections, and one that is closed slowly counts as taken.</summary>
    public void Dispose() => _socket.Close(0);

    /// <summary>Ends it in order: the PLC's place is free at once.</summary>
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

    /// <param name="frame">The PDU with <see cref="S7Pdu.Prefix"/> bytes of room in front.</param>
    public async ValueTask SendAsync(Memory<byte> frame, CancellationToken cancellationToken)
    {
        var most = _tpdu - S7Pdu.DataHeader;
        if (frame.Length - S7Pdu.Prefix <= most)
        {
            WritePrefix(frame.Span, frame.Length, isLast: true);
            await SendAllAsync(frame, cancellationToken).ConfigureAwait(false);
            return;
        }

        var part = new byte[_tpdu + S7Pdu.TpktLength];
        for (var rest = frame[S7Pdu.Prefix..]; rest.Length > 0;)
        {
            var length = Math.Min(most, rest.Length);
            rest[..length].CopyTo(part.AsMemory(S7Pdu.Prefix));
            rest = rest[length..];
            WritePrefix(part, length + S7Pdu.Prefix, isLast: rest.Length == 0);
            await SendAllAsync(part.AsMemory(0, length + S7Pdu.Prefix), cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>The next PDU, put together of its parts.</summary>
    /// <param name="most">Bytes of it at most.</param>
    /// <exception cref="S7Exception">The connection ended, or what comes is no S7.</exception>
    public async ValueTask<S7Answer> ReceiveAsync(int most, CancellationToken cancellationToken)
    {
        byte[]? pdu = null;
        var length = 0;
        try
        {
            while (true)
            {
                var (at, size) = await FrameAsync(cancellationToken).ConfigureAwait(false);
                var frame = _received.AsSpan(at, size);
                var header = frame[S7Pdu.TpktLength] + 1;
                var kind = header + S7Pdu.TpktLength > size ? (byte)0 : (byte)(frame[S7Pdu.TpktLength + 1] & 0xF0);
                if (kind == S7Pdu.DisconnectRequest) throw Lost("the PLC closed the connection");
                if (kind != S7Pdu.Data || header != S7Pdu.DataHeader) throw Wrong($"sends a transport unit of kind 0x{kind:X2}");
                var payload = frame[S7Pdu.Prefix..];
                if (length + payload.Length > most) throw Wrong($"sends a PDU of more than the {most} bytes that were agreed");
                pdu ??= ArrayPool<byte>.Shared.Rent(most);
                payload.CopyTo(pdu.AsSpan(length));
                length += payload.Length;
                // Empty parts without end would keep us for ever.
                if ((frame[S7Pdu.TpktLength + 2] & S7Pdu.EndOfTransmission) == 0)
                {
                    if (payload.Length == 0) throw Wrong("sends an empty part of a PDU");
                    continue;
                }

                var answer = new S7Answer(pdu, length);
                if (!answer.IsWhole) throw Wrong($"sends {length} bytes that are no S7 PDU");
                pdu = null;
                return answer;
            }
        }
        finally
        {
            if (pdu is not null) ArrayPool<byte>.Shared.Return(pdu);
        }
    }

    private static void WritePrefix(Span<byte> frame, int length, bool isLast)
    {
        (frame[0], frame[1]) = (TpktVersion, 0);
        BinaryPrimitives.WriteUInt16BigEndian(frame[2..], (ushort)length);
        (frame[4], frame[5], frame[6]) = (S7Pdu.DataHeader - 1, S7Pdu.Data, isLast ? S7Pdu.EndOfTransmission : (byte)0);
    }

    private async Task OpenAsync(S7ClientOptions options, CancellationToken cancellationToken)
    {
        var request = new byte[22];
        (request[0], request[3]) = (TpktVersion, (byte)request.Length);
        (request[4], request[5], request[9]) = (17, S7Pdu.ConnectionRequest, 1);
        (request[11], request[12], request[13]) = (TpduSizeCode, 1, Tpdu1024);
        (request[14], request[15]) = (LocalTsapCode, 2);
        BinaryPrimitives.WriteUInt16BigEndian(request.AsSpan(16), options.LocalTsap);
        (request[18], request[19]) = (RemoteTsapCode, 2);
        BinaryPrimitives.WriteUInt16BigEndian(request.AsSpan(20), options.Remote);
        await SendAllAsync(request, cancellationToken).ConfigureAwait(false);
        var (at, size) = await FrameAsync(cancellationToken).ConfigureAwait(false);
        Confirm(_received.AsSpan(at + S7Pdu.TpktLength, size - S7Pdu.TpktLength), options);
    }

    private void Confirm(ReadOnlySpan<byte> unit, S7ClientOptions options)
    {
        if (unit.Length < 2 || unit[0] + 1 > unit.Length) throw Wrong("answers the connection request with too few bytes");
        if ((unit[1] & 0xF0) == S7Pdu.DisconnectRequest)
        {
            throw new S7Exception(
                S7Failure.Refused, $"{_name} has nobody at rack {options.Rack}, slot {options.Slot} (TSAP 0x{options.Remote:X4}), or no "
                    + "connection left: try slot 1 for S7-1200 and 1500, 2 for 300 and 400, local_tsap and remote_tsap for LOGO!");
        }

        if ((unit[1] & 0xF0) != S7Pdu.ConnectionConfirm || unit[0] < 6) throw Wrong($"answers the connection request with 0x{unit[1]:X2}");
        for (var rest = unit[7..(unit[0] + 1)]; rest.Length >= 2 && rest.Length >= rest[1] + 2; rest = rest[(rest[1] + 2)..])
        {
            if (rest[0] == TpduSizeCode && rest[1] == 1) _tpdu = Math.Clamp(1 << Math.Min(rest[2], (byte)13), SmallestTpdu, 8192);
        }
    }

    /// <summary>The next frame in the buffer: where it begins, and its length.</summary>
    private async ValueTask<(int At, int Length)> FrameAsync(CancellationToken cancellationToken)
    {
        await FillAsync(S7Pdu.TpktLength, cancellationToken).ConfigureAwait(false);
        if (_received[_from] != TpktVersion) throw Wrong($"begins with 0x{_received[_from]:X2}, and ISO-on-TCP with 0x03");
        int length = BinaryPrimitives.ReadUInt16BigEndian(_received.AsSpan(_from + 2));
        if (length < S7Pdu.Prefix) throw Wrong($"sends a frame of {length} bytes");
        await FillAsync(length, cancellationToken).ConfigureAwait(false);
        var at = _from;
        _from += length;
        return (at, length);
    }

    private async ValueTask FillAsync(int length, CancellationToken cancellationToken)
    {
        if (_from + length > _received.Length)
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

            if (read == 0) throw Lost("the PLC closed the connection");
            _to += read;
        }
    }

    private async ValueTask SendAllAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellationToken)
    {
        try
        {
            while (bytes.Length > 0)
            {
                bytes = bytes[await _socket.SendAsync(bytes, SocketFlags.None, cancellationToken).ConfigureAwait(false)..];
            }
        }
        catch (Exception error) when (error is SocketException or ObjectDisposedException)
        {
            throw Lost($"the connection was lost: {error.Message}", error);
        }
    }

    private S7Exception Lost(string what, Exception? inner = null) => new(S7Failure.NotConnected, $"{_name}: {what}", inner);

    private S7Exception Wrong(string what) => new(S7Failure.Protocol, $"{_name} {what}; it speaks no S7, or wrongly");
}
