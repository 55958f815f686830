namespace OeeOrleans.Cip.Logix;

/// <summary>One at a time, also across answers that are waited for: `using var held = await _asking.EnterAsync(…)`.</summary>
internal sealed class AsyncLock
{
    private readonly SemaphoreSlim _free = new(1);

    public async ValueTask<Holder> EnterAsync(CancellationToken cancellationToken)
    {
        await _free.WaitAsync(cancellationToken).ConfigureAwait(false);
        return new Holder(_free);
    }

    public readonly struct Holder(SemaphoreSlim free) : IDisposable
    {
        public void Dispose() => free.Release();
    }
}
