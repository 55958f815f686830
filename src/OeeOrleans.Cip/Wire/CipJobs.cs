using System.Diagnostics;

namespace OeeOrleans.Cip.Wire;

/// <summary>Requests under way, and which of them an answer belongs to.</summary>
internal sealed class CipJobs
{
    /// <summary>Time limits that one answer may stay away while others come.</summary>
    private const int Patience = 5;

    private readonly List<CipJob> _running = [];
    private readonly Stack<CipJob> _idle = [];
    private readonly Lock _lock = new();
    private CipException? _end;
    private ulong _context;
    private ushort _sequence;

    /// <summary>Whether answers say which they are; null: not known yet.</summary>
    private bool? _tellsSequence;
    private bool? _tellsContext;

    /// <summary>When the last answer came, by the stopwatch.</summary>
    private long _answeredAt = Stopwatch.GetTimestamp();

    /// <summary>No answer came yet that did not say which it is: several may be under way.</summary>
    public bool AreTold
    {
        get
        {
            lock (_lock) return _tellsSequence is not false && _tellsContext is not false;
        }
    }

    /// <exception cref="CipException">The session is over.</exception>
    public CipJob Begin(byte service, bool isConnected)
    {
        lock (_lock)
        {
            if (_end is { } end) throw new CipException(end.Failure, end.Message, end);
            var job = _idle.Count > 0 ? _idle.Pop() : new CipJob(Free);
            job.Begin(service, ++_context, isConnected ? ++_sequence : null);
            _running.Add(job);
            return job;
        }
    }

    /// <summary>
    /// By the sequence count of a connection, else by the context that the target must send back. Some simulators do neither: that shows
    /// with the first answer, when only one can be meant; then requests go one at a time.
    /// </summary>
    /// <returns>Null: nothing was asked that this answers.</returns>
    public CipJob? Take(bool isConnected, ulong context, ushort? sequence, byte service)
    {
        lock (_lock)
        {
            _answeredAt = Stopwatch.GetTimestamp();
            var index = isConnected
                ? _running.FindIndex(j => j.Sequence is not null && j.Sequence == sequence)
                : _running.FindIndex(j => j.Sequence is null && j.Context == context);
            ref var tells = ref isConnected ? ref _tellsSequence : ref _tellsContext;
            if (index >= 0) tells ??= true;
            if (index < 0 && tells is not true && _running.Count == 1 && _running[0].Sequence is not null == isConnected)
            {
                (index, tells) = (0, false);
            }

            if (index < 0) return null;
            var job = _running[index];
            // A route that fails answers for itself.
            var isAnswer = service == (job.Service | Eip.Reply) || (!isConnected && service == (Eip.UnconnectedSend | Eip.Reply));
            if (!isAnswer) return null;
            _running.RemoveAt(index);
            return job;
        }
    }

    /// <summary>An answer stays away.</summary>
    /// <param name="timeout">For an answer.</param>
    /// <param name="isQuiet">Nothing is under way, and was not for a while.</param>
    /// <param name="quietAfter">That while.</param>
    public bool IsOverdue(TimeSpan timeout, TimeSpan quietAfter, out bool isQuiet)
    {
        lock (_lock)
        {
            isQuiet = _running.Count == 0 && Stopwatch.GetElapsedTime(_answeredAt) > quietAfter;
            foreach (var job in _running)
            {
                // One that answers others is slow, and not away; but not for ever.
                var waited = Stopwatch.GetElapsedTime(job.SentAt);
                if (waited > Patience * timeout) return true;
                if (waited > timeout && Stopwatch.GetElapsedTime(_answeredAt) > timeout) return true;
            }
        }

        return false;
    }

    /// <summary>None is begun from now on, and those under way are handed over; null when that was said before.</summary>
    public IReadOnlyList<CipJob>? End(CipException error)
    {
        lock (_lock)
        {
            if (_end is not null) return null;
            _end = error;
            CipJob[] waiting = [.. _running];
            _running.Clear();
            return waiting;
        }
    }

    private void Free(CipJob job)
    {
        lock (_lock) _idle.Push(job);
    }
}
