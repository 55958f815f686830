using Microsoft.Extensions.Logging;
using OeeOrleans.Storage.Postgres;
using OeeOrleans.Storage.Sqlite;

namespace OeeOrleans.Storage;

/// <summary>Opens the engine a configuration asks for.</summary>
public static class StoreFactory
{
    /// <summary>Connections that membership, reminders and state of the cluster get beside those of the store.</summary>
    public const int ClusterConnections = 3;

    /// <summary>PostgreSQL (15 or later, TimescaleDB or plain).</summary>
    public static IStore Postgres(string connectionString, TimeProvider clock, ILoggerFactory logs, StoreOptions? options = null) =>
        new PostgresStore(connectionString, options ?? new StoreOptions(), clock, logs.CreateLogger("OeeOrleans.Storage.Postgres"));

    /// <summary>SQLite in one file, made when it is not there.</summary>
    public static IStore Sqlite(string path, ILoggerFactory logs, StoreOptions? options = null) =>
        new SqliteStore(path, options ?? new StoreOptions(), logs.CreateLogger("OeeOrleans.Storage.Sqlite"));
}
