using System.Data.Common;
using Dapper;
using OeeOrleans.Model;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Storage.Sql;

/// <summary>
/// What both engines share: the same SQL text, in which `oee_ts` and `oee_us` translate between microseconds and the engine's own time.
/// </summary>
internal abstract partial class SqlStore : IStore
{
    /// <summary>How long a query waits for its turn.</summary>
    protected static readonly TimeSpan TurnLimit = TimeSpan.FromSeconds(30);

    /// <summary>Why the last commit was not taken at all; null when it was.</summary>
    private volatile string? _lastWriteFailure;

    protected abstract SqlDialect Dialect { get; }

    /// <summary>See <see cref="StoreOptions.AuditKey"/>.</summary>
    protected abstract AuditChain Chain { get; }

    /// <summary>See <see cref="StoreOptions.MaxSignals"/>.</summary>
    protected abstract int MaxSignals { get; }

    /// <summary>`column In("list")`: membership in a list parameter, in this engine's words.</summary>
    protected abstract string In(string parameter);

    public abstract Task MigrateAsync(CancellationToken cancellationToken);

    public abstract Task<MaintenanceReport?> MaintainAsync(Retention retention, long nowUs, CancellationToken cancellationToken);

    public abstract ValueTask DisposeAsync();

    public abstract Task<T> AloneAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken);

    public async Task<string?> WhyNotAsync(CancellationToken cancellationToken)
    {
        try
        {
            await QueryAsync(c => c.ExecuteScalarAsync<int>(Command("select 1", null, cancellationToken)), cancellationToken);
            return _lastWriteFailure;
        }
        catch (StoreUnavailableException away)
        {
            return away.Message;
        }
    }

    /// <summary>Opens a connection that knows `oee_ts` and `oee_us`.</summary>
    protected abstract Task<DbConnection> OpenAsync(CancellationToken cancellationToken);

    /// <summary>Whether an error means that the database is away rather than that the question is wrong.</summary>
    protected abstract bool IsTransient(Exception error);

    /// <summary>What an error means that <see cref="IsTransient"/> takes for the database's absence.</summary>
    protected virtual StoreUnavailableException Away(string what, Exception error) => new($"{what}: {error.Message}", error);

    /// <summary>Queries that may run at the same time; null: as many as come.</summary>
    protected virtual SemaphoreSlim? Turns => null;

    /// <summary>Runs work that an engine would otherwise do on the caller's thread, in a grain's turn.</summary>
    protected virtual Task<T> AsideAsync<T>(Func<Task<T>> work) => work();

    /// <summary>Statement timeout of queries, seconds.</summary>
    internal const int QueryTimeoutS = 30;

    protected static CommandDefinition Command(string sql, object? parameters, CancellationToken cancellationToken) =>
        new(sql, parameters, commandTimeout: QueryTimeoutS, cancellationToken: cancellationToken);

    protected Task<T> QueryAsync<T>(Func<DbConnection, Task<T>> query, CancellationToken cancellationToken) =>
        AsideAsync(() => AskAsync(query, cancellationToken));

    /// <summary>A query that writes, or that holds back who writes: one after the other where the engine has one writer.</summary>
    protected Task<T> ChangeAsync<T>(Func<DbConnection, Task<T>> query, CancellationToken cancellationToken) =>
        InTurnAsync(() => QueryAsync(query, cancellationToken), cancellationToken);

    /// <summary>Runs work when it is its turn to write; not to be called from within such work.</summary>
    protected virtual Task<T> InTurnAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken) => work();

    private async Task<T> AskAsync<T>(Func<DbConnection, Task<T>> query, CancellationToken cancellationToken)
    {
        if (Turns is { } turns && !await turns.WaitAsync(TurnLimit, cancellationToken))
        {
            throw new StoreUnavailableException($"no connection to the store was free within {TurnLimit.TotalSeconds:0} s");
        }

        try
        {
            await using var connection = await OpenAsync(cancellationToken);
            return await query(connection);
        }
        catch (Exception error) when (error is not OperationCanceledException && IsTransient(error))
        {
            throw Away("the store does not answer", error);
        }
        finally
        {
            Turns?.Release();
        }
    }
}
