namespace OeeOrleans.Edge.Queue;

/// <summary>PUBACKs come in any order; the queue is released up to the first record that is still open.</summary>
internal sealed class AckTracker
{
    private readonly SortedSet<ulong> _done = [];
    private readonly Lock _lock = new();

    /// <summary>A record was acknowledged.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="first">The lowest number that is not released.</param>
    /// <returns>Up to where everything is acknowledged; 0 when nothing more is.</returns>
    public ulong Acknowledged(ulong number, ulong first)
    {
        lock (_lock)
        {
            if (number >= first) _done.Add(number);
            while (_done.Count > 0 && _done.Min < first) _done.Remove(_done.Min);
            var mark = first - 1;
            while (_done.Remove(mark + 1)) mark++;
            return mark >= first ? mark : 0;
        }
    }

    /// <summary>The connection is gone: what it had acknowledged counts, what was open is sent again.</summary>
    public void Clear()
    {
        lock (_lock) _done.Clear();
    }
}
