using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Npgsql;
using OeeOrleans.TestServers;

namespace OeeOrleans.EndToEnd;

/// <summary>Three roles of a database: the owner migrates, silos write, the gateway reads and asks.</summary>
public sealed class DatabaseRoleTests(PlantFixture fixture) : IClassFixture<PlantFixture>
{
    private const string Password = "role-password";

    [Fact]
    public async Task A_gateway_that_is_taken_over_can_neither_migrate_nor_rewrite_the_audit()
    {
        var directory = Directory.CreateTempSubdirectory("oee-roles-").FullName;
        await using var mosquitto = await MosquittoServer.StartAsync();
        var superuser = await fixture.Postgres.CreateDatabaseAsync();
        var suffix = Guid.NewGuid().ToString("N")[..8];
        var owner = await OwnedAsync(superuser, $"owner_{suffix}");
        var (writer, gateway) = ($"writer_{suffix}", $"gateway_{suffix}");
        foreach (var role in new[] { writer, gateway }) await RunAsync(superuser, $"create role {role} login password '{Password}'");
        await using (var migrate = ServerProcess.Start(
            "dotnet", [Oee.Program, "migrate", "--store", owner, "--writer", writer, "--gateway", gateway]))
        {
            await migrate.WaitForExitAsync(TimeSpan.FromSeconds(60));
            Assert.True(migrate.ExitCode == 0, migrate.Output);
        }

        string As(string role) => new NpgsqlConnectionStringBuilder(owner) { Username = role, Password = Password }.ToString();
        var config = Path.Combine(directory, "plant.yaml");
        await File.WriteAllTextAsync(config,
            $$"""
            site: { id: e2e, name: Roles, time_zone: UTC }
            {{TestAccess.Section("e2e")}}
            areas: [{ id: a, lines: [{ id: line1, machines: [{ id: press1, ideal_cycle_s: 0.05, edge_node: e2e/edge1 }] }] }]
            broker: { url: "{{mosquitto.Url}}" }
            store: { connection: "{{As(writer)}}", gateway_connection: "{{As(gateway)}}" }
            data_dir: {{directory}}
            """);
        await using var silo = await Oee.StartAsync(
            "run", ServerProcess.FreePort(), "--config", config, "--role", "grains", "--role", "ingress");
        await using var door = await Oee.StartAsync("run", ServerProcess.FreePort(), "--config", config, "--role", "gateway");
        var published = Path.Combine(directory, "published.jsonl");
        await using var edge = ServerProcess.Start(
            "node", [Path.Combine(Oee.Peers, "edge-qos1.mjs"), mosquitto.Url, "e2e", "edge1", "press1", "20", "5", published]);
        await Eventually.HoldsAsync(
            "samples by the writer", TimeSpan.FromSeconds(30), () => CountAsync(owner, "select count(*) from sample"), n => n > 20);
        await RunAsync(owner, "insert into events(id, machine_id, type, code, ts_start) values ('f1', 'press1', 'fault', 'E1', now())");

        // What a gateway is for works.
        using var ack = await door.Http.PostAsJsonAsync(new Uri(door.Url + "/api/faults/f1/ack"), new { comment = "seen" });
        Assert.Equal(HttpStatusCode.OK, ack.StatusCode);
        using var key = await door.Http.PostAsJsonAsync(
            new Uri(door.Url + "/api/keys"), new { name = "k", grants = new[] { new { role = "dashboard", at = "e2e" } } });
        Assert.Equal(HttpStatusCode.Created, key.StatusCode);
        var verdict = await door.GetAsync("/api/audit/verify");
        Assert.True(verdict.GetProperty("whole").GetBoolean(), verdict.ToString());
        Assert.True(verdict.GetProperty("entries").GetInt32() >= 2);

        // And what somebody in its place would try does not.
        var forbidden = new[]
        {
            "update audit_log set actor = 'somebody'", "delete from audit_log", "truncate audit_log", "drop table audit_log",
            "alter table audit_log disable trigger all", "create table mine(x int)",
            // Called by what runs as the owner, if it could be put there.
            "create function public.to_char(date, text) returns text language sql as 'select $2'",
            "insert into audit_log(id, ts, actor, action, target, detail) overriding system value values (-1, now(), 'a', 'b', 'c', '{}')",
            "insert into audit_log(ts, actor, action, target, detail, seq) values (now(), 'a', 'b', 'c', '{}', 1000)",
            "update audit_head set seq = 0, hash = ''",
            "select oee_audit_append(1, 'x', now(), 'a', 'b', 'c', '{}', null, null)",
            "select oee_audit_append(1000, 'x', now(), 'a', 'b', 'c', '{}', null, null)",
        };
        foreach (var sql in forbidden)
        {
            await RefusedAsync(As(gateway), sql);
            await RefusedAsync(As(writer), sql);
        }

        foreach (var sql in new[]
        {
            "insert into sample(signal_id, ts, quality, ingest_ts) values (1, now(), 192, now())", "delete from events",
            "update events set code = 'none'", "update oee_window set good = 0",
            // The plant is configured through it, but what was configured before stays.
            "delete from config_revision", "update config_revision set author = 'none'", "update signal set datatype = 'none'",
            "delete from signal",
            "delete from schemaversions", "select oee_add_partition('2020-01-01')", "select oee_drop_partition('sample_20200101')",
        })
        {
            await RefusedAsync(As(gateway), sql);
        }

        await RefusedAsync(As(writer), "select oee_drop_partition('audit_log')");
        // The writer's own: days come and go.
        await RunAsync(As(writer), "select oee_add_partition('2020-01-01')");
        await RunAsync(As(writer), "select oee_drop_partition('sample_20200101')");
        Directory.Delete(directory, recursive: true);
    }

