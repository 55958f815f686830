namespace OeeOrleans.Edge.Queue;

/// <summary>PUBACKs come in any order; the queue is released up to the first record that is still open.</summary>
internal sealed class AckTracker
{
    private readonly SortedSet<ulong> _done = [];
    private readonly Lock _lock = new();

    /// <summary>The lowest number that nobody was told to release.</summary>
    private ulong _next;

    /// <summary>A record was acknowledged.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="first">The lowest number that is not released.</param>
    /// <returns>Up to where everything is acknowledged; 0 when nothing more is.</returns>
    public ulong Acknowledged(ulong number, ulong first)
    {
        lock (_lock)
        {
            // What is being released just now is not open any more, though the queue may still say so: two acknowledgements at once.
            if (_next < first) _next = first;
            if (number >= _next) _done.Add(number);
            while (_done.Count > 0 && _done.Min < _next) _done.Remove(_done.Min);
            var before = _next;
            while (_done.Remove(_next)) _next++;
            return _next > before ? _next - 1 : 0;
        }
    }

    /// <summary>The connection is gone: what it had acknowledged counts, what was open is sent again.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            _done.Clear();
            _next = 0;
        }
    }
}
