using System.Data.Common;
using Dapper;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using OeeOrleans.Model;
using OeeOrleans.Storage.Access;
using OeeOrleans.Storage.Sql;

namespace OeeOrleans.Storage.Sqlite;

/// <summary>One file, WAL, crash-safe, readable by other programs while we write.</summary>
internal sealed class SqliteStore : SqlStore
{
    /// <summary>Rows in one statement: 6 parameters each, and SQLite takes 32,766.</summary>
    private const int RowsPerStatement = 200;

    /// <summary>How long a round of upkeep may work on rollups.</summary>
    private static readonly TimeSpan RoundLimit = TimeSpan.FromSeconds(5);

    private readonly string _path;
    private readonly string _connectionString;
    private readonly StoreOptions _options;
    private readonly ILogger _log;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly RetentionDeletes _deletes = new();
    private SqliteConnection? _writer;

    public SqliteStore(string path, StoreOptions options, ILogger log)
    {
        _path = Path.GetFullPath(path);
        (_options, _log) = (options, log);
        Chain = new AuditChain(options.AuditKey);
        _connectionString = new SqliteConnectionStringBuilder { DataSource = _path, Pooling = true, DefaultTimeout = 10 }.ToString();
    }

    protected override SqlDialect Dialect => SqlDialect.Sqlite;

    protected override int MaxSignals => _options.MaxSignals;

    protected override AuditChain Chain { get; }

    protected override string In(string parameter) => $"in @{parameter}";

