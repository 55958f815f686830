using System.Collections.Concurrent;
using System.Data.Common;
using System.Net.Sockets;
using Dapper;
using Microsoft.Extensions.Logging;
using Npgsql;
using OeeOrleans.Model;
using OeeOrleans.Storage.Access;
using OeeOrleans.Storage.Sql;

namespace OeeOrleans.Storage.Postgres;

/// <summary>
/// PostgreSQL 15 or later, with TimescaleDB or plain. Samples go in by binary COPY; a group that meets rows already stored is merged
/// instead.
/// </summary>
internal sealed class PostgresStore : SqlStore
{
    /// <summary>After a duplicate more are to be expected (a redelivery comes in a row), so COPY is not even tried for so long.</summary>
    private static readonly TimeSpan DuplicatesExpected = TimeSpan.FromSeconds(1);

    private const long AloneLock = 0x6F65_6504;

    private readonly string _connectionString;
    private readonly NpgsqlDataSource _source;
    private readonly StoreOptions _options;
    private readonly ILogger _log;
    private readonly TimeProvider _clock;
    private readonly ConcurrentBag<PostgresWriter> _idle = [];
    private readonly SemaphoreSlim _writers;
    private readonly SemaphoreSlim _turns;
    private readonly ServerRoom _room;
    private readonly PostgresUpkeep _upkeep;
    private PostgresFlavor? _flavor;
    private long? _lastDuplicate;