    [Theory]
    [InlineData("superuser", "is a superuser")]
    [InlineData("createrole", "may make roles")]
    [InlineData("in role pg_write_all_data", "may still write to the audit log")]
    [InlineData("in role {0}", "is the owner of the schema, or a member of it")]
    [InlineData(null, "there is no role")]
    public async Task A_role_that_could_not_be_kept_from_anything_is_refused(string? rights, string reason)
    {
        var superuser = await fixture.Postgres.CreateDatabaseAsync();
        var suffix = Guid.NewGuid().ToString("N")[..8];
        var owner = await OwnedAsync(superuser, $"owner_{suffix}");
        if (rights is not null)
        {
            var given = string.Format(CultureInfo.InvariantCulture, rights, $"owner_{suffix}");
            await RunAsync(superuser, $"create role gateway_{suffix} {given}");
        }

        var file = Path.GetTempFileName();
        await File.WriteAllTextAsync(file, owner + "\n");
        await using var migrate = ServerProcess.Start(
            "dotnet", [Oee.Program, "migrate", "--store-file", file, "--gateway", $"gateway_{suffix}"]);
        await migrate.WaitForExitAsync(TimeSpan.FromSeconds(60));
        Assert.Equal(1, migrate.ExitCode);
        Assert.Contains(reason, migrate.Output, StringComparison.Ordinal);
        File.Delete(file);
    }

    /// <summary>The database becomes that of a role that is no superuser; as before PostgreSQL 15 everybody may create in it.</summary>
    private static async Task<string> OwnedAsync(string superuser, string owner)
    {
        await RunAsync(superuser, $"create role {owner} login password '{Password}'");
        await RunAsync(superuser, $"alter database \"{new NpgsqlConnectionStringBuilder(superuser).Database}\" owner to {owner}");
        await RunAsync(superuser, $"alter schema public owner to {owner}");
        await RunAsync(superuser, "grant create on schema public to public");
        return new NpgsqlConnectionStringBuilder(superuser) { Username = owner, Password = Password }.ToString();
    }

    private static async Task RefusedAsync(string connection, string sql)
    {
        var error = await Assert.ThrowsAsync<PostgresException>(() => RunAsync(connection, sql));
        Assert.True(error.SqlState is "42501" or "P0001", $"{sql}: {error.SqlState} {error.MessageText}");
    }

    private static async Task RunAsync(string connection, string sql)
    {
        await using var open = new NpgsqlConnection(connection + ";Pooling=false");
        await open.OpenAsync();
        await using var command = new NpgsqlCommand(sql, open);
        await command.ExecuteNonQueryAsync();
    }

    private static async Task<long> CountAsync(string connection, string sql)
    {
        await using var open = new NpgsqlConnection(connection);
        await open.OpenAsync();
        await using var command = new NpgsqlCommand(sql, open);
        return (long)(await command.ExecuteScalarAsync())!;
    }
}
