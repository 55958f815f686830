using Microsoft.Extensions.Logging;
using Npgsql;
using OeeOrleans.Storage.Sql;

namespace OeeOrleans.Storage.Postgres;

/// <summary>What the schema was made for; it stays so.</summary>
internal enum PostgresFlavor
{
    Plain,
    Timescale,
}

/// <summary>Brings a PostgreSQL database up to date. TimescaleDB is used where the server has it when the schema is first made.</summary>
internal sealed class PostgresMigration(NpgsqlDataSource source, string connectionString, StoreOptions options, ILogger log)
{
    /// <summary>Several processes may start at once; one migrates, the others wait and find nothing to do.</summary>
    private const long MigrationLock = 0x6F65_6501;

    private const int TimeoutS = 3600;

    /// <summary>The flavor of a database; null when it has no schema, or one from before there were flavors.</summary>
    public static async Task<PostgresFlavor?> FlavorOfAsync(NpgsqlDataSource source, CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        return await FlavorOfAsync(connection, cancellationToken);
    }

    /// <returns>How many scripts ran.</returns>
    public async Task<int> RunAsync(CancellationToken cancellationToken)
    {
        await using var connection = await source.OpenConnectionAsync(cancellationToken);
        await ExecuteAsync(connection, $"select pg_advisory_lock({MigrationLock})", cancellationToken);
        try
        {
            var before = await FlavorOfAsync(connection, cancellationToken);
            var flavor = before ?? await ChooseAsync(connection, cancellationToken);
            if (before == PostgresFlavor.Plain && await ExtensionAsync(connection, cancellationToken)) Log.TimescaleUnused(log);
            // Not the data source's own: that one keeps the password to itself. Nor a pool, which would keep its connection for minutes.
            var target = DbUp.DeployChanges.To.PostgresqlDatabase(connectionString + ";Pooling=false");
            var scripts = SqlMigrations.Run(
                target.WithExecutionTimeout(TimeSpan.FromSeconds(TimeoutS)),
                "postgres", flavor == PostgresFlavor.Timescale ? "timescale" : "plain", "orleans");
            if (before is null && flavor == PostgresFlavor.Timescale && options.SpacePartitions > 1)
            {
                await ExecuteAsync(
                    connection, $"select add_dimension('sample', by_hash('signal_id', {options.SpacePartitions}))", cancellationToken);
            }

            return scripts;
        }
        finally
        {
            await ExecuteAsync(connection, $"select pg_advisory_unlock({MigrationLock})", CancellationToken.None);
        }
    }

    private static async Task<PostgresFlavor?> FlavorOfAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(
            "select case when to_regclass('rollup_state') is not null then 0 when to_regclass('sample_1m') is not null then 1 end",
            connection);
        return await command.ExecuteScalarAsync(cancellationToken) is int flavor ? (PostgresFlavor)flavor : null;
    }

    private static async Task<bool> ExtensionAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("select exists (select 1 from pg_extension where extname = 'timescaledb')", connection);
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    private async Task<PostgresFlavor> ChooseAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        if (await ExtensionAsync(connection, cancellationToken)) return PostgresFlavor.Timescale;
        await using var command = new NpgsqlCommand(
            "select exists (select 1 from pg_available_extensions where name = 'timescaledb')", connection);
        if (await command.ExecuteScalarAsync(cancellationToken) is not true) return PostgresFlavor.Plain;
        try
        {
            await ExecuteAsync(connection, "create extension timescaledb", cancellationToken);
            return PostgresFlavor.Timescale;
        }
        catch (PostgresException error)
        {
            Log.NoTimescale(log, error.MessageText);
            return PostgresFlavor.Plain;
        }
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = TimeoutS };
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}