    public override Task MigrateAsync(CancellationToken cancellationToken) => Task.Run(() =>
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
        try
        {
            var scripts = SqlMigrations.Run(DbUp.DeployChanges.To.SqliteDatabase(_connectionString), "sqlite");
            Log.Migrated(_log, _path, scripts);
        }
        catch (Exception error)
            when ((error as SqliteException ?? error.InnerException as SqliteException) is { } sqlite && SqliteErrors.IsAway(sqlite))
        {
            throw SqliteErrors.Away("the store cannot be opened", _path, sqlite);
        }
    }, cancellationToken);

    public override async Task<MaintenanceReport?> MaintainAsync(Retention retention, long nowUs, CancellationToken cancellationToken)
    {
        var started = TimeProvider.System.GetTimestamp();
        var more = true;
        // Piece by piece, so that commits come between.
        while (more && TimeProvider.System.GetElapsedTime(started) < RoundLimit)
        {
            more = await WithWriterAsync(async writer =>
            {
                if (await Rollups.CanClaimAsync(writer, nowUs, cancellationToken))
                {
                    await using var claim = await writer.BeginTransactionAsync(cancellationToken);
                    await Rollups.ClaimAsync(writer, claim, nowUs, cancellationToken);
                    await claim.CommitAsync(cancellationToken);
                }

                return await Rollups.StepAsync(writer, Dialect, retention, nowUs, cancellationToken);
            }, cancellationToken);
        }

        return await WithWriterAsync(async writer =>
        {
            await _deletes.RunAsync(writer, retention, nowUs, "sample", cancellationToken);
            return new MaintenanceReport(await Rollups.FreshnessAsync(writer, nowUs, cancellationToken), new Dictionary<string, double>());
        }, cancellationToken);
    }

    /// <summary>The file belongs to one process.</summary>
    public override Task<T> AloneAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken) => work();

    public override async ValueTask DisposeAsync()
    {
        if (_writer is not null) await _writer.DisposeAsync();
        _writing.Dispose();
        SqliteConnection.ClearAllPools();
    }

    protected override Task WriteAsync(IReadOnlyList<CommitUnit> units, CancellationToken cancellationToken) =>
        WithWriterAsync(async writer =>
    {
        await using var transaction = await writer.BeginTransactionAsync(cancellationToken);
        WriteRows(writer, (SqliteTransaction)transaction, [.. units.Select(u => u.SampleRows)]);
        var sets = new SetWriter(writer, transaction, Dialect, cancellationToken);
        await Rollups.NoteLateAsync(
            sets, units,
            await writer.ExecuteScalarAsync<long>(
                new CommandDefinition("select claimed from rollup_state", null, transaction, cancellationToken: cancellationToken)));
        await SideTables.WriteAsync(sets, Dialect, Chain, units);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }, cancellationToken);

    protected override async Task<string?> TryRowsAsync(ReadOnlyMemory<SampleRow> rows, CancellationToken cancellationToken)
    {
        try
        {
            return await WithWriterAsync(async writer =>
            {
                await using var transaction = await writer.BeginTransactionAsync(cancellationToken);
                WriteRows(writer, (SqliteTransaction)transaction, [rows]);
                await transaction.RollbackAsync(cancellationToken);
                return (string?)null;
            }, cancellationToken);
        }
        catch (RowsRefusedException refused)
        {
            return refused.Message;
        }
    }

    protected override async Task<DbConnection> OpenAsync(CancellationToken cancellationToken)
    {
        var connection = new SqliteConnection(_connectionString);
        await connection.OpenAsync(cancellationToken);
        connection.CreateFunction("oee_ts", (long? us) => us, isDeterministic: true);
        connection.CreateFunction("oee_us", (long? us) => us, isDeterministic: true);
        connection.CreateFunction("oee_bucket", (long us, long width) => Rollups.Floor(us, width), isDeterministic: true);
        await using var pragma = connection.CreateCommand();
        // FULL: a commit is on the disk when it returns; acknowledgements rely on it.
        pragma.CommandText = "pragma journal_mode = wal; pragma synchronous = full; pragma busy_timeout = 10000;";
        await pragma.ExecuteNonQueryAsync(cancellationToken);
        return connection;
    }

    protected override Task<T> AsideAsync<T>(Func<Task<T>> work) => Task.Run(work);

    /// <summary>
    /// The file takes one writer at a time, and who finds it taken only tries again now and then: beside a sink that commits
    /// one thing after another, it might never hit the moment between.
    /// </summary>
    protected override async Task<T> InTurnAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken)
    {
        if (!await _writing.WaitAsync(TurnLimit, cancellationToken))
        {
            throw new StoreUnavailableException($"the store was written to by others for {TurnLimit.TotalSeconds:0} s");
        }

        try
        {
            return await work();
        }
        finally
        {
            _writing.Release();
        }
    }

    protected override bool IsTransient(Exception error) => error is SqliteException sqlite && SqliteErrors.IsAway(sqlite);

    protected override StoreUnavailableException Away(string what, Exception error) =>
        SqliteErrors.Away(what, _path, (SqliteException)error);

    private async Task<T> WithWriterAsync<T>(Func<SqliteConnection, Task<T>> work, CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            _writer ??= (SqliteConnection)await OpenAsync(cancellationToken);
            return await work(_writer);
        }
        catch (SqliteException error) when (SqliteErrors.IsRefusal(error))
        {
            throw new RowsRefusedException(error.Message, error);
        }
        catch (SqliteException error) when (SqliteErrors.IsAway(error))
        {
            await GiveUpWriterAsync();
            throw Away("the store does not take a commit", error);
        }
        catch
        {
            await GiveUpWriterAsync();
            throw;
        }
        finally
        {
            _writing.Release();
        }
    }

    /// <summary>After an error nobody knows what a connection holds: the next commit gets a new one.</summary>
    private async ValueTask GiveUpWriterAsync()
    {
        var writer = _writer;
        _writer = null;
        if (writer is not null) await writer.DisposeAsync();
    }

    private static void WriteRows(
        SqliteConnection connection, SqliteTransaction transaction, IReadOnlyList<ReadOnlyMemory<SampleRow>> parts)
    {
        var rows = new List<SampleRow>(parts.Sum(p => p.Length));
        foreach (var part in parts) rows.AddRange(part.Span);
        if (rows.Count == 0) return;
        using var many = rows.Count >= RowsPerStatement ? Prepare(connection, transaction, RowsPerStatement) : null;
        var at = 0;
        for (; many is not null && at + RowsPerStatement <= rows.Count; at += RowsPerStatement)
        {
            Bind(many, rows, at, RowsPerStatement);
            many.ExecuteNonQuery();
        }

        if (at == rows.Count) return;
        using var rest = Prepare(connection, transaction, rows.Count - at);
        Bind(rest, rows, at, rows.Count - at);
        rest.ExecuteNonQuery();
    }

    private static SqliteCommand Prepare(SqliteConnection connection, SqliteTransaction transaction, int rows)
    {
        var command = connection.CreateCommand();
        command.Transaction = transaction;
        var sql = new System.Text.StringBuilder("insert into sample(signal_id, ts, value, text_value, quality, ingest_ts) values ");
        for (var row = 0; row < rows; row++)
        {
            if (row > 0) sql.Append(',');
            sql.Append('(');
            for (var column = 0; column < 6; column++)
            {
                var name = $"$p{(row * 6) + column}";
                if (column > 0) sql.Append(',');
                sql.Append(name);
                command.Parameters.Add(new SqliteParameter(name, null));
            }

            sql.Append(')');
        }

        // Of two samples of one signal and instant the one that arrived last wins; an equal one changes nothing, its ingest time included,
        // unless its time was too far ahead before and is not any more.
        sql.Append(
            $"""
             on conflict (signal_id, ts) do update set value = excluded.value, text_value = excluded.text_value,
              quality = excluded.quality, ingest_ts = excluded.ingest_ts
            where value is not excluded.value or text_value is not excluded.text_value or quality <> excluded.quality
              or (not ({SqlDialect.Sqlite.Admitted("sample")}) and {SqlDialect.Sqlite.Admitted("excluded")})
            """);
        command.CommandText = sql.ToString();
        return command;
    }

    private static void Bind(SqliteCommand command, List<SampleRow> rows, int from, int count)
    {
        var parameter = 0;
        for (var i = from; i < from + count; i++)
        {
            var row = rows[i];
            command.Parameters[parameter++].Value = row.SignalId;
            command.Parameters[parameter++].Value = row.TimeUs;
            command.Parameters[parameter++].Value = double.IsNaN(row.Value) ? DBNull.Value : row.Value;
            command.Parameters[parameter++].Value = (object?)row.Text ?? DBNull.Value;
            command.Parameters[parameter++].Value = row.Quality;
            command.Parameters[parameter++].Value = row.IngestUs;
        }
    }
}
