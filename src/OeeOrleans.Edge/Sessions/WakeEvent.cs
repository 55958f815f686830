namespace OeeOrleans.Edge.Sessions;

/// <summary>Wakes one waiter; set twice before the wait it wakes once.</summary>
internal sealed class WakeEvent : IDisposable
{
    private readonly SemaphoreSlim _set = new(0, 1);
    private readonly Lock _lock = new();

    public void Set()
    {
        lock (_lock)
        {
            if (_set.CurrentCount == 0) _set.Release();
        }
    }

    public async Task WaitAsync(TimeSpan limit, CancellationToken cancellationToken) => await _set.WaitAsync(limit, cancellationToken);

    public void Dispose() => _set.Dispose();
}
