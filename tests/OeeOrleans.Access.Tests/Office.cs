using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OeeOrleans.Access.Audit;
using OeeOrleans.Access.Grants;
using OeeOrleans.Access.Identities;
using OeeOrleans.Access.Keys;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Access.Tests;

/// <summary>One gateway's part of this room, over an embedded store, with a clock of its own.</summary>
internal sealed class Office : IAsyncDisposable
{
    public const string Password = "correct horse";

    private readonly AccessOptions _options;

    private Office(string file, IStore store, PlantKey key, AccessOptions options, FakeTimeProvider clock)
    {
        (DatabaseFile, Store, Key, _options, Clock) = (file, store, key, options, clock);
        Known = new AccessDirectory(new AssetTree(Plants.Small), options, clock);
        Refresher = new AccessRefresher(Access, Known, key, options, clock, NullLogger<AccessRefresher>.Instance);
        Refusals = new RefusalLog(Access, clock, NullLogger<RefusalLog>.Instance);
        SignIn = new SignIn(Access, Known, Refresher, Refusals, options, clock, NullLogger<SignIn>.Instance);
        Tokens = new Tokens(Access, Known, Refresher, SignIn, key, options, clock, NullLogger<Tokens>.Instance);
        Keeper = new AccessKeeper(Access, Known, Refresher, clock);
    }

    public string DatabaseFile { get; }

    public IStore Store { get; }

    public IAccessStore Access => Store.Access;

    public PlantKey Key { get; }

    public FakeTimeProvider Clock { get; }

    public AccessDirectory Known { get; }

    public AccessRefresher Refresher { get; }

    public RefusalLog Refusals { get; }

    public SignIn SignIn { get; }

    public Tokens Tokens { get; }

    public AccessKeeper Keeper { get; }

    public static async Task<Office> OpenAsync(AccessOptions? options = null)
    {
        var key = PlantKey.Random();
        var file = Path.Combine(Directory.CreateTempSubdirectory("oee-access-").FullName, "oee.db");
        var store = StoreFactory.Sqlite(file, NullLoggerFactory.Instance, new StoreOptions { AuditKey = key.AuditKey() });
        await store.MigrateAsync(default);
        var clock = new FakeTimeProvider(new DateTimeOffset(2026, 11, 28, 8, 0, 0, TimeSpan.Zero));
        var office = new Office(file, store, key, options ?? new AccessOptions(), clock);
        await office.Refresher.RefreshAsync(default);
        return office;
    }

    /// <summary>Another gateway of the same plant.</summary>
    public async Task<Office> AnotherAsync()
    {
        var other = new Office(DatabaseFile, Store, Key, _options, Clock);
        await other.Refresher.RefreshAsync(default);
        return other;
    }

    /// <summary>A user with a password of its own.</summary>
    public Task AddAsync(string name, params Grant[] grants) =>
        Keeper.AddUserAsync(Doer.CommandLine, name, Password, grants, mustChange: false, default);

    public async Task<TokenPair> SignInAsync(string name)
    {
        var (result, user) = await SignIn.CheckAsync(name, Password, "test", default);
        Assert.Equal(SignInResult.Ok, result);
        return await Tokens.OpenAsync(user!, "test", default);
    }

    /// <summary>Action and actor of every entry, oldest first.</summary>
    public async Task<List<string>> AuditAsync() =>
        [.. (await Access.ReadChainAsync(0, 1000, default)).Entries.Select(e => $"{e.Entry.Action} {e.Entry.Target}")];

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        Directory.Delete(Path.GetDirectoryName(DatabaseFile)!, recursive: true);
    }
}
