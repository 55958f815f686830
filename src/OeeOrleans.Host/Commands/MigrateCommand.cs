using System.CommandLine;
using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.Storage;

namespace OeeOrleans.Host.Commands;

/// <summary>`oee migrate --store CONNECTION|--store-file FILE`: brings a database to the current schema; safe to repeat.</summary>
internal static class MigrateCommand
{
    public static Command Create()
    {
        var connection = new Option<string>("--store")
        {
            Description = "PostgreSQL connection string, or the path of a SQLite file; everybody on this machine sees it while it runs",
        };
        var file = new Option<FileInfo>("--store-file") { Description = "a file that holds the connection string, in place of --store" };
        file.AcceptExistingOnly();
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
            connection, file, space, writer, gateway,
        };
        command.Validators.Add(r =>
        {
            if ((r.GetResult(connection) is null) == (r.GetResult(file) is null)) r.AddError("give either --store or --store-file");
        });
        command.SetAction(async (parsed, cancellationToken) =>
        {
            try
            {
                var target = parsed.GetValue(file) is { } from
                    ? (await File.ReadAllTextAsync(from.FullName, cancellationToken)).Trim()
                    : parsed.GetRequiredValue(connection);
                if (!target.Contains('=', StringComparison.Ordinal) && (parsed.GetValue(writer) ?? parsed.GetValue(gateway)) is not null)
                {
                    throw new ArgumentException("SQLite has no roles: leave --writer and --gateway out");
                }

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
                when (error is StoreUnavailableException or SchemaException or InvalidOperationException or ArgumentException or IOException
                    or UnauthorizedAccessException)
            {
                await Console.Error.WriteLineAsync($"oee: cannot migrate: {error.Message}");
                return ExitCode.Failure;
            }
        });
        return command;
    }
}
