using OeeOrleans.Access;
using OeeOrleans.Access.Keys;
using OeeOrleans.Host.Config;
using OeeOrleans.Storage;

namespace OeeOrleans.Host.Hosting;

/// <summary>Opens the store that a configuration names.</summary>
internal static class PlantStore
{
    public static IStore Open(OeeConfig config, PlantKey key, ILoggerFactory logs)
    {
        var options = config.Store with { AuditKey = key.AuditKey() };
        return config.StoreConnection is { } connection
            ? StoreFactory.Postgres(connection, TimeProvider.System, logs, options)
            : StoreFactory.Sqlite(Path.Combine(config.DataDir, "oee.db"), logs, options);
    }
}
