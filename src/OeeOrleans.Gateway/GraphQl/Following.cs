using GraphQL.DataLoader;

namespace OeeOrleans.Gateway.GraphQl;

/// <summary>What follows from values that are read in batches.</summary>
internal sealed class Following<TFrom, T>(IReadOnlyList<IDataLoaderResult<TFrom?>> from, Func<IReadOnlyList<TFrom?>, T?> make)
    : IDataLoaderResult<T?>
    where TFrom : class
    where T : class
{
    public async Task<T?> GetResultAsync(CancellationToken cancellationToken = default) =>
        make(await Task.WhenAll(from.Select(f => f.GetResultAsync(cancellationToken))));

    async Task<object?> IDataLoaderResult.GetResultAsync(CancellationToken cancellationToken) => await GetResultAsync(cancellationToken);
}
