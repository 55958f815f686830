namespace OeeOrleans.Edge.Sources.OpcUa;

/// <summary>
/// Values between the subscription and the queue on disk. What was offered is kept until it is durable; when more waits than there is room
/// for, whoever brings more waits.
/// </summary>
internal sealed class PendingValues(int capacity)
{
    private readonly Lock _lock = new();
    private List<SourceValue> _waiting = [];
    private List<SourceValue> _offered = [];
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

    /// <summary>Adds values; done when there is room for more.</summary>
    public ValueTask AddAsync(ReadOnlySpan<SourceValue> values, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            foreach (var value in values) _waiting.Add(value);
            _arrived.TrySetResult();
            _arrived = NewSource();
            if (_waiting.Count + _offered.Count < capacity) return ValueTask.CompletedTask;
            _room ??= NewSource();
            return new ValueTask(_room.Task.WaitAsync(cancellationToken));
        }
    }

    /// <summary>All that waits, and what was offered before and did not become durable.</summary>
    public void Offer(List<SourceValue> into)
    {
        lock (_lock)
        {
            if (_offered.Count == 0) (_offered, _waiting) = (_waiting, _offered);
            else
            {
                _offered.AddRange(_waiting);
                _waiting.Clear();
            }

            into.AddRange(_offered);
        }
    }

    /// <summary>What was offered is durable.</summary>
    public void Stored()
    {
        lock (_lock)
        {
            _offered.Clear();
            if (_waiting.Count < capacity)
            {
                _room?.TrySetResult();
                _room = null;
            }
        }
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
