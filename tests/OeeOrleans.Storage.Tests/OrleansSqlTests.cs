using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace OeeOrleans.Storage.Tests;

/// <summary>
/// The statements Orleans' providers read from OrleansQuery: that they work is shown by every cluster; here is that they refuse what a silo
/// with an old picture asks for.
/// </summary>
public sealed class OrleansSqlTests(PostgresFixture fixture) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    private NpgsqlConnection _connection = null!;

    public async Task InitializeAsync()
    {
        var connection = await fixture.Server.CreateDatabaseAsync();
        await using var store = StoreFactory.Postgres(connection, TimeProvider.System, NullLoggerFactory.Instance);
        await store.MigrateAsync(CancellationToken.None);
        _connection = new NpgsqlConnection(connection);
        await _connection.OpenAsync();
    }

    public async Task DisposeAsync() => await _connection.DisposeAsync();

    [Fact]
    public async Task Membership_changes_with_the_newest_version_only()
    {
        Assert.Equal(1, await RunAsync("InsertMembershipVersionKey", ("DeploymentId", "d")));
        Assert.Equal(0, await RunAsync("InsertMembershipVersionKey", ("DeploymentId", "d")));
        (string, object?)[] Silo(int port, int version) =>
        [
            (
                "DeploymentId", "d"), (
                    "Address", "127.0.0.1"), (
                        "Port", port), ("Generation", 7), ("SiloName", "s"), ("HostName", "h"), ("Status", 3), ("ProxyPort", 30000),
            ("StartTime", DateTime.UtcNow), ("IAmAliveTime", DateTime.UtcNow), ("Version", version), ("SuspectTimes", "x"),
        ];
        Assert.Equal(1, await RunAsync("InsertMembershipKey", Silo(1, 0)));
        Assert.Equal(0, await RunAsync("InsertMembershipKey", Silo(2, 0)));
        Assert.Equal(0, await RunAsync("InsertMembershipKey", Silo(1, 1)));
        Assert.Equal(1, await RunAsync("InsertMembershipKey", Silo(2, 1)));
        Assert.Equal(0, await RunAsync("UpdateMembershipKey", Silo(2, 1)));
        Assert.Equal(1, await RunAsync("UpdateMembershipKey", Silo(2, 2)));
        Assert.Equal(2L, await ScalarAsync("select count(*) from OrleansMembershipTable"));
        Assert.Equal(3, await ScalarAsync("select Version from OrleansMembershipVersionTable"));
    }

    [Fact]
    public async Task Of_two_writers_with_one_version_one_is_told_no()
    {
        (string, object?)[] State(int? version, string payload) =>
        [
            (
                "GrainIdHash", 1), (
                    "GrainIdN0", 2L), (
                        "GrainIdN1", 3L), (
                            "GrainTypeHash", 4), ("GrainTypeString", "t"), ("GrainIdExtensionString", null), ("ServiceId", "s"),
            ("GrainStateVersion", version), ("PayloadBinary", System.Text.Encoding.UTF8.GetBytes(payload)),
        ];
        Assert.Equal(1, await RunAsync("WriteToStorageKey", State(null, "first")));
        Assert.Null(await RunAsync("WriteToStorageKey", State(null, "second")));
        Assert.Equal(2, await RunAsync("WriteToStorageKey", State(1, "third")));
        // The version it had: the provider takes that as a conflict.
        Assert.Equal(1, await RunAsync("WriteToStorageKey", State(1, "fourth")));
        Assert.Equal("third", await ScalarAsync("select convert_from(PayloadBinary, 'UTF8') from OrleansStorage"));
        Assert.Equal(3, await RunAsync("ClearStorageKey", State(2, "")));
        Assert.Null(await RunAsync("DeleteStorageKey", State(2, "")));
        Assert.Equal(4, await RunAsync("DeleteStorageKey", State(3, "")));
        Assert.Equal(0L, await ScalarAsync("select count(*) from OrleansStorage"));
    }

    [Fact]
    public async Task Reminders_are_found_by_ranges_of_the_ring_also_over_its_end()
    {
        foreach (var (id, hash) in new[] { ("low", -100), ("mid", 0), ("high", 100) })
        {
            await RunAsync(
                "UpsertReminderRowKey", ("ServiceId", "s"), ("GrainId", id), ("ReminderName", "r"), ("StartTime", DateTime.UtcNow),
                ("Period", 60_000), ("GrainHash", hash));
        }

        Assert.Equal(
            1,
            await RunAsync(
                "UpsertReminderRowKey", ("ServiceId", "s"), ("GrainId", "mid"), ("ReminderName", "r"), ("StartTime", DateTime.UtcNow),
                ("Period", 60_000), ("GrainHash", 0)));
        Assert.Equal("mid", await RunAsync("ReadRangeRows1Key", ("ServiceId", "s"), ("BeginHash", -100), ("EndHash", 99)));
        Assert.Equal("high", await RunAsync("ReadRangeRows2Key", ("ServiceId", "s"), ("BeginHash", 50), ("EndHash", -101)));
        Assert.Equal(
            0, await RunAsync("DeleteReminderRowKey", ("ServiceId", "s"), ("GrainId", "mid"), ("ReminderName", "r"), ("Version", 0)));
        Assert.Equal(
            1, await RunAsync("DeleteReminderRowKey", ("ServiceId", "s"), ("GrainId", "mid"), ("ReminderName", "r"), ("Version", 1)));
    }

    private async Task<object?> RunAsync(string key, params (string Name, object? Value)[] parameters)
    {
        await using var command = new NpgsqlCommand(
            (string)(await ScalarAsync($"select QueryText from OrleansQuery where QueryKey = '{key}'"))!, _connection);
        foreach (var (name, value) in parameters)
        {
            command.Parameters.Add(
                new NpgsqlParameter(name, value ?? DBNull.Value)
                {
                    NpgsqlDbType = value is null ? TypeOf(name) : new NpgsqlParameter("x", value).NpgsqlDbType,
                });
        }

        return await command.ExecuteScalarAsync() is { } result && result is not DBNull ? result : null;
    }

    private async Task<object?> ScalarAsync(string sql)
    {
        await using var command = new NpgsqlCommand(sql, _connection);
        return await command.ExecuteScalarAsync();
    }

    private static NpgsqlTypes.NpgsqlDbType TypeOf(string name) =>
        name == "GrainStateVersion" ? NpgsqlTypes.NpgsqlDbType.Integer : NpgsqlTypes.NpgsqlDbType.Text;
}
