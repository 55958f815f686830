namespace OeeOrleans.Broker;

/// <summary>
/// The bytes of a connection on their way to whoever decodes them: the length that a packet announces (MQTT 5, 2.1.4) is looked at before
/// anybody makes room for it. The first packet is a CONNECT of somebody who is not known yet. Reads a little ahead, which saves system
/// calls.
/// </summary>
internal sealed class PacketLimitStream(Stream inner) : Stream
{
    /// <summary>A client id, a will, a user name and a password.</summary>
    public const int MaxFirst = 64 << 10;

    /// <summary>As ingress takes it.</summary>
    public const int MaxPacket = 16 << 20;

    private const int ReadAhead = 2 << 10;

    private readonly byte[] _ahead = new byte[ReadAhead];
    private int _from;
    private int _to;
    private int _limit = MaxFirst;

    /// <summary>Bytes of the present packet that are to come; -1: its first byte is next, -2: its length is.</summary>
    private int _left = AtType;
    private int _length;
    private int _shift;

    private const int AtType = -1;
    private const int AtLength = -2;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <exception cref="IOException">A packet is larger than it may be.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        int count;
        if (_from < _to || buffer.Length < ReadAhead)
        {
            if (_from == _to)
            {
                (_from, _to) = (0, await inner.ReadAsync(_ahead, cancellationToken));
                if (_to == 0) return 0;
            }

            count = Math.Min(buffer.Length, _to - _from);
            _ahead.AsMemory(_from, count).CopyTo(buffer);
            _from += count;
        }
        else
        {
            count = await inner.ReadAsync(buffer, cancellationToken);
        }

        Follow(buffer.Span[..count]);
        return count;
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        inner.WriteAsync(buffer, cancellationToken);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        inner.WriteAsync(buffer, offset, count, cancellationToken);

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override void Flush() => inner.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing) inner.Dispose();
        base.Dispose(disposing);
    }

    /// <summary>Goes from packet to packet; only lengths are looked at.</summary>
    private void Follow(ReadOnlySpan<byte> bytes)
    {
        while (bytes.Length > 0)
        {
            if (_left > 0)
            {
                var skipped = Math.Min(_left, bytes.Length);
                _left -= skipped;
                bytes = bytes[skipped..];
                if (_left == 0) _left = AtType;
                continue;
            }

            if (_left == AtType) (_left, _length, _shift) = (AtLength, 0, 0);
            else Length7(bytes[0]);
            bytes = bytes[1..];
        }
    }

    /// <summary>Seven bits of the length, and whether more follow.</summary>
    private void Length7(byte value)
    {
        _length |= (value & 0x7F) << _shift;
        _shift += 7;
        if (_length > _limit) throw new IOException($"a packet of {_length} bytes or more; {_limit} is the most");
        if ((value & 0x80) != 0)
        {
            if (_shift > 21) throw new IOException("the length of a packet goes on for more than four bytes");
            return;
        }

        _left = _length > 0 ? _length : AtType;
        _limit = MaxPacket;
    }
}
