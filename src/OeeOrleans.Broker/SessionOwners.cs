namespace OeeOrleans.Broker;

/// <summary>
/// Whose a session is: it may be taken up again by whoever publishes as the same nodes, or, of those who only listen, by the same one.
/// Whoever publishes takes an id from one who only listens: nobody can keep an edge node out by coming first. Safe for concurrent use.
/// </summary>
internal sealed class SessionOwners(TimeProvider clock)
{
    /// <summary>Sessions of one who only listens; of an edge's key there are as many as edge nodes.</summary>
    internal const int MaxOfListener = 200;

    /// <summary>One of whom nothing came within this time never had a session.</summary>
    private static readonly TimeSpan Arriving = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, (string Owner, bool Publishes, long Since)> _owners = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _sessions = new(StringComparer.Ordinal);

    /// <summary>What became of asking for a session.</summary>
    internal enum Answer
    {
        Yes,
        /// <summary>Yes, when the session that is there has ended: it is one of somebody who only listens.</summary>
        YesInPlaceOfListener,
        Taken,
        TooMany,
    }

    public Answer Take(string clientId, string owner, bool publishes)
    {
        lock (_lock)
        {
            var answer = Answer.Yes;
            if (_owners.TryGetValue(clientId, out var known))
            {
                if (known.Owner == owner)
                {
                    _owners[clientId] = known with { Since = clock.GetTimestamp() };
                    return Answer.Yes;
                }

                if (known.Publishes || !publishes) return Answer.Taken;
                Leave(known.Owner);
                answer = Answer.YesInPlaceOfListener;
            }

            var sessions = _sessions.GetValueOrDefault(owner);
            if (!publishes && sessions >= MaxOfListener) return Answer.TooMany;
            _sessions[owner] = sessions + 1;
            _owners[clientId] = (owner, publishes, clock.GetTimestamp());
            return answer;
        }
    }

    /// <summary>A session ended; it is somebody else's by now when its owner is another one.</summary>
    public void End(string clientId, string owner)
    {
        lock (_lock)
        {
            if (!_owners.TryGetValue(clientId, out var known) || known.Owner != owner) return;
            _owners.Remove(clientId);
            Leave(owner);
        }
    }

    /// <summary>Forgets those who were let in and made no session; tells their client ids.</summary>
    public IReadOnlyList<string> Keep(IReadOnlySet<string> sessions)
    {
        lock (_lock)
        {
            var gone = _owners.Where(o => !sessions.Contains(o.Key) && clock.GetElapsedTime(o.Value.Since) >= Arriving).ToList();
            foreach (var (clientId, known) in gone)
            {
                _owners.Remove(clientId);
                Leave(known.Owner);
            }

            return [.. gone.Select(g => g.Key)];
        }
    }

    private void Leave(string owner)
    {
        if (_sessions.GetValueOrDefault(owner) is > 1 and var left) _sessions[owner] = left - 1;
        else _sessions.Remove(owner);
    }
}