    public PostgresStore(string connectionString, StoreOptions options, TimeProvider clock, ILogger log)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString);
        if (builder.Timeout == 15) builder.Timeout = 5;
        if (builder.CommandTimeout == 30) builder.CommandTimeout = QueryTimeoutS;
        builder.ApplicationName ??= "oee";
        builder.TcpKeepAlive = true;
        builder.Options = OptionsOf(builder);
        // Whoever wants more waits for its turn here, not in the pool, where waiting ends in an error.
        var connections = Math.Max(options.MaxConnections, options.Fewest);
        (builder.MinPoolSize, builder.MaxPoolSize) = (0, connections);
        _connectionString = builder.ToString();
        _source = new NpgsqlDataSourceBuilder(_connectionString).Build();
        (_options, _clock, _log) = (options, clock, log);
        Chain = new AuditChain(options.AuditKey);
        _writers = new SemaphoreSlim(options.Writers, options.Writers);
        _turns = new SemaphoreSlim(connections - options.Writers - 1);
        _room = new ServerRoom(_source, options, connections, _turns, log);
        _upkeep = new PostgresUpkeep(_source, log);
        Name = $"{builder.Host}/{builder.Database}";
    }

    public string Name { get; }

    /// <summary>Many short statements over many partitions look dear to the planner, and compiling one takes longer than running it. What
    /// the operator says goes before; behind a pooler (No Reset On Close) nothing is said, because some refuse it.</summary>
    private static string? OptionsOf(NpgsqlConnectionStringBuilder builder)
    {
        var given = builder.Options ?? Environment.GetEnvironmentVariable("PGOPTIONS");
        if (builder.NoResetOnClose || given?.Contains("jit", StringComparison.Ordinal) == true) return builder.Options;
        return $"{given} -c jit=off".TrimStart();
    }

    protected override SqlDialect Dialect => SqlDialect.Postgres;

    protected override int MaxSignals => _options.MaxSignals;

    protected override AuditChain Chain { get; }

    protected override SemaphoreSlim Turns => _turns;

    protected override string In(string parameter) => $"= any(@{parameter})";

    public override Task MigrateAsync(CancellationToken cancellationToken) => Task.Run(async () =>
    {
        try
        {
            await _room.FitAsync(cancellationToken);
            var scripts = await new PostgresMigration(_source, _connectionString, _options, _log).RunAsync(cancellationToken);
            if (_options is { WriterRole: not null } or { GatewayRole: not null })
            {
                await DatabaseRoles.GrantAsync(_source, _options.WriterRole, _options.GatewayRole, cancellationToken);
            }

            Log.Migrated(_log, Name, scripts);
        }
        catch (Exception error) when (IsTransient(error) || error.InnerException is { } inner && IsTransient(inner))
        {
            throw new StoreUnavailableException($"cannot reach {Name}: {error.Message}", error);
        }
    }, cancellationToken);

    public override async Task<MaintenanceReport?> MaintainAsync(Retention retention, long nowUs, CancellationToken cancellationToken)
    {
        try
        {
            return await _upkeep.RunAsync(await FlavorAsync(cancellationToken), retention, nowUs, cancellationToken);
        }
        catch (Exception error) when (error is not OperationCanceledException && IsTransient(error))
        {
            throw new StoreUnavailableException($"the store does not answer: {error.Message}", error);
        }
    }

    public override Task<T> AloneAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken) => QueryAsync(async c =>
    {
        // Of the transaction, so it ends with it, whatever happens.
        await using var transaction = await c.BeginTransactionAsync(cancellationToken);
        await c.ExecuteAsync(
            new CommandDefinition(
                $"select pg_advisory_xact_lock({AloneLock})", null, transaction, commandTimeout: 60, cancellationToken: cancellationToken));
        var result = await work();
        await transaction.CommitAsync(cancellationToken);
        return result;
    }, cancellationToken);

    public override async ValueTask DisposeAsync()
    {
        while (_idle.TryTake(out var writer)) await writer.DisposeAsync();
        await _source.DisposeAsync();
        _writers.Dispose();
        _turns.Dispose();
    }

    protected override Task WriteAsync(IReadOnlyList<CommitUnit> units, CancellationToken cancellationToken) =>
        WithWriterAsync(async writer =>
    {
        var small = _options.Copy && units.Sum(u => u.SampleRows.Length) <= _options.SmallGroup;
        if (small)
        {
            await WriteSmallAsync(writer, units, cancellationToken);
            return true;
        }

        var duplicatesExpected = _lastDuplicate is { } last && _clock.GetElapsedTime(last) < DuplicatesExpected;
        if (_options.Copy && !duplicatesExpected && await TryCopyAsync(writer, units, cancellationToken)) return true;
        if (_options.Copy) StorageMetrics.DuplicateFallbacks.Inc();
        await MergeAsync(writer, units, cancellationToken);
        return true;
    }, cancellationToken);

    protected override async Task<string?> TryRowsAsync(ReadOnlyMemory<SampleRow> rows, CancellationToken cancellationToken)
    {
        try
        {
            return await WithWriterAsync(async writer =>
            {
                var connection = await writer.ConnectionAsync(cancellationToken);
                await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
                await PostgresWriter.MergeAsync(connection, [rows], cancellationToken);
                await transaction.RollbackAsync(cancellationToken);
                return (string?)null;
            }, cancellationToken);
        }
        catch (RowsRefusedException refused)
        {
            return refused.Message;
        }
    }

    protected override async Task<DbConnection> OpenAsync(CancellationToken cancellationToken) =>
        await _source.OpenConnectionAsync(cancellationToken);

    protected override bool IsTransient(Exception error) => error switch
    {
        PostgresException postgres =>
            postgres.IsTransient
                || postgres.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CannotConnectNow
                    or PostgresErrorCodes.QueryCanceled,
        NpgsqlException or SocketException or TimeoutException => true,
        _ => false,
    };

    /// <summary>Data exceptions, violated constraints and checks, limits of a statement or an index entry, and what triggers raise
    /// (PostgreSQL, appendix A, classes 21, 22, 23, 44, 54 and P0). All else is about the server, the schema or our rights, or nobody can
    /// tell (a damaged index, XX002, fails for one row or for all): waiting loses nothing, and burying rows would.</summary>
    private static bool IsRefusal(PostgresException error) => error.SqlState[..2] is "21" or "22" or "23" or "44" or "54" or "P0";

    /// <summary>Npgsql says InvalidOperationException of a connection that broke; with one that is open it is an error of ours.</summary>
    private static bool IsConnectionError(Exception error, PostgresWriter writer) => error
        is NpgsqlException or SocketException or IOException or ObjectDisposedException or TimeoutException
        || (error is InvalidOperationException && !writer.IsOpen);

    private async Task<T> WithWriterAsync<T>(Func<PostgresWriter, Task<T>> work, CancellationToken cancellationToken)
    {
        await _writers.WaitAsync(cancellationToken);
        var writer = _idle.TryTake(out var idle) ? idle : new PostgresWriter(_source);
        try
        {
            return await work(writer);
        }
        catch (PostgresException error) when (IsRefusal(error))
        {
            await writer.DisposeAsync();
            throw new RowsRefusedException(error.MessageText, error);
        }
        catch (Exception error) when (IsConnectionError(error, writer))
        {
            await writer.DisposeAsync();
            throw new StoreUnavailableException($"cannot write to {Name}: {error.Message}", error);
        }
        catch
        {
            await writer.DisposeAsync();
            throw;
        }
        finally
        {
            _idle.Add(writer);
            _writers.Release();
        }
    }

    private async Task<bool> TryCopyAsync(PostgresWriter writer, IReadOnlyList<CommitUnit> units, CancellationToken cancellationToken)
    {
        var connection = await writer.ConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var claimedUs = await ClaimedAsync(connection, cancellationToken);
        try
        {
            await writer.CopyAsync(connection, units, cancellationToken);
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            _lastDuplicate = _clock.GetTimestamp();
            await transaction.RollbackAsync(cancellationToken);
            return false;
        }

        await FinishAsync(connection, transaction, units, claimedUs, cancellationToken);
        return true;
    }

    private async Task MergeAsync(PostgresWriter writer, IReadOnlyList<CommitUnit> units, CancellationToken cancellationToken)
    {
        var connection = await writer.ConnectionAsync(cancellationToken);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
        var claimedUs = await ClaimedAsync(connection, cancellationToken);
        var changed = await PostgresWriter.MergeAsync(connection, [.. units.Select(u => u.SampleRows)], cancellationToken);
        if (changed < units.Sum(u => u.SampleRows.Length)) _lastDuplicate = _clock.GetTimestamp();
        await FinishAsync(connection, transaction, units, claimedUs, cancellationToken);
    }

    /// <summary>The same in two round trips: a plant that says little is all round trips.</summary>
    private async Task WriteSmallAsync(PostgresWriter writer, IReadOnlyList<CommitUnit> units, CancellationToken cancellationToken)
    {
        var connection = await writer.ConnectionAsync(cancellationToken);
        var plain = await FlavorAsync(cancellationToken) == PostgresFlavor.Plain;
        var claimedUs = plain
            ? await ClaimedAsync(connection, cancellationToken, begin: true)
            : await BeginAsync(connection, cancellationToken);
        await using var batch = new NpgsqlBatch(connection);
        if (PostgresWriter.MergeCommand([.. units.Select(u => u.SampleRows)]) is { } rows) batch.BatchCommands.Add(rows);
        // What is rare runs by itself, in the same transaction.
        var sets = new SetWriter(connection, null, Dialect, cancellationToken) { Deferred = [] };
        if (claimedUs is { } claimed) await Rollups.NoteLateAsync(sets, units, claimed);
        await SideTables.WriteAsync(sets, Dialect, Chain, units);
        foreach (var (sql, json) in sets.Deferred)
        {
            var command = new NpgsqlBatchCommand(sql);
            command.Parameters.Add(new NpgsqlParameter<string>("json", json));
            batch.BatchCommands.Add(command);
        }

        batch.BatchCommands.Add(new NpgsqlBatchCommand("commit"));
        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>Before anything runs by itself: it is to be in the transaction. No minute is claimed here.</summary>
    private static async Task<long?> BeginAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var begin = new NpgsqlCommand("begin", connection);
        await begin.ExecuteNonQueryAsync(cancellationToken);
        return null;
    }

    private async Task FinishAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, IReadOnlyList<CommitUnit> units, long? claimedUs,
        CancellationToken cancellationToken)
    {
        var sets = new SetWriter(connection, transaction, Dialect, cancellationToken);
        if (claimedUs is { } claimed) await Rollups.NoteLateAsync(sets, units, claimed);
        await SideTables.WriteAsync(sets, Dialect, Chain, units);
        await transaction.CommitAsync(cancellationToken);
    }

    /// <summary>
    /// Takes a place in the line that a claim of minutes waits for, and then asks up to where they are claimed. Two statements: the second
    /// must see what the first waited for. Null with TimescaleDB, which sees to it itself.
    /// </summary>
    private async Task<long?> ClaimedAsync(NpgsqlConnection connection, CancellationToken cancellationToken, bool begin = false)
    {
        if (await FlavorAsync(cancellationToken) != PostgresFlavor.Plain) return null;
        await using var batch = new NpgsqlBatch(connection);
        if (begin) batch.BatchCommands.Add(new NpgsqlBatchCommand("begin"));
        // A process that vanished with its machine must not keep its place for ever.
        batch.BatchCommands.Add(new NpgsqlBatchCommand("set local idle_in_transaction_session_timeout = '60s'"));
        batch.BatchCommands.Add(new NpgsqlBatchCommand($"select pg_advisory_xact_lock_shared({PostgresUpkeep.RollupLock})"));
        batch.BatchCommands.Add(new NpgsqlBatchCommand("select oee_us(claimed) from rollup_state"));
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? reader.GetInt64(0) : null;
    }

    private async ValueTask<PostgresFlavor> FlavorAsync(CancellationToken cancellationToken) =>
        _flavor ??= await PostgresMigration.FlavorOfAsync(_source, cancellationToken)
        ?? throw new StoreUnavailableException($"{Name} has no schema yet; run oee migrate");
}
