using System.Data.Common;
using System.Text.Json;
using System.Text.Json.Serialization;
using Dapper;

namespace OeeOrleans.Storage.Sql;

/// <summary>
/// Writes many rows of one table with one statement: they travel as one JSON array, so a group costs a round trip a table, not a row.
/// </summary>
internal sealed class SetWriter(DbConnection connection, DbTransaction transaction, SqlDialect dialect, CancellationToken cancellationToken)
{
    private static readonly JsonSerializerOptions Options = new()
    {
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new CleanText() },
    };

    /// <param name="rows">The rows.</param>
    /// <param name="key">What no two rows of a statement may share; of those that do, the last one counts.</param>
    /// <param name="columns">Properties of a row with their PostgreSQL types.</param>
    /// <param name="statement">The statement; its argument is the row source.</param>
    /// <param name="more">Further parameters of the statement.</param>
    public async Task WriteAsync<T, TKey>(
        IEnumerable<T> rows, Func<T, TKey> key, IReadOnlyList<(string Name, string Type)> columns, Func<string, string> statement,
        object? more = null)
        where TKey : notnull
    {
        var newest = new Dictionary<TKey, T>();
        foreach (var row in rows) newest[key(row)] = row;
        if (newest.Count == 0) return;
        var parameters = new DynamicParameters(more);
        parameters.Add("json", JsonSerializer.Serialize(newest.Values, Options));
        await RunAsync(statement(dialect.Rows(columns)), parameters);
    }

    public Task<int> RunAsync(string sql, object parameters) =>
        connection.ExecuteAsync(new CommandDefinition(sql, parameters, transaction, cancellationToken: cancellationToken));

    /// <summary>PostgreSQL stores every character but U+0000.</summary>
    public static string Clean(string text) => text.Replace('\0', '\uFFFD');

    private sealed class CleanText : JsonConverter<string>
    {
        public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.GetString();

        public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) =>
            writer.WriteStringValue(Clean(value));
    }
}
