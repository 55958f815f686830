using System.Buffers;
using Npgsql;
using NpgsqlTypes;
using OeeOrleans.Model;
using OeeOrleans.Storage.Sql;

namespace OeeOrleans.Storage.Postgres;

/// <summary>One connection that writes, with its buffers. Used by one group at a time.</summary>
internal sealed class PostgresWriter(NpgsqlDataSource source) : IAsyncDisposable
{
    private const int FlushBytes = 1 << 19;

    private readonly ArrayBufferWriter<byte> _buffer = new(1 << 20);
    private NpgsqlConnection? _connection;

    public bool IsOpen => _connection is { FullState: System.Data.ConnectionState.Open };

    public async Task<NpgsqlConnection> ConnectionAsync(CancellationToken cancellationToken)
    {
        if (IsOpen) return _connection!;
        await DisposeAsync();
        return _connection = await source.OpenConnectionAsync(cancellationToken);
    }

    /// <summary>Binary COPY. Throws on the first row that is there already.</summary>
    public async Task CopyAsync(NpgsqlConnection connection, IReadOnlyList<CommitUnit> units, CancellationToken cancellationToken)
    {
        if (units.All(u => u.SampleRows.Length == 0)) return;
        _buffer.ResetWrittenCount();
        _buffer.Write(CopyFormat.Header);
        await using var copy = await connection.BeginRawBinaryCopyAsync(CopyFormat.Command("sample"), cancellationToken);
        foreach (var unit in units)
        {
            foreach (ref readonly var row in unit.SampleRows.Span) CopyFormat.WriteRow(_buffer, row);
            if (_buffer.WrittenCount < FlushBytes) continue;
            await copy.WriteAsync(_buffer.WrittenMemory, cancellationToken);
            _buffer.ResetWrittenCount();
        }

        CopyFormat.WriteTrailer(_buffer);
        await copy.WriteAsync(_buffer.WrittenMemory, cancellationToken);
    }

    /// <summary>
    /// INSERT of arrays. Of several rows with one key the last one counts; against the table a row counts only if it says something else,
    /// or comes again when its time is no longer too far ahead (<see cref="TimeRule"/>): then its machine has counted it.
    /// </summary>
    /// <returns>Rows that changed the table.</returns>
    public static async Task<int> MergeAsync(
        NpgsqlConnection connection, IReadOnlyList<ReadOnlyMemory<SampleRow>> rows, CancellationToken cancellationToken)
    {
        if (MergeCommand(rows) is not { } command) return 0;
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { command } };
        return await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    /// <summary>The same as a command of a batch; null when there are no rows.</summary>
    public static NpgsqlBatchCommand? MergeCommand(IReadOnlyList<ReadOnlyMemory<SampleRow>> rows)
    {
        var count = rows.Sum(r => r.Length);
        if (count == 0) return null;
        var (ids, times, values, texts, qualities, ingests) = (
            new int[count], new long[count], new double?[count], new string?[count], new short[count], new long[count]);
        var at = 0;
        foreach (var part in rows)
        {
            foreach (ref readonly var row in part.Span)
            {
                (
                    ids[at], times[at], values[at], texts[at], qualities[at], ingests[at]) = (
                        row.SignalId, row.TimeUs, double.IsNaN(row.Value) ? null : row.Value, row.Text, row.Quality, row.IngestUs);
                at++;
            }
        }

        var command = new NpgsqlBatchCommand(
            $"""
            insert into sample(signal_id, ts, value, text_value, quality, ingest_ts)
            select signal_id, oee_ts(ts), value, text_value, quality, oee_ts(ingest_ts)
            from (select distinct on (signal_id, ts) * from unnest($1, $2, $3, $4, $5, $6) with ordinality as r(signal_id, ts, value,
              text_value, quality, ingest_ts, ord) order by signal_id, ts, ord desc) r
            on conflict (signal_id, ts) do update set value = excluded.value, text_value = excluded.text_value,
              quality = excluded.quality, ingest_ts = excluded.ingest_ts
            where (sample.value, sample.text_value, sample.quality) is distinct from (excluded.value, excluded.text_value, excluded.quality)
              or (not ({SqlDialect.Postgres.Admitted("sample")}) and {SqlDialect.Postgres.Admitted("excluded")})
            """);
        Add(command, ids, NpgsqlDbType.Integer);
        Add(command, times, NpgsqlDbType.Bigint);
        Add(command, values, NpgsqlDbType.Double);
        Add(command, texts, NpgsqlDbType.Text);
        Add(command, qualities, NpgsqlDbType.Smallint);
        Add(command, ingests, NpgsqlDbType.Bigint);
        return command;
    }

    public async ValueTask DisposeAsync()
    {
        if (_connection is null) return;
        var connection = _connection;
        _connection = null;
        await connection.DisposeAsync();
    }

    private static void Add<T>(NpgsqlBatchCommand command, T[] array, NpgsqlDbType type) =>
        command.Parameters.Add(new NpgsqlParameter<T[]> { TypedValue = array, NpgsqlDbType = NpgsqlDbType.Array | type });
}
