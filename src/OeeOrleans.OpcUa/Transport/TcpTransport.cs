using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Text;
using OeeOrleans.OpcUa.Binary;

namespace OeeOrleans.OpcUa.Transport;

/// <summary>A frame of the connection: `HEL`, `ACK`, `ERR`, `OPN`, `MSG`, `CLO` with its chunk kind.</summary>
/// <param name="Type">Three letters, the first lowest.</param>
/// <param name="Kind">`F` final, `C` more follows, `A` aborted.</param>
/// <param name="Buffer">Rented; the frame with its header at the start. To be returned by whoever took it.</param>
/// <param name="Length">Bytes of it.</param>
internal readonly record struct Frame(uint Type, byte Kind, byte[] Buffer, int Length)
{
    public const int HeaderLength = 8;
    public const uint Hello = 'H' | 'E' << 8 | 'L' << 16;
    public const uint Acknowledge = 'A' | 'C' << 8 | 'K' << 16;
    public const uint Error = 'E' | 'R' << 8 | 'R' << 16;
    public const uint Open = 'O' | 'P' << 8 | 'N' << 16;
    public const uint Message = 'M' | 'S' << 8 | 'G' << 16;
    public const uint Close = 'C' | 'L' << 8 | 'O' << 16;
    public const byte Final = (byte)'F';
    public const byte Intermediate = (byte)'C';
    public const byte Aborted = (byte)'A';

    public Span<byte> Bytes => Buffer.AsSpan(0, Length);

    public void Return() => ArrayPool<byte>.Shared.Return(Buffer);
}

/// <summary>OPC UA TCP (OPC 10000-6, 7.1 and 7.2): a socket, the greeting, and whole frames in and out.</summary>
internal sealed class TcpTransport : IAsyncDisposable
{
    private const int MaxErrorText = 4096;

    private readonly Uri _url;
    private readonly Socket _socket;
    private readonly NetworkStream _stream;
    private readonly PipeReader _reader;

    private TcpTransport(Uri url, Socket socket)
    {
        (_url, _socket) = (url, socket);
        _stream = new NetworkStream(socket, ownsSocket: true);
        _reader = PipeReader.Create(_stream, new StreamPipeReaderOptions(bufferSize: 65_536, leaveOpen: true));
    }

    public TransportLimits Limits { get; private set; }

    /// <exception cref="OpcUaException">There is no server, or it refuses.</exception>
    public static async Task<TcpTransport> ConnectAsync(Uri url, int maxMessage, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(url.DnsSafeHost, url.Port > 0 ? url.Port : OpcUaUrl.DefaultPort, cancellationToken)
                .ConfigureAwait(false);
        }
        catch (SocketException error)
        {
            socket.Dispose();
            throw new OpcUaException(
                StatusCodes.BadNotConnected, $"cannot connect to {url}: {error.Message}; is the server running, and the host and port "
                    + "right?", error);
        }
        catch (OperationCanceledException)
        {
            socket.Dispose();
            throw;
        }

        var transport = new TcpTransport(url, socket);
        try
        {
            await transport.GreetAsync(maxMessage, cancellationToken).ConfigureAwait(false);
            return transport;
        }
        catch
        {
            await transport.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _reader.CompleteAsync().ConfigureAwait(false);
        await _stream.DisposeAsync().ConfigureAwait(false);
    }

    /// <summary>Cuts the connection at once: whoever reads or writes is told.</summary>
    public void Abort() => _socket.Close(0);

    public ValueTask SendAsync(ReadOnlyMemory<byte> frames, CancellationToken cancellationToken) =>
        _stream.WriteAsync(frames, cancellationToken);

    /// <summary>The next frame; an `ERR` is thrown.</summary>
    /// <exception cref="OpcUaException">The connection ended, or what comes is no OPC UA.</exception>
    public async ValueTask<Frame> ReceiveAsync(CancellationToken cancellationToken)
    {
        try
        {
            var result = await _reader.ReadAtLeastAsync(Frame.HeaderLength, cancellationToken).ConfigureAwait(false);
            if (result.Buffer.Length < Frame.HeaderLength) throw Ended();
            var (type, kind, length) = ReadHeader(result.Buffer);
            if (result.Buffer.Length < length)
            {
                _reader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
                result = await _reader.ReadAtLeastAsync(length, cancellationToken).ConfigureAwait(false);
                if (result.Buffer.Length < length) throw Ended();
            }

            var bytes = ArrayPool<byte>.Shared.Rent(length);
            var frame = result.Buffer.Slice(0, length);
            frame.CopyTo(bytes);
            _reader.AdvanceTo(frame.End);
            return type == Frame.Error ? throw Refusal(bytes, length) : new Frame(type, kind, bytes, length);
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException)
        {
            throw new OpcUaException(StatusCodes.BadConnectionClosed, $"the connection to {_url} was lost: {error.Message}", error);
        }
    }

