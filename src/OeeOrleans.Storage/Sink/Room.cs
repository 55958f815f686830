namespace OeeOrleans.Storage.Sink;

/// <summary>Room for rows that wait: taken in the order of asking, given back by weight. Safe for concurrent use.</summary>
internal sealed class Room(int capacity)
{
    private readonly Lock _lock = new();
    private readonly Queue<(TaskCompletionSource Turn, int Weight)> _waiting = new();
    private int _taken;

    public int Taken => Volatile.Read(ref _taken);

    /// <summary>Waits for room. A unit larger than all of it may go when nothing else waits.</summary>
    public async Task TakeAsync(int weight, CancellationToken cancellationToken)
    {
        TaskCompletionSource turn;
        lock (_lock)
        {
            if (_waiting.Count == 0 && Fits(weight))
            {
                Note(weight);
                return;
            }

            turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue((turn, weight));
        }

        await using var registration = cancellationToken.Register(() => turn.TrySetCanceled(cancellationToken));
        await turn.Task;
    }

    public void Give(int weight)
    {
        lock (_lock)
        {
            Note(-weight);
            // Whoever gave up waiting takes no room, and must not keep those behind it waiting.
            while (_waiting.TryPeek(out var next) && (next.Turn.Task.IsCompleted || Fits(next.Weight)))
            {
                _waiting.Dequeue();
                if (next.Turn.TrySetResult()) Note(next.Weight);
            }
        }
    }

    private bool Fits(int weight) => _taken + weight <= capacity || _taken == 0;

    private void Note(int weight)
    {
        _taken += weight;
        StorageMetrics.PendingRows.Set(_taken);
    }
}
