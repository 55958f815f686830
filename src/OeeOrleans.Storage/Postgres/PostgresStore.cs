using System.Buffers;
using System.Data.Common;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Npgsql;
using OeeOrleans.Storage.Sql;

namespace OeeOrleans.Storage.Postgres;

/// <summary>PostgreSQL 15 or later. Samples go in by binary COPY; a group that meets rows already stored goes through a staging table instead.</summary>
internal sealed class PostgresStore : SqlStore
{
    private const string EachPair = "select key, value from jsonb_each_text(cast(@json as jsonb))";

    /// <summary>After a duplicate more are to be expected (a redelivery comes in a row), so COPY is not even tried for so long.</summary>
    private static readonly TimeSpan DuplicatesExpected = TimeSpan.FromSeconds(1);

    private const string Staging = "sample_staging";

    private readonly NpgsqlDataSource _source;
    private readonly ILogger _log;
    private readonly TimeProvider _clock;
    private readonly ArrayBufferWriter<byte> _buffer = new(1 << 20);
    private readonly SemaphoreSlim _writing = new(1, 1);
    private NpgsqlConnection? _writer;
    private bool _hasStaging;
    private long? _lastDuplicate;

    public PostgresStore(string connectionString, TimeProvider clock, ILogger log)
    {
        var builder = new NpgsqlConnectionStringBuilder(connectionString);
        if (builder.Timeout == 15) builder.Timeout = 5;
        if (builder.CommandTimeout == 30) builder.CommandTimeout = QueryTimeoutS;
        builder.ApplicationName ??= "oee";
        _source = new NpgsqlDataSourceBuilder(builder.ToString()).Build();
        (_clock, _log) = (clock, log);
        Name = $"{builder.Host}/{builder.Database}";
    }

    public string Name { get; }

    protected override string Json => "jsonb";

    protected override string In(string parameter) => $"= any(@{parameter})";

    public override Task MigrateAsync(CancellationToken cancellationToken) => Task.Run(() =>
    {
        try
        {
            var scripts = SqlMigrations.Run(DbUp.DeployChanges.To.PostgresqlDatabase(_source.ConnectionString), "postgres");
            Log.Migrated(_log, Name, scripts);
        }
        catch (Exception error) when (IsTransient(error) || error.InnerException is { } inner && IsTransient(inner))
        {
            throw new StoreUnavailableException($"cannot reach {Name}: {error.Message}", error);
        }
    }, cancellationToken);

    public override async Task CommitAsync(IReadOnlyList<CommitUnit> units, CancellationToken cancellationToken)
    {
        await _writing.WaitAsync(cancellationToken);
        try
        {
            var duplicatesExpected = _lastDuplicate is { } last && _clock.GetElapsedTime(last) < DuplicatesExpected;
            if (!duplicatesExpected && await TryCopyAsync(units, cancellationToken)) return;
            StorageMetrics.DuplicateFallbacks.Inc();
            await MergeAsync(units, cancellationToken);
        }
        catch (Exception error) when (error is NpgsqlException or SocketException or IOException or InvalidOperationException or ObjectDisposedException)
        {
            await DropWriterAsync();
            throw new StoreUnavailableException($"cannot write to {Name}: {error.Message}", error);
        }
        catch (OperationCanceledException)
        {
            await DropWriterAsync();
            throw;
        }
        finally
        {
            _writing.Release();
        }
    }

    public override async ValueTask DisposeAsync()
    {
        await DropWriterAsync();
        await _source.DisposeAsync();
        _writing.Dispose();
    }

    protected override async Task<DbConnection> OpenAsync(CancellationToken cancellationToken) => await _source.OpenConnectionAsync(cancellationToken);

    protected override bool IsTransient(Exception error) => error switch
    {
        PostgresException postgres => postgres.IsTransient || postgres.SqlState is PostgresErrorCodes.AdminShutdown or PostgresErrorCodes.CannotConnectNow or PostgresErrorCodes.QueryCanceled,
        NpgsqlException or SocketException or TimeoutException => true,
        _ => false,
    };

