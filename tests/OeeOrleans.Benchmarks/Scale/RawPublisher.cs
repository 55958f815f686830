using System.Buffers;
using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace OeeOrleans.Benchmarks.Scale;

/// <summary>
/// The cheapest MQTT 3.1.1 publisher there is: packets are written into a buffer, the buffer into a socket, and PUBACKs are counted. So
/// what is measured beside it is the system and not the load.
/// </summary>
internal sealed class RawPublisher : IAsyncDisposable
{
    private readonly TcpClient _client = new() { NoDelay = true };
    private readonly ArrayBufferWriter<byte> _buffer = new(1 << 16);
    private Task _reading = Task.CompletedTask;
    private ushort _packetId;
    private long _acknowledged;

    public long Published { get; private set; }

    public long Acknowledged => Interlocked.Read(ref _acknowledged);

    public static async Task<RawPublisher> ConnectAsync(string host, int port, string clientId)
    {
        var publisher = new RawPublisher();
        await publisher._client.ConnectAsync(host, port);
        publisher.WriteConnect(clientId);
        await publisher.FlushAsync();
        var connack = new byte[4];
        await publisher._client.GetStream().ReadExactlyAsync(connack);
        if (connack[3] != 0) throw new InvalidOperationException($"the broker refuses the connection with {connack[3]}");
        publisher._reading = Task.Run(publisher.CountAsync);
        return publisher;
    }

    /// <summary>Buffers one message of QoS 1 (MQTT 3.1.1, 3.3).</summary>
    public void Publish(ReadOnlySpan<byte> topic, ReadOnlySpan<byte> payload)
    {
        if (++_packetId == 0) _packetId = 1;
        Header(0x32, 2 + topic.Length + 2 + payload.Length);
        Text(topic);
        Number(_packetId);
        _buffer.Write(payload);
        Published++;
    }

    public async Task FlushAsync()
    {
        if (_buffer.WrittenCount == 0) return;
        await _client.GetStream().WriteAsync(_buffer.WrittenMemory);
        _buffer.ResetWrittenCount();
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _reading;
    }

    private void WriteConnect(string clientId)
    {
        Header(0x10, 10 + 2 + clientId.Length);
        Text("MQTT"u8);
        _buffer.Write((ReadOnlySpan<byte>)[4, 2, 0, 0]);
        Text(Encoding.ASCII.GetBytes(clientId));
    }

    private async Task CountAsync()
    {
        // Only PUBACKs come (four bytes each), so bytes tell how many there are.
        var bytes = new byte[1 << 14];
        long total = 0;
        try
        {
            while (await _client.GetStream().ReadAsync(bytes) is > 0 and var read)
            {
                total += read;
                Interlocked.Exchange(ref _acknowledged, total / 4);
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException or InvalidOperationException)
        {
            // The end of the run.
            return;
        }
    }

    private void Header(byte type, int length)
    {
        Byte(type);
        do
        {
            var digit = (byte)(length & 0x7F);
            length >>= 7;
            Byte(length > 0 ? (byte)(digit | 0x80) : digit);
        }
        while (length > 0);
    }

    private void Byte(byte value)
    {
        _buffer.GetSpan(1)[0] = value;
        _buffer.Advance(1);
    }

    private void Text(ReadOnlySpan<byte> text)
    {
        Number((ushort)text.Length);
        _buffer.Write(text);
    }

    private void Number(ushort number)
    {
        BinaryPrimitives.WriteUInt16BigEndian(_buffer.GetSpan(2), number);
        _buffer.Advance(2);
    }
}
