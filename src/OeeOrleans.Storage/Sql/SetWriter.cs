using System.Buffers;
using System.Data.Common;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dapper;
using OeeOrleans.Model;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Storage.Sql;

/// <summary>
/// Writes many rows of one table with few statements: they travel as JSON arrays, so a group costs no round trip a row.
/// </summary>
/// <param name="transaction">The transaction; null when the connection is in one that was begun by hand.</param>
internal sealed class SetWriter(
    DbConnection connection, DbTransaction? transaction, SqlDialect dialect, CancellationToken cancellationToken)
{
    /// <summary>A batch is sent as a whole.</summary>
    private const int RowsPerBatch = 100;

    /// <summary>
    /// A larger array goes in pieces: as text it would be one of those large objects that are only collected with the oldest generation.
    /// </summary>
    private const int MaxJsonBytes = 32 << 10;

    private static readonly JsonSerializerOptions Options = new()
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new CleanText() },
    };

    /// <summary>
    /// Where statements of sets wait to be run with others in one round trip, in their order, as (statement, @json); null: each runs at
    /// once.
    /// </summary>
    public List<(string Sql, string Json)>? Deferred { get; init; }

    /// <param name="rows">The rows.</param>
    /// <param name="key">What no two rows may share; of those that do, the last one counts.</param>
    /// <param name="columns">Properties of a row with their PostgreSQL types.</param>
    /// <param name="statement">The statement; its argument is the row source.</param>
    public async Task WriteAsync<T, TKey>(
        IEnumerable<T> rows, Func<T, TKey> key, IReadOnlyList<(string Name, string Type)> columns, Func<string, string> statement)
        where TKey : notnull
    {
        var newest = new Dictionary<TKey, T>();
        foreach (var row in rows) newest[key(row)] = row;
        if (newest.Count == 0) return;
        var sql = statement(dialect.Rows(columns));
        var array = new ArrayBufferWriter<byte>(MaxJsonBytes);
        using var writer = new Utf8JsonWriter(array);
        writer.WriteStartArray();
        foreach (var row in newest.Values)
        {
            if (writer.BytesCommitted + writer.BytesPending > MaxJsonBytes)
            {
                await RunAsync(sql, writer, array);
                array.ResetWrittenCount();
                writer.Reset();
                writer.WriteStartArray();
            }

            JsonSerializer.Serialize(writer, row, Options);
        }

        await RunAsync(sql, writer, array);
    }

    /// <summary>A statement with one parameter, @json.</summary>
    public Task RunJsonAsync(string sql, string json)
    {
        if (Deferred is null) return RunAsync(sql, new { json });
        Deferred.Add((sql, json));
        return Task.CompletedTask;
    }

    private async Task RunAsync(string sql, Utf8JsonWriter writer, ArrayBufferWriter<byte> array)
    {
        writer.WriteEndArray();
        await writer.FlushAsync(cancellationToken);
        await RunJsonAsync(sql, Encoding.UTF8.GetString(array.WrittenSpan));
    }

    public Task<int> RunAsync(string sql, object parameters) =>
        connection.ExecuteAsync(new CommandDefinition(sql, parameters, transaction, cancellationToken: cancellationToken));

    /// <summary>At once: an entry needs the hash of the one before.</summary>
    public Task AppendAuditAsync(AuditChain chain, IReadOnlyList<AuditEntry> entries) =>
        AuditLog.AppendAsync(connection, transaction, dialect, chain, entries, cancellationToken);

    /// <summary>
    /// Runs statements for each row in turn; where the engine can, all of them in one round trip. A row's values are `@p1`, `@p2`, ...
    /// </summary>
    public async Task RunAllAsync(IReadOnlyList<string> statements, IEnumerable<object[]> rows)
    {
        foreach (var some in rows.Chunk(RowsPerBatch))
        {
            if (connection.CanCreateBatch) await RunBatchAsync(statements, some);
            else foreach (var row in some) await RunEachAsync(statements, row);
        }
    }

    private async Task RunBatchAsync(IReadOnlyList<string> statements, object[][] rows)
    {
        await using var batch = connection.CreateBatch();
        batch.Transaction = transaction;
        foreach (var row in rows)
        {
            foreach (var statement in statements)
            {
                var command = batch.CreateBatchCommand();
                command.CommandText = statement;
                for (var i = 0; i < row.Length; i++)
                {
                    var name = $"p{i + 1}";
                    if (!statement.Contains('@' + name, StringComparison.Ordinal)) continue;
                    var parameter = command.CreateParameter();
                    (parameter.ParameterName, parameter.Value) = (name, row[i]);
                    command.Parameters.Add(parameter);
                }

                batch.BatchCommands.Add(command);
            }
        }

        await batch.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task RunEachAsync(IReadOnlyList<string> statements, object[] row)
    {
        var parameters = new DynamicParameters();
        for (var i = 0; i < row.Length; i++) parameters.Add($"p{i + 1}", row[i]);
        foreach (var statement in statements) await RunAsync(statement, parameters);
    }

    /// <summary>PostgreSQL stores every character but U+0000.</summary>
    public static string Clean(string text) => text.Replace('\0', '\uFFFD');

    private sealed class CleanText : JsonConverter<string>
    {
        public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetString();

        public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) =>
            writer.WriteStringValue(Clean(value));
    }
}
