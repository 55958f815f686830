using System.CommandLine;
using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.Access;
using OeeOrleans.Access.Grants;
using OeeOrleans.Access.Identities;
using OeeOrleans.Access.Keys;
using OeeOrleans.Configuration;
using OeeOrleans.Host.Config;
using OeeOrleans.Host.Hosting;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage;

namespace OeeOrleans.Host.Commands;

/// <summary>
/// What the verbs about users, keys and the audit have in common: `--config` and `--data`, the store behind them, and errors as sentences.
/// They work on the store itself: whoever may read the plant's configuration and key on its machine is its administrator.
/// </summary>
internal sealed class PlantAccess
{
    private readonly Option<string> _config = new("--config")
    {
        Description = "plant.yaml, for the plant model and the store", Required = true,
    };

    private readonly Option<string?> _data = new("--data") { Description = "directory of the embedded store, when it is not the file's" };

    public Command On(Command command)
    {
        command.Add(_config);
        command.Add(_data);
        return command;
    }

    /// <summary>Runs work with the users and keys of the plant.</summary>
    public Task<int> RunAsync(ParseResult parsed, Func<AccessKeeper, AssetTree, Task<int>> work, CancellationToken cancellationToken) =>
        WithStoreAsync(parsed, async (config, store, key) => await work(
            await OpenAsync(config, store, key, cancellationToken), new AssetTree(config.Plant)), cancellationToken);

    /// <summary>The store's plant; null while it has none.</summary>
    public static async Task<PlantModel?> StoredAsync(IStore store, CancellationToken cancellationToken) =>
        (await new PlantChanges(store, TimeProvider.System).ReadAsync(cancellationToken))?.Plant;

    public static Task<AccessKeeper> OpenAsync(
        OeeConfig config, IStore store, PlantKey key, CancellationToken cancellationToken) =>
        AccessServices.OpenAsync(store, config.Plant, config.Access, key, NullLoggerFactory.Instance, cancellationToken);

    /// <summary>Runs work with the store and the plant's key.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="work">What to do.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <param name="readsOnly">The schema is there already, and so is the key: nothing is made.</param>
    public async Task<int> WithStoreAsync(
        ParseResult parsed, Func<OeeConfig, IStore, PlantKey, Task<int>> work, CancellationToken cancellationToken, bool readsOnly = false)
    {
        if (await ConfigLoading.LoadAsync(parsed.GetRequiredValue(_config)) is not { } config) return ExitCode.WrongUsage;
        config = config with { DataDir = parsed.GetValue(_data) ?? config.DataDir };
        try
        {
            DurableLog.PrivateDirectory.Make(config.DataDir);
            var key = readsOnly ? PlantKey.Load(config.AccessKeyPath) : PlantKey.LoadOrCreate(config.AccessKeyPath);
            await using var store = PlantStore.Open(config, key, NullLoggerFactory.Instance);
            if (!readsOnly) await store.MigrateAsync(cancellationToken);
            await AccessRefresher.CheckKeyAsync(store.Access, key, TimeProvider.System, cancellationToken, readsOnly);
            // What is administered is the plant that runs.
            if (!readsOnly && await StoredAsync(store, cancellationToken) is { } stored) config = config with { Plant = stored };
            return await work(config, store, key);
        }
        catch (Exception error) when (error is AccessInputException or PlantKeyException or ConfigException)
        {
            await Console.Error.WriteLineAsync($"oee: {error.Message}");
            return ExitCode.WrongUsage;
        }
        catch (Exception error)
            when (error is StoreUnavailableException or SchemaException or IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"oee: {error.Message}");
            return ExitCode.Failure;
        }
    }
}
