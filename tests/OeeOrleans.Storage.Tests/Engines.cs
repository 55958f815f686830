using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.TestServers;

namespace OeeOrleans.Storage.Tests;

public sealed class SqliteConformance : StoreConformance
{
    protected override Task<IStore> OpenAsync() =>
        Task.FromResult(StoreFactory.Sqlite(Path.Combine(Path.GetTempPath(), "oee-test-" + Guid.NewGuid().ToString("N"), "oee.db"), NullLoggerFactory.Instance));
}

/// <summary>One server for all tests of the engine; every test has a database of its own.</summary>
public sealed class PostgresFixture : IAsyncLifetime
{
    public PostgresServer Server { get; private set; } = null!;

    public async Task InitializeAsync() => Server = await PostgresServer.StartAsync();

    public async Task DisposeAsync() => await Server.DisposeAsync();
}

public sealed class PostgresConformance(PostgresFixture fixture) : StoreConformance, IClassFixture<PostgresFixture>
{
    protected override async Task<IStore> OpenAsync() => StoreFactory.Postgres(await fixture.Server.CreateDatabaseAsync(), TimeProvider.System, NullLoggerFactory.Instance);
}
