using System.Data.Common;
using Dapper;
using OeeOrleans.Model;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Storage.Sql;

internal abstract partial class SqlStore : IAccessStore
{
    private const string Touch = "update access_state set version = version + 1 where id = 1";

    private const string SecretColumns =
        "id as Id, kind as Kind, oee_us(created) as CreatedUs, oee_us(expires) as ExpiresUs, public as Public, sealed as Sealed";

    private const string SessionColumns =
        """
        id as Id, user_name as User, stamp as Stamp, oee_us(created) as CreatedUs, oee_us(expires) as ExpiresUs,
        oee_us(revoked) as RevokedUs, refresh_hash as RefreshHash, external as External
        """;

    public IAccessStore Access => this;

    public Task<long> ReadAccessVersionAsync(CancellationToken cancellationToken) => QueryAsync(
        c => c.ExecuteScalarAsync<long>(Command("select version from access_state where id = 1", null, cancellationToken)),
        cancellationToken);

    public Task<AccessData> ReadAccessAsync(long nowUs, CancellationToken cancellationToken) => ChangeAsync(async c =>
    {
        // All of one instant, or a grant could be read of a user who was not.
        await using var transaction = await c.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken);
        Task<IEnumerable<T>> Read<T>(string sql) =>
            c.QueryAsync<T>(
                new CommandDefinition(
                    sql, new { nowUs }, transaction, commandTimeout: QueryTimeoutS, cancellationToken: cancellationToken));
        var version = await Read<long>("select version from access_state where id = 1");
        var users = await Read<UserRow>(
            """
            select name as Name, password_hash as PasswordHash, must_change as MustChange, stamp as Stamp, oee_us(created) as CreatedUs,
              oee_us(disabled) as DisabledUs, failed as Failed, oee_us(locked_until) as LockedUntilUs
            from app_user order by name
            """);
        var keys = await Read<KeyRow>(
            """
            select id as Id, name as Name, hash as Hash, oee_us(created) as CreatedUs, created_by as CreatedBy,
              oee_us(expires) as ExpiresUs, oee_us(revoked) as RevokedUs
            from api_key order by name
            """);
        var grants = await Read<GrantRow>(
            "select identity as Identity, role as Role, at as At from access_grant order by identity, role, at");
        var revoked = await Read<string>("select id from access_session where revoked is not null and expires > oee_ts(@nowUs)");
        var secrets = await Read<SecretRow>($"select {SecretColumns} from access_secret order by created, id");
        return new AccessData(
            version.Single(), [.. users.Select(u => u.ToUser())], [.. keys.Select(k => k.ToKey())], [.. grants.Select(g => g.ToGrant())],
            [.. revoked], [.. secrets.Select(s => s.ToSecret())]);
    }, cancellationToken);

    public Task<bool> AddUserAsync(
        StoredUser user, IReadOnlyList<StoredGrant> grants, AuditEntry audit, CancellationToken cancellationToken) =>
        ChangeAccessAsync(audit, async run =>
        {
            var added = await run(
                """
                insert into app_user(name, password_hash, must_change, stamp, created)
                values (@Name, @PasswordHash, @mustChange, @Stamp, oee_ts(@CreatedUs)) on conflict (name) do nothing
                """,
                new { user.Name, user.PasswordHash, mustChange = user.MustChange ? 1 : 0, user.Stamp, user.CreatedUs });
            if (added == 0) return false;
            foreach (var grant in grants) await run(InsertGrant, grant);
            return true;
        }, cancellationToken);

    public Task<bool> ChangeUserAsync(StoredUser user, string stampBefore, AuditEntry audit, CancellationToken cancellationToken) =>
        ChangeAccessAsync(audit, async run => await run(
            """
            update app_user set password_hash = @PasswordHash, must_change = @mustChange, stamp = @Stamp, disabled = oee_ts(@DisabledUs),
              failed = 0, locked_until = null
            where name = @Name and stamp = @stampBefore
            """,
            new { user.Name, user.PasswordHash, mustChange = user.MustChange ? 1 : 0, user.Stamp, user.DisabledUs, stampBefore }) > 0,
            cancellationToken);

    public Task<int?> NoteSignInAsync(string user, int limit, long lockedUntilUs, CancellationToken cancellationToken) => ChangeAsync(
        async c =>
    {
        await using var transaction = await c.BeginTransactionAsync(cancellationToken);
        Task<int?> Run(string sql) => c.ExecuteScalarAsync<int?>(
            new CommandDefinition(sql, new { user, limit, lockedUntilUs }, transaction, cancellationToken: cancellationToken));
        var failed = await Run(
            """
            update app_user set failed = case when @limit = 0 then 0 else failed + 1 end,
              locked_until = case when @limit > 0 and failed + 1 >= @limit then oee_ts(@lockedUntilUs) end
            where name = @user returning failed
            """);
        await Run(Touch);
        await transaction.CommitAsync(cancellationToken);
        return failed;
    }, cancellationToken);

    public Task SetGrantsAsync(
        string identity, IReadOnlyList<StoredGrant> grants, AuditEntry audit, CancellationToken cancellationToken) =>
        ChangeAccessAsync(audit, async run =>
        {
            await run("delete from access_grant where identity = @identity", new { identity });
            foreach (var grant in grants) await run(InsertGrant, grant);
            return true;
        }, cancellationToken);

    public Task<bool> AddKeyAsync(
        StoredKey key, IReadOnlyList<StoredGrant> grants, AuditEntry audit, CancellationToken cancellationToken) =>
        ChangeAccessAsync(audit, async run =>
        {
            var added = await run(
                """
                insert into api_key(id, name, hash, created, created_by, expires)
                values (@Id, @Name, @Hash, oee_ts(@CreatedUs), @CreatedBy, oee_ts(@ExpiresUs)) on conflict do nothing
                """, key);
            if (added == 0) return false;
            foreach (var grant in grants) await run(InsertGrant, grant);
            return true;
        }, cancellationToken);

    public Task<bool> RevokeKeyAsync(string id, long atUs, AuditEntry audit, CancellationToken cancellationToken) =>
        ChangeAccessAsync(audit, async run =>
            await run("update api_key set revoked = oee_ts(@atUs) where id = @id and revoked is null", new { id, atUs }) > 0,
            cancellationToken);

    public Task AddSessionAsync(StoredSession session, AuditEntry audit, CancellationToken cancellationToken) =>
        // Nobody has to look at it before it is revoked: it is no change that others must hear of.
        ChangeAccessAsync(audit, async run => await run(
            """
            insert into access_session(id, user_name, stamp, created, expires, refresh_hash, external)
            values (@Id, @User, @Stamp, oee_ts(@CreatedUs), oee_ts(@ExpiresUs), @RefreshHash, @External)
            """, session) > 0, cancellationToken, tell: false);

    public Task<StoredSession?> FindSessionAsync(string id, CancellationToken cancellationToken) => QueryAsync(async c =>
        (await c.QueryFirstOrDefaultAsync<SessionRow>(
            Command($"select {SessionColumns} from access_session where id = @id", new { id }, cancellationToken)))?.ToSession(),
        cancellationToken);

    public Task<bool> RotateSessionAsync(string id, string hashBefore, string hash, CancellationToken cancellationToken) => ChangeAsync(
        async c => await c.ExecuteAsync(Command(
            "update access_session set refresh_hash = @hash where id = @id and refresh_hash = @hashBefore and revoked is null",
            new { id, hashBefore, hash }, cancellationToken)) > 0, cancellationToken);

    public Task<bool> RevokeSessionAsync(string id, long atUs, AuditEntry audit, CancellationToken cancellationToken) =>
        ChangeAccessAsync(audit, async run =>
            await run("update access_session set revoked = oee_ts(@atUs) where id = @id and revoked is null", new { id, atUs }) > 0,
            cancellationToken);

    public Task<bool> AddSecretAsync(StoredSecret secret, CancellationToken cancellationToken) =>
        ChangeAccessAsync(null, async run => await run(InsertSecret, secret) > 0, cancellationToken);

    public Task ReplaceSecretAsync(StoredSecret secret, AuditEntry audit, CancellationToken cancellationToken) =>
        ChangeAccessAsync(audit, async run =>
        {
            await run("delete from access_secret where id = @Id", secret);
            return await run(InsertSecret, secret) > 0;
        }, cancellationToken);

    public Task<bool> TakeSecretAsync(string id, CancellationToken cancellationToken) =>
        ChangeAccessAsync(null, async run =>
            await run("delete from access_secret where id = @id", new { id }) > 0, cancellationToken);

    public Task ForgetExpiredAsync(long beforeUs, CancellationToken cancellationToken) => ChangeAsync(async c =>
    {
        await c.ExecuteAsync(Command("delete from access_session where expires < oee_ts(@beforeUs)", new { beforeUs }, cancellationToken));
        return await c.ExecuteAsync(
            Command("delete from access_secret where expires < oee_ts(@beforeUs)", new { beforeUs }, cancellationToken));
    }, cancellationToken);

    private const string InsertSecret =
        """
        insert into access_secret(id, kind, created, expires, public, sealed)
        values (@Id, @Kind, oee_ts(@CreatedUs), oee_ts(@ExpiresUs), @Public, @Sealed) on conflict (id) do nothing
        """;

    private const string InsertGrant =
        "insert into access_grant(identity, role, at) values (@Identity, @Role, @At) on conflict do nothing";

    /// <summary>The work with its audit entry, all or nothing; nothing when the work says that it did nothing.</summary>
    private Task<bool> ChangeAccessAsync(
        AuditEntry? audit, Func<Func<string, object, Task<int>>, Task<bool>> work, CancellationToken cancellationToken, bool tell = true) =>
        ChangeAsync(async c =>
    {
        await using var transaction = await c.BeginTransactionAsync(cancellationToken);
        Task<int> Run(string sql, object? parameters) => c.ExecuteAsync(
            new CommandDefinition(
                sql, parameters, transaction, commandTimeout: QueryTimeoutS, cancellationToken: cancellationToken));
        if (audit is not null) await AuditLog.AppendAsync(c, transaction, Dialect, Chain, [audit], cancellationToken);
        if (!await work(Run)) return false;
        if (tell) await Run(Touch, null);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }, cancellationToken);

    private sealed class UserRow
    {
        public string Name { get; set; } = "";
        public string PasswordHash { get; set; } = "";
        public int MustChange { get; set; }
        public string Stamp { get; set; } = "";
        public long CreatedUs { get; set; }
        public long? DisabledUs { get; set; }
        public int Failed { get; set; }
        public long? LockedUntilUs { get; set; }

        public StoredUser ToUser() => new(Name, PasswordHash, Stamp, CreatedUs)
        {
            MustChange = MustChange != 0, DisabledUs = DisabledUs, Failed = Failed, LockedUntilUs = LockedUntilUs,
        };
    }

    private sealed class KeyRow
    {
        public string Id { get; set; } = "";
        public string Name { get; set; } = "";
        public string Hash { get; set; } = "";
        public long CreatedUs { get; set; }
        public string CreatedBy { get; set; } = "";
        public long? ExpiresUs { get; set; }
        public long? RevokedUs { get; set; }

        public StoredKey ToKey() => new(Id, Name, Hash, CreatedUs, CreatedBy, ExpiresUs, RevokedUs);
    }

    private sealed class GrantRow
    {
        public string Identity { get; set; } = "";
        public string Role { get; set; } = "";
        public string At { get; set; } = "";

        public StoredGrant ToGrant() => new(Identity, Role, At);
    }

    private sealed class SessionRow
    {
        public string Id { get; set; } = "";
        public string User { get; set; } = "";
        public string Stamp { get; set; } = "";
        public long CreatedUs { get; set; }
        public long ExpiresUs { get; set; }
        public long? RevokedUs { get; set; }
        public string? RefreshHash { get; set; }
        public string? External { get; set; }

        public StoredSession ToSession() => new(Id, User, Stamp, CreatedUs, ExpiresUs, RevokedUs, RefreshHash, External);
    }

    private sealed class SecretRow
    {
        public string Id { get; set; } = "";
        public string Kind { get; set; } = "";
        public long CreatedUs { get; set; }
        public long? ExpiresUs { get; set; }
        public string? Public { get; set; }
        public string Sealed { get; set; } = "";

        public StoredSecret ToSecret() => new(Id, Kind, CreatedUs, ExpiresUs, Public, Sealed);
    }
}
