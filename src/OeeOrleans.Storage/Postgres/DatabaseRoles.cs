using Npgsql;

namespace OeeOrleans.Storage.Postgres;

/// <summary>
/// What two roles of a database may do that are not the owner of its schema: the writer, as whom silos work, and the gateway, which reads, keeps
/// users and keys, and appends to the audit log. Neither of them may change the schema, nor change or take away what the audit log holds.
/// </summary>
internal static class DatabaseRoles
{
    private static readonly string[] ForWriter =
    [
        "grant usage on schema public to {0}",
        "grant select, insert, update, delete on all tables in schema public to {0}",
        "revoke update, delete on audit_log from {0}",
        "revoke insert, update, delete on schemaversions from {0}",
        "grant usage, select on all sequences in schema public to {0}",
    ];

    /// <summary>Where the schema has them: TimescaleDB sees to its chunks itself.</summary>
    private static readonly string[] Functions = ["oee_add_partition(date)", "oee_drop_partition(text)"];

    private static readonly string[] ForGateway =
    [
        "grant usage on schema public to {0}",
        "grant select on all tables in schema public to {0}",
        "grant insert on audit_log to {0}",
        "grant usage, select on sequence audit_log_id_seq to {0}",
        "grant update on audit_head to {0}",
        "grant update (ack_by, ack_ts, shelved_until) on events to {0}",
        "grant insert, update, delete on app_user, api_key, access_grant, access_session, access_secret to {0}",
        "grant update on access_state to {0}",
    ];

    /// <summary>Safe to repeat; to be repeated after each migration, because later tables are not granted by themselves.</summary>
    /// <exception cref="SchemaException">There is no such role, or whoever is connected may not grant.</exception>
    public static async Task GrantAsync(NpgsqlDataSource source, string? writer, string? gateway, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = await source.OpenConnectionAsync(cancellationToken);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
            Task RunAsync(string sql) => new NpgsqlCommand(sql, connection, transaction).ExecuteNonQueryAsync(cancellationToken);
            if (writer is not null)
            {
                foreach (var statement in ForWriter) await RunAsync(Of(statement, writer));
                foreach (var function in Functions)
                {
                    await using var has = new NpgsqlCommand($"select to_regprocedure('{function}') is not null", connection, transaction);
                    if (await has.ExecuteScalarAsync(cancellationToken) is true)
                    {
                        await RunAsync(Of($"grant execute on function {function} to {{0}}", writer));
                    }
                }
            }

            if (gateway is not null) foreach (var statement in ForGateway) await RunAsync(Of(statement, gateway));
            await transaction.CommitAsync(cancellationToken);
        }
        catch (PostgresException error)
        {
            throw new SchemaException($"the roles were not granted what they need: {error.MessageText}", error);
        }
    }

    private static string Of(string statement, string role) => string.Format(
        System.Globalization.CultureInfo.InvariantCulture, statement, $"\"{role.Replace("\"", "\"\"", StringComparison.Ordinal)}\"");
}
