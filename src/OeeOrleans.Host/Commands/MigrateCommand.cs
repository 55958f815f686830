using System.CommandLine;
using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.Storage;

namespace OeeOrleans.Host.Commands;

/// <summary>`oee migrate --store CONNECTION`: brings a database to the current schema; safe to repeat.</summary>
internal static class MigrateCommand
{
    public static Command Create()
    {
        var connection = new Option<string>("--store")
        {
            Description = "PostgreSQL connection string, or the path of a SQLite file", Required = true,
        };
        var space = new Option<int>("--space-partitions")
        {
            Description = "TimescaleDB, a database without a schema only: divide chunks by signal as well (0: no)",
        };
        space.Validators.Add(r =>
        {
            if (r.GetValueOrDefault<int>() is < 0 or > 64) r.AddError("--space-partitions must be from 0 to 64");
        });
        var writer = new Option<string?>("--writer") { Description = "a role of the database, not its owner, that is to serve silos" };
        var gateway = new Option<string?>("--gateway") { Description = "a role of the database that is to serve gateways by themselves" };
        var command = new Command("migrate", "brings a database to the current schema; safe to repeat")
        {
            connection, space, writer, gateway,
        };
        command.SetAction(async (parsed, cancellationToken) =>
        {
            var target = parsed.GetRequiredValue(connection);
            try
            {
                await using var store = target.Contains('=', StringComparison.Ordinal)
                    ? StoreFactory.Postgres(
                        target, TimeProvider.System, NullLoggerFactory.Instance,
                        new StoreOptions
                        {
                            SpacePartitions = parsed.GetValue(space),
                            WriterRole = parsed.GetValue(writer),
                            GatewayRole = parsed.GetValue(gateway),
                        })
                    : StoreFactory.Sqlite(target, NullLoggerFactory.Instance);
                await store.MigrateAsync(cancellationToken);
                await Console.Out.WriteLineAsync("the schema is up to date");
                return ExitCode.Success;
            }
            catch (Exception error)
                when (error is StoreUnavailableException or SchemaException or InvalidOperationException or ArgumentException)
            {
                await Console.Error.WriteLineAsync($"oee: cannot migrate: {error.Message}");
                return ExitCode.Failure;
            }
        });
        return command;
    }
}
