using OeeOrleans.Access;
using OeeOrleans.Access.Keys;
using OeeOrleans.Host.Config;
using OeeOrleans.Storage;

namespace OeeOrleans.Host.Hosting;

/// <summary>Opens the store that a configuration names.</summary>
internal static class PlantStore
{
    public static IStore Open(OeeConfig config, PlantKey key, ILoggerFactory logs) =>
        Open(config, config.Store with { AuditKey = key.AuditKey() }, logs);

    /// <summary>
    /// As <paramref name="options"/> say, and not the configuration; without a key nothing may be added to the audit log.
    /// </summary>
    public static IStore Open(OeeConfig config, StoreOptions options, ILoggerFactory logs) =>
        // The file of a gateway by itself need not tell how silos get in.
        (config.StoreConnection ?? config.GatewayConnection) is { } connection
        ? StoreFactory.Postgres(connection, TimeProvider.System, logs, options)
        : StoreFactory.Sqlite(Path.Combine(config.DataDir, "oee.db"), logs, options);
}