    private async Task<bool> TryCopyAsync(IReadOnlyList<CommitUnit> units, CancellationToken cancellationToken)
    {
        var writer = await WriterAsync(cancellationToken);
        await using var transaction = await writer.BeginTransactionAsync(cancellationToken);
        try
        {
            await CopyAsync(writer, "sample", units, numbered: false, cancellationToken);
        }
        catch (PostgresException error) when (error.SqlState == PostgresErrorCodes.UniqueViolation)
        {
            _lastDuplicate = _clock.GetTimestamp();
            await transaction.RollbackAsync(cancellationToken);
            return false;
        }

        await SideTables.WriteAsync(writer, transaction, units, Json, EachPair, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }

    /// <summary>Of several rows with one key the last one counts; against the table a row counts only if it says something else.</summary>
    private async Task MergeAsync(IReadOnlyList<CommitUnit> units, CancellationToken cancellationToken)
    {
        var writer = await WriterAsync(cancellationToken);
        if (!_hasStaging)
        {
            await ExecuteAsync(writer, $"create temp table if not exists {Staging} (like sample, ord integer)", cancellationToken);
            _hasStaging = true;
        }

        await using var transaction = await writer.BeginTransactionAsync(cancellationToken);
        await ExecuteAsync(writer, $"truncate {Staging}", cancellationToken);
        await CopyAsync(writer, Staging, units, numbered: true, cancellationToken);
        var merged = await ExecuteAsync(
            writer,
            $"""
            insert into sample({CopyFormat.Columns})
            select distinct on (signal_id, ts) {CopyFormat.Columns} from {Staging} order by signal_id, ts, ord desc
            on conflict (signal_id, ts) do update set value = excluded.value, text_value = excluded.text_value, quality = excluded.quality, ingest_ts = excluded.ingest_ts
            where (sample.value, sample.text_value, sample.quality) is distinct from (excluded.value, excluded.text_value, excluded.quality)
            """,
            cancellationToken);
        if (merged < units.Sum(u => u.Rows.Length)) _lastDuplicate = _clock.GetTimestamp();
        await SideTables.WriteAsync(writer, transaction, units, Json, EachPair, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    private async Task CopyAsync(NpgsqlConnection writer, string table, IReadOnlyList<CommitUnit> units, bool numbered, CancellationToken cancellationToken)
    {
        if (units.All(u => u.Rows.Length == 0)) return;
        var command = numbered ? $"copy {table}({CopyFormat.Columns}, ord) from stdin (format binary)" : CopyFormat.Command(table);
        _buffer.ResetWrittenCount();
        _buffer.Write(CopyFormat.Header);
        var order = 0;
        await using var copy = await writer.BeginRawBinaryCopyAsync(command, cancellationToken);
        foreach (var unit in units)
        {
            Encode(unit, numbered, ref order);
            if (_buffer.WrittenCount < 1 << 19) continue;
            await copy.WriteAsync(_buffer.WrittenMemory, cancellationToken);
            _buffer.ResetWrittenCount();
        }

        CopyFormat.WriteTrailer(_buffer);
        await copy.WriteAsync(_buffer.WrittenMemory, cancellationToken);
    }

    private void Encode(CommitUnit unit, bool numbered, ref int order)
    {
        foreach (ref readonly var row in unit.Rows.Span) CopyFormat.WriteRow(_buffer, row, numbered ? order++ : -1);
    }

    private async Task<NpgsqlConnection> WriterAsync(CancellationToken cancellationToken)
    {
        if (_writer is { FullState: System.Data.ConnectionState.Open }) return _writer;
        await DropWriterAsync();
        return _writer = await _source.OpenConnectionAsync(cancellationToken);
    }

    private async Task DropWriterAsync()
    {
        _hasStaging = false;
        if (_writer is null) return;
        var writer = _writer;
        _writer = null;
        await writer.DisposeAsync();
    }

    private static async Task<int> ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
