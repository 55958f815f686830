using Npgsql;

namespace OeeOrleans.Storage.Postgres;

/// <summary>
/// What two roles of a database may do that are not the owner of its schema: the writer, as whom silos work, and the gateway, which reads,
/// keeps users and keys, and appends to the audit log. Neither of them may change the schema, nor change or take away what the audit log
/// holds.
/// </summary>
internal static class DatabaseRoles
{
    private static readonly string[] ForWriter =
    [
        "grant select, insert, update, delete on all tables in schema public to {0}",
        "revoke insert, update, delete on audit_log, audit_head from {0}",
        "revoke insert, update, delete on schemaversions from {0}",
        "grant usage, select on all sequences in schema public to {0}",
    ];

    /// <summary>Where the schema has them: TimescaleDB sees to its chunks itself.</summary>
    private static readonly string[] Functions = ["oee_add_partition(date)", "oee_drop_partition(text)"];

    /// <summary>Nobody but the owner makes anything in the schema: what runs as the owner could be made to call it.</summary>
    private const string NobodyCreates = "revoke create on schema public from public";

    /// <summary>
    /// A name that is no role gives no row. Whoever is the owner, or may become it, or may create in the schema, is none of these roles.
    /// </summary>
    private const string TooMuch =
        """
        select case
          when r.rolsuper then 'is a superuser'
          when r.rolcreaterole then 'may make roles'
          when pg_has_role(r.oid, c.relowner, 'MEMBER') then 'is the owner of the schema, or a member of it'
          when has_schema_privilege(r.oid, 'public', 'CREATE') then 'may create in the schema public'
          else '' end
        from pg_roles r cross join pg_class c
        where r.rolname = @role and c.oid = 'public.audit_log'::regclass
        """;

    /// <summary>What a role was granted under another name is taken back first.</summary>
    private static readonly string[] Nothing =
    [
        "revoke all on all tables in schema public from {0}", "revoke all on all sequences in schema public from {0}",
        "revoke all on all functions in schema public from {0}",
        // Columns have rights of their own.
        "revoke all (ack_by, ack_ts, shelved_until, ts_end) on events from {0}",
        "revoke all (machine_id, name) on signal from {0}",
        "grant usage on schema public to {0}",
        "grant execute on function oee_audit_end() to {0}",
        "grant execute on function oee_audit_append(bigint, text, timestamptz, text, text, text, text, text, text) to {0}",
    ];

    private static readonly string[] ForGateway =
    [
        "grant select on all tables in schema public to {0}",
        "grant update (ack_by, ack_ts, shelved_until, ts_end) on events to {0}",
        "grant insert, update, delete on app_user, api_key, access_grant, access_session, access_secret to {0}",
        "grant update on access_state to {0}",
        // The plant is configured through it.
        "grant insert on config_revision to {0}",
        "grant insert, update, delete on asset, tag_mapping, calendar, machine_model, config_draft, config_file, config_ignored to {0}",
        "grant update (machine_id, name) on signal to {0}",
        "grant insert, update on command to {0}",
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
            await RunAsync(NobodyCreates);
            foreach (var role in new[] { writer, gateway }.OfType<string>().Distinct())
            {
                await CheckAsync(connection, transaction, role, cancellationToken);
                foreach (var statement in Nothing) await RunAsync(Of(statement, role));
            }

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
            foreach (var role in new[] { writer, gateway }.OfType<string>())
            {
                await CheckLogAsync(connection, transaction, role, cancellationToken);
            }

            await transaction.CommitAsync(cancellationToken);
        }
        catch (PostgresException error)
        {
            throw new SchemaException($"the roles were not granted what they need: {error.MessageText}", error);
        }
    }

    private static async Task CheckAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, string role, CancellationToken cancellationToken)
    {
        await using var ask = new NpgsqlCommand(TooMuch, connection, transaction);
        ask.Parameters.AddWithValue("role", role);
        var answer = await ask.ExecuteScalarAsync(cancellationToken) as string;
        if (answer is null) throw new SchemaException($"there is no role '{role}' in the database");
        if (answer.Length > 0) throw new SchemaException($"the role '{role}' {answer}, so it could not be kept from anything");
    }

    /// <summary>What comes by other ways, such as from a group or from PUBLIC, was not taken back.</summary>
    private static async Task CheckLogAsync(
        NpgsqlConnection connection, NpgsqlTransaction transaction, string role, CancellationToken cancellationToken)
    {
        await using var ask = new NpgsqlCommand(
            """
            select bool_or(has_table_privilege(@role, t, 'INSERT,UPDATE,DELETE,TRUNCATE'))
            from (values ('public.audit_log'), ('public.audit_head')) v(t)
            """, connection, transaction);
        ask.Parameters.AddWithValue("role", role);
        if (await ask.ExecuteScalarAsync(cancellationToken) is not true) return;
        throw new SchemaException(
            $"the role '{role}' may still write to the audit log, by a group it is in or by what everybody may; take that away first");
    }

    private static string Of(string statement, string role) => string.Format(
        System.Globalization.CultureInfo.InvariantCulture, statement, $"\"{role.Replace("\"", "\"\"", StringComparison.Ordinal)}\"");
}
