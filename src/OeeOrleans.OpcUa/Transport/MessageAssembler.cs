using System.Buffers;

namespace OeeOrleans.OpcUa.Transport;

/// <summary>Puts the chunks of answers together again. What lies half-finished is bounded over all of them.</summary>
internal sealed class MessageAssembler(int maxMessage)
{
    private readonly Dictionary<uint, Partial> _partial = [];
    private long _held;

    /// <summary>Adds a chunk that is not the only one of its message; true when that was the last, and the message is whole.</summary>
    /// <exception cref="OpcUaException">More than the limits allow.</exception>
    public bool Add(uint requestId, ReadOnlySpan<byte> body, bool final, out ReceivedMessage message)
    {
        message = default;
        if (!_partial.TryGetValue(requestId, out var partial))
        {
            partial = new Partial(ArrayPool<byte>.Shared.Rent(Math.Max(body.Length * 2, 1024)));
            _partial[requestId] = partial;
        }

        _held += body.Length;
        if (++partial.Chunks > TransportLimits.MaxResponseChunks || _held > maxMessage)
        {
            throw new OpcUaException(
                StatusCodes.BadResponseTooLarge,
                $"an answer of more than {maxMessage} bytes or {TransportLimits.MaxResponseChunks} chunks; ask for less, or allow more "
                    + $"by MaxMessageSize");
        }

        partial.Add(body);
        if (!final) return false;
        _partial.Remove(requestId);
        _held -= partial.Length;
        message = new ReceivedMessage(partial.Buffer, 0, partial.Length);
        return true;
    }

    public bool Has(uint requestId) => _partial.ContainsKey(requestId);

    /// <summary>Forgets what came of a message: its sender gave up, or nobody waits for it.</summary>
    public void Drop(uint requestId)
    {
        if (!_partial.Remove(requestId, out var partial)) return;
        _held -= partial.Length;
        ArrayPool<byte>.Shared.Return(partial.Buffer);
    }

    public void Clear()
    {
        foreach (var requestId in _partial.Keys.ToList()) Drop(requestId);
    }

    private sealed class Partial(byte[] buffer)
    {
        public byte[] Buffer { get; private set; } = buffer;

        public int Length { get; private set; }

        public int Chunks { get; set; }

        public void Add(ReadOnlySpan<byte> body)
        {
            if (Buffer.Length - Length < body.Length)
            {
                var larger = ArrayPool<byte>.Shared.Rent(Math.Max(Buffer.Length * 2, Length + body.Length));
                Buffer.AsSpan(0, Length).CopyTo(larger);
                ArrayPool<byte>.Shared.Return(Buffer);
                Buffer = larger;
            }

            body.CopyTo(Buffer.AsSpan(Length));
            Length += body.Length;
        }
    }
}
