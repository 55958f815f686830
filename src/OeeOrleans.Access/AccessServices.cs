using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OeeOrleans.Access.Audit;
using OeeOrleans.Access.Grants;
using OeeOrleans.Access.Identities;
using OeeOrleans.Access.Keys;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Access;

/// <summary>Adds this room to a host, or opens it without one.</summary>
public static class AccessServices
{
    /// <summary>What the chain's key is derived for.</summary>
    private const string AuditPurpose = "oee audit chain";

    public static byte[] AuditKey(this PlantKey key) => key.Derive(AuditPurpose);

    /// <param name="services">With an <see cref="IStore"/> and a <see cref="TimeProvider"/>.</param>
    /// <param name="plant">The plant.</param>
    /// <param name="options">The section `access`.</param>
    /// <param name="key">The plant's key.</param>
    public static IServiceCollection AddAccess(
        this IServiceCollection services, PlantModel plant, AccessOptions options, PlantKey key)
    {
        services.AddSingleton(options);
        services.AddSingleton(key);
        services.AddSingleton(new AuditChain(key.AuditKey()));
        services.AddSingleton(s => s.GetRequiredService<IStore>().Access);
        services.AddSingleton(s => new AccessDirectory(new AssetTree(plant), options, s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<AccessRefresher>();
        services.AddSingleton<RefusalLog>();
        services.AddSingleton<SignIn>();
        services.AddSingleton<Tokens>();
        services.AddSingleton<AccessKeeper>();
        services.AddSingleton<CommandKey>();
        services.AddHostedService(s => s.GetRequiredService<AccessRefresher>());
        services.AddHostedService(s => s.GetRequiredService<RefusalLog>());
        return services;
    }

    /// <summary>Writes down where the audit log ends; in every process, so that whoever holds one of them holds not all.</summary>
    public static IServiceCollection AddAuditAnchors(this IServiceCollection services, string dataDirectory)
    {
        services.AddSingleton(s => new AuditAnchors(
            Path.Combine(dataDirectory, AuditAnchors.FileName), s.GetRequiredService<IStore>().Access,
            s.GetRequiredService<TimeProvider>(), s.GetRequiredService<ILogger<AuditAnchors>>()));
        return services.AddSingleton<IHostedService>(s => s.GetRequiredService<AuditAnchors>());
    }

    /// <summary>The key for commands to PLCs, for a command that ends soon.</summary>
    /// <exception cref="StoreUnavailableException">The store is away.</exception>
    /// <exception cref="PlantKeyException">The store belongs to another plant key.</exception>
    public static async Task<CommandKey> OpenCommandKeyAsync(
        IStore store, PlantModel plant, AccessOptions options, PlantKey key, ILoggerFactory logs, CancellationToken cancellationToken)
    {
        var (directory, refresher) = await ReadAsync(store, plant, options, key, logs, cancellationToken);
        return new CommandKey(store.Access, directory, refresher, key, TimeProvider.System);
    }

    /// <summary>Users, keys and grants for a command that ends soon: read once, nothing runs beside it.</summary>
    /// <exception cref="StoreUnavailableException">The store is away.</exception>
    /// <exception cref="PlantKeyException">The store belongs to another plant key.</exception>
    public static async Task<AccessKeeper> OpenAsync(
        IStore store, PlantModel plant, AccessOptions options, PlantKey key, ILoggerFactory logs, CancellationToken cancellationToken)
    {
        var (directory, refresher) = await ReadAsync(store, plant, options, key, logs, cancellationToken);
        return new AccessKeeper(store.Access, directory, refresher, TimeProvider.System);
    }

    private static async Task<(AccessDirectory Directory, AccessRefresher Refresher)> ReadAsync(
        IStore store, PlantModel plant, AccessOptions options, PlantKey key, ILoggerFactory logs, CancellationToken cancellationToken)
    {
        var clock = TimeProvider.System;
        var directory = new AccessDirectory(new AssetTree(plant), options, clock);
        var refresher = new AccessRefresher(store.Access, directory, key, options, clock, logs.CreateLogger<AccessRefresher>());
        await AccessRefresher.CheckKeyAsync(store.Access, key, clock, cancellationToken);
        await refresher.RefreshAsync(cancellationToken);
        return (directory, refresher);
    }
}