    /// <summary>HEL and ACK (OPC 10000-6, 7.1.2.3 and 7.1.2.4).</summary>
    private async Task GreetAsync(int maxMessage, CancellationToken cancellationToken)
    {
        Limits = new TransportLimits(0, TransportLimits.OfferedBuffer, 0, 0);
        using var hello = new UaWriter();
        hello.UInt32(Frame.Hello | (uint)Frame.Final << 24);
        hello.UInt32(0);
        hello.UInt32(0);
        hello.UInt32(TransportLimits.OfferedBuffer);
        hello.UInt32(TransportLimits.OfferedBuffer);
        hello.UInt32((uint)maxMessage);
        hello.UInt32(TransportLimits.MaxResponseChunks);
        hello.String(_url.ToString());
        var bytes = hello.Written.ToArray();
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(4), bytes.Length);
        try
        {
            await SendAsync(bytes, cancellationToken).ConfigureAwait(false);
        }
        catch (IOException error)
        {
            throw new OpcUaException(StatusCodes.BadConnectionClosed, $"the connection to {_url} was lost: {error.Message}", error);
        }

        var answer = await ReceiveAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (answer.Type != Frame.Acknowledge) throw NotOpcUa(answer.Type);
            Limits = ReadAcknowledge(answer);
        }
        finally
        {
            answer.Return();
        }
    }

    private TransportLimits ReadAcknowledge(in Frame answer)
    {
        var reader = new UaReader(answer.Bytes[Frame.HeaderLength..]);
        reader.UInt32();
        var (receive, send, message, chunks) = (reader.UInt32(), reader.UInt32(), reader.UInt32(), reader.UInt32());
        if (receive < TransportLimits.SmallestBuffer || send < TransportLimits.SmallestBuffer || send > TransportLimits.OfferedBuffer)
        {
            throw new OpcUaException(
                StatusCodes.BadTcpInternalError,
                $"{_url} answers the greeting with buffers of {receive} and {send} bytes; {TransportLimits.SmallestBuffer} to "
                    + $"{TransportLimits.OfferedBuffer} are allowed (OPC 10000-6, 7.1.2.4)");
        }

        return new TransportLimits((int)Math.Min(receive, TransportLimits.OfferedBuffer), (int)send, message,
            (int)Math.Min(chunks, int.MaxValue));
    }

    private (uint Type, byte Kind, int Length) ReadHeader(in ReadOnlySequence<byte> buffer)
    {
        Span<byte> header = stackalloc byte[Frame.HeaderLength];
        buffer.Slice(0, Frame.HeaderLength).CopyTo(header);
        var type = BinaryPrimitives.ReadUInt32LittleEndian(header) & 0xFF_FFFF;
        var length = BinaryPrimitives.ReadUInt32LittleEndian(header[4..]);
        if (type is not (Frame.Message or Frame.Open or Frame.Close or Frame.Acknowledge or Frame.Error)) throw NotOpcUa(type);
        if (length < Frame.HeaderLength || length > Limits.ReceiveBuffer)
        {
            throw new OpcUaException(
                StatusCodes.BadTcpMessageTooLarge,
                $"{_url} sends a chunk of {length} bytes; {Frame.HeaderLength} to {Limits.ReceiveBuffer} were agreed");
        }

        return (type, header[3], (int)length);
    }

    private OpcUaException Refusal(byte[] bytes, int length)
    {
        try
        {
            var reader = new UaReader(bytes.AsSpan(Frame.HeaderLength, length - Frame.HeaderLength));
            var status = new StatusCode(reader.UInt32());
            var text = reader.String() ?? "";
            if (text.Length > MaxErrorText) text = text[..MaxErrorText];
            return new OpcUaException(status, $"{_url} ends the connection: "
                + $"{status.Name}{(text.Length > 0 ? $" ({text})" : "")}{Advice(status)}");
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(bytes);
        }
    }

    private static string Advice(StatusCode status) => status.Code switch
    {
        StatusCodes.BadTcpEndpointUrlInvalid => "; the path of the URL is not the one of an endpoint of this server",
        StatusCodes.BadSecurityChecksFailed or StatusCodes.BadCertificateUntrusted =>
            "; the server does not trust our certificate: move it on the server from its rejected to its trusted folder",
        StatusCodes.BadTcpServerTooBusy or StatusCodes.BadTcpNotEnoughResources => "; it has no room for another connection now",
        _ => "",
    };

    private OpcUaException Ended() => new(StatusCodes.BadConnectionClosed, $"{_url} closed the connection");

    private OpcUaException NotOpcUa(uint type)
    {
        Span<byte> letters = [(byte)type, (byte)(type >> 8), (byte)(type >> 16)];
        var text = Encoding.Latin1.GetString(letters);
        return new OpcUaException(
            StatusCodes.BadTcpMessageTypeInvalid, $"{_url} speaks no OPC UA: '{(text.All(char.IsAsciiLetterOrDigit) ? text : "?")}' is "
                + "no message of it");
    }
}
