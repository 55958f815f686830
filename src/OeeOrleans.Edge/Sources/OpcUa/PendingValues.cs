using OeeOrleans.OpcUa;

namespace OeeOrleans.Edge.Sources.OpcUa;

/// <summary>What a pending value is.</summary>
internal enum PendingKind : byte
{
    Live,
    /// <summary>From the server's history: newer ones may have been told before.</summary>
    Historical,
    /// <summary>No value: all of a gap's are in front of it.</summary>
    GapEnd,
}

/// <summary>A value as the server told it; it becomes the published type when it is read.</summary>
/// <param name="Tag">Index of the tag.</param>
/// <param name="TimeMs">Its time, settled when it came: a value that tells none must not get another at each attempt.</param>
/// <param name="Value">As it came.</param>
/// <param name="Kind">What it is.</param>
internal readonly record struct PendingValue(int Tag, long TimeMs, DataValue Value, PendingKind Kind = PendingKind.Live);

/// <summary>
/// Values between the subscription and the queue on disk. What was offered is kept until it is durable; when there is no room, whoever
/// brings more waits.
/// </summary>
internal sealed class PendingValues(int capacity)
{
    private readonly Lock _lock = new();
    private List<PendingValue> _waiting = [];
    private List<PendingValue> _offered = [];
    private bool _isOffered;
    private TaskCompletionSource? _room;
    private TaskCompletionSource _arrived = NewSource();

    public int Count
    {
        get
        {
            lock (_lock) return _waiting.Count + _offered.Count;
        }
    }

    /// <summary>Completes with the next value that comes.</summary>
    public Task Arrived
    {
        get
        {
            lock (_lock) return _arrived.Task;
        }
    }

    /// <summary>Adds values as soon as there is room: all or, when it is cancelled, none.</summary>
    public async ValueTask AddAsync(ReadOnlyMemory<PendingValue> values, CancellationToken cancellationToken)
    {
        while (!TryAdd(values.Span, out var room)) await room.WaitAsync(cancellationToken);
    }

    /// <summary>Adds one whether there is room or not.</summary>
    public void Add(in PendingValue value)
    {
        lock (_lock)
        {
            _waiting.Add(value);
            Tell();
        }
    }

    /// <summary>A reading begins; until it offers something, there is nothing that could become durable by it.</summary>
    public void BeginReading()
    {
        lock (_lock) _isOffered = false;
    }

    /// <summary>All that waits, and what was offered before and did not become durable.</summary>
    public void Offer(List<PendingValue> into)
    {
        lock (_lock)
        {
            if (_offered.Count == 0) (_offered, _waiting) = (_waiting, _offered);
            else
            {
                _offered.AddRange(_waiting);
                _waiting.Clear();
            }

            _isOffered = true;
            into.AddRange(_offered);
        }
    }

    /// <summary>What this reading offered is durable; it is handed over for the last time.</summary>
    public void Stored(Action<PendingValue> note)
    {
        lock (_lock)
        {
            if (!_isOffered) return;
            foreach (var value in _offered) note(value);
            _offered.Clear();
            _isOffered = false;
            _room?.TrySetResult();
            _room = null;
        }
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private bool TryAdd(ReadOnlySpan<PendingValue> values, out Task room)
    {
        lock (_lock)
        {
            room = Task.CompletedTask;
            if (_waiting.Count + _offered.Count >= capacity)
            {
                room = (_room ??= NewSource()).Task;
                return false;
            }

            _waiting.AddRange(values);
            if (values.Length > 0) Tell();
            return true;
        }
    }

    private void Tell()
    {
        _arrived.TrySetResult();
        _arrived = NewSource();
    }
}
