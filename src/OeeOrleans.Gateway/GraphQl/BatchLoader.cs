using GraphQL.DataLoader;

namespace OeeOrleans.Gateway.GraphQl;

/// <summary>
/// Gathers the keys that a step of a query asks for and reads them together. Of one request; the executer asks for results when nothing
/// else can go on.
/// </summary>
internal sealed class BatchLoader<TKey, T>(Func<IReadOnlyList<TKey>, CancellationToken, Task<IReadOnlyDictionary<TKey, T>>> read)
    where TKey : notnull
{
    private Batch _next = new();

    /// <summary>The value of a key; the default of its type when the batch has none.</summary>
    public IDataLoaderResult<T?> Load(TKey key)
    {
        lock (this)
        {
            // One that is under way takes no more keys.
            if (_next.Reading is not null) _next = new Batch();
            _next.Keys.Add(key);
            return new Result(this, _next, key);
        }
    }

    private Task<IReadOnlyDictionary<TKey, T>> ReadAsync(Batch batch, CancellationToken cancellationToken)
    {
        lock (this) return batch.Reading ??= read([.. batch.Keys], cancellationToken);
    }

    private sealed class Batch
    {
        public HashSet<TKey> Keys { get; } = [];

        public Task<IReadOnlyDictionary<TKey, T>>? Reading { get; set; }
    }

    private sealed class Result(BatchLoader<TKey, T> loader, Batch batch, TKey key) : IDataLoaderResult<T?>
    {
        public async Task<T?> GetResultAsync(CancellationToken cancellationToken = default) =>
            (await loader.ReadAsync(batch, cancellationToken)).TryGetValue(key, out var value) ? value : default;

        async Task<object?> IDataLoaderResult.GetResultAsync(CancellationToken cancellationToken) =>
            await GetResultAsync(cancellationToken);
    }
}
