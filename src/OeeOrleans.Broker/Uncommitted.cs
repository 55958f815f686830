namespace OeeOrleans.Broker;

/// <summary>
/// What ingress was given and has not acknowledged: by number, how many of its sessions still have to, to which it was sent, and how large
/// it is. Safe for concurrent use.
/// </summary>
internal sealed class Uncommitted
{
    private readonly Dictionary<ulong, (int Readers, int Bytes, string? SentTo)> _awaited = [];
    private readonly Lock _lock = new();
    private long _bytes;

    public long Bytes => Interlocked.Read(ref _bytes);

    public void Add(ulong number, int readers, int bytes)
    {
        lock (_lock) _awaited[number] = (readers, bytes, null);
        Interlocked.Add(ref _bytes, bytes);
    }

    /// <summary>
    /// Notes that a session is sent a message; true when it was before. Publishers are let go in any order, so numbers do not tell.
    /// </summary>
    public bool WasSent(ulong number, string session)
    {
        lock (_lock)
        {
            // Not awaited any more: acknowledged by all, so sent.
            if (!_awaited.TryGetValue(number, out var left)) return true;
            if (left.SentTo is { } to && to.Split('\n').Contains(session)) return true;
            _awaited[number] = left with { SentTo = left.SentTo is null ? session : $"{left.SentTo}\n{session}" };
            return false;
        }
    }

    /// <summary>One session acknowledged; true when it was the last one.</summary>
    public bool Acknowledged(ulong number)
    {
        lock (_lock)
        {
            if (!_awaited.TryGetValue(number, out var left)) return false;
            if (left.Readers > 1)
            {
                _awaited[number] = left with { Readers = left.Readers - 1 };
                return false;
            }

            _awaited.Remove(number);
            Interlocked.Add(ref _bytes, -left.Bytes);
            return true;
        }
    }
}
