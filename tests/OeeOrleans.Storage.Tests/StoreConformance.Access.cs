using OeeOrleans.Model;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Storage.Tests;

/// <summary>Users, keys, grants, sessions, and the audit log's chain.</summary>
public abstract partial class StoreConformance
{
    private static readonly StoredUser Anna = new("anna", "hash", "stamp1", T0) { MustChange = true };

    private IAccessStore Access => Store.Access;

    [Fact]
    public async Task A_user_comes_back_with_its_grants_and_is_there_once()
    {
        var grants = new[] { new StoredGrant("user:anna", "scada", "line1"), new StoredGrant("user:anna", "dashboard", "site") };
        Assert.True(await Access.AddUserAsync(Anna, grants, Deed("user.add"), CancellationToken.None));
        Assert.False(await Access.AddUserAsync(Anna with { Stamp = "other" }, [], Deed("user.add"), CancellationToken.None));
        var data = await Access.ReadAccessAsync(T0, CancellationToken.None);
        Assert.Equal(Anna, Assert.Single(data.Users));
        Assert.Equal(grants.OrderBy(g => g.Role), data.Grants);
        // What was not done is not said.
        Assert.Single(await AuditAsync(null));
    }

    [Fact]
    public async Task A_user_that_somebody_else_changed_meanwhile_is_not_changed()
    {
        await Access.AddUserAsync(Anna, [], Deed("user.add"), CancellationToken.None);
        var changed = Anna with { PasswordHash = "new", Stamp = "stamp2", DisabledUs = T0 + 5, MustChange = false };
        Assert.True(await Access.ChangeUserAsync(changed, "stamp1", Deed("user.password"), CancellationToken.None));
        Assert.False(await Access.ChangeUserAsync(Anna with { Stamp = "stamp3" }, "stamp1", Deed("x"), CancellationToken.None));
        Assert.Equal(changed, Assert.Single((await Access.ReadAccessAsync(T0, CancellationToken.None)).Users));
    }

    [Fact]
    public async Task Sign_ins_that_fail_in_a_row_lock_a_user_and_a_good_one_forgets_them()
    {
        await Access.AddUserAsync(Anna, [], Deed("user.add"), CancellationToken.None);
        Assert.Equal(1, await Access.NoteSignInAsync("anna", 2, T0 + 60, CancellationToken.None));
        Assert.Null(Assert.Single((await Access.ReadAccessAsync(T0, CancellationToken.None)).Users).LockedUntilUs);
        Assert.Equal(2, await Access.NoteSignInAsync("anna", 2, T0 + 60, CancellationToken.None));
        Assert.Equal(T0 + 60, Assert.Single((await Access.ReadAccessAsync(T0, CancellationToken.None)).Users).LockedUntilUs);
        Assert.Equal(0, await Access.NoteSignInAsync("anna", 0, 0, CancellationToken.None));
        Assert.Equal(Anna, Assert.Single((await Access.ReadAccessAsync(T0, CancellationToken.None)).Users));
        Assert.Null(await Access.NoteSignInAsync("nobody", 2, T0, CancellationToken.None));
    }

    [Fact]
    public async Task A_key_is_revoked_once()
    {
        var key = new StoredKey("ab12", "reader", "hash", T0, "user:anna", T0 + 100, null);
        Assert.True(await Access.AddKeyAsync(key, [new StoredGrant("key:ab12", "dashboard", "site")], Deed("key.add"), default));
        Assert.False(await Access.AddKeyAsync(key with { Id = "cd34" }, [], Deed("key.add"), default));
        Assert.Equal(key, Assert.Single((await Access.ReadAccessAsync(T0, default)).Keys));
        Assert.True(await Access.RevokeKeyAsync("ab12", T0 + 7, Deed("key.revoke"), default));
        Assert.False(await Access.RevokeKeyAsync("ab12", T0 + 9, Deed("key.revoke"), default));
        Assert.Equal(T0 + 7, Assert.Single((await Access.ReadAccessAsync(T0, default)).Keys).RevokedUs);
        Assert.Equal(["key.revoke", "key.add"], (await AuditAsync(null)).Select(a => a.Action));
    }

    [Fact]
    public async Task A_refresh_token_is_taken_back_for_another_one_once()
    {
        var session = new StoredSession("s1", "anna", "stamp1", T0, T0 + 1000, null, "h1", null);
        await Access.AddSessionAsync(session, Deed("sign_in"), default);
        Assert.Equal(session, await Access.FindSessionAsync("s1", default));
        Assert.True(await Access.RotateSessionAsync("s1", "h1", "h2", default));
        Assert.False(await Access.RotateSessionAsync("s1", "h1", "h3", default));
        Assert.True(await Access.RevokeSessionAsync("s1", T0 + 5, Deed("sign_out"), default));
        Assert.False(await Access.RevokeSessionAsync("s1", T0 + 6, Deed("sign_out"), default));
        Assert.False(await Access.RotateSessionAsync("s1", "h2", "h3", default));
        Assert.Equal(["s1"], (await Access.ReadAccessAsync(T0 + 10, default)).RevokedSessions);
        Assert.Empty((await Access.ReadAccessAsync(T0 + 1001, default)).RevokedSessions);
        await Access.ForgetExpiredAsync(T0 + 1001, default);
        Assert.Null(await Access.FindSessionAsync("s1", default));
    }

    [Fact]
    public async Task Every_change_that_others_must_hear_of_makes_another_version()
    {
        async Task<bool> TellsAsync(Func<Task> change)
        {
            var before = await Access.ReadAccessVersionAsync(default);
            await change();
            return await Access.ReadAccessVersionAsync(default) > before;
        }

        Assert.True(await TellsAsync(() => Access.AddUserAsync(Anna, [], Deed("a"), default)));
        Assert.True(await TellsAsync(() => Access.ChangeUserAsync(Anna with { Stamp = "s2" }, "stamp1", Deed("a"), default)));
        Assert.True(await TellsAsync(() => Access.SetGrantsAsync("user:anna", [new("user:anna", "admin", "site")], Deed("a"), default)));
        Assert.True(await TellsAsync(() => Access.NoteSignInAsync("anna", 1, T0, default)));
        Assert.True(await TellsAsync(() => Access.AddKeyAsync(new("k", "k", "h", T0, "x", null, null), [], Deed("a"), default)));
        Assert.True(await TellsAsync(() => Access.RevokeKeyAsync("k", T0, Deed("a"), default)));
        Assert.True(await TellsAsync(() => Access.AddSecretAsync(new("x", "y", T0, null, null, "z"), default)));
        Assert.True(await TellsAsync(() => Access.TakeSecretAsync("x", default)));
        var session = new StoredSession("s", "anna", "s2", T0, T0 + 9, null, null, null);
        Assert.False(await TellsAsync(() => Access.AddSessionAsync(session, Deed("a"), default)));
        Assert.True(await TellsAsync(() => Access.RevokeSessionAsync("s", T0, Deed("a"), default)));
    }

    [Fact]
    public async Task Audit_entries_of_every_kind_are_one_chain_whoever_writes_them()
    {
        var fault = new FaultEvent { Machine = "m1", Code = "E1", StartUs = T0, Severity = 300 };
        await Store.CommitAsync([new ResultUnit { Faults = [fault], Audit = [Deed("in.a.group"), Deed("in.a.group")] }], default);
        await Store.AcknowledgeFaultAsync(fault.Id, Deed("fault.ack"), default);
        await Access.AddUserAsync(Anna, [], Deed("user.add"), default);
        await Access.AppendAuditAsync(
            [Deed("by.itself") with { Asset = "line1", Origin = "10.0.0.7", Detail = "{\"odd\":\"\0 \ud800 ä\"}" }], default);
        // At the same time, as processes do.
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Access.AppendAuditAsync([Deed($"at.once.{i}")], default)));
        var (entries, head) = await Access.ReadChainAsync(0, 100, default);
        Assert.Equal(25, entries.Count);
        var (chain, hash) = (new AuditChain(ReadOnlyMemory<byte>.Empty), AuditChain.Beginning);
        foreach (var (entry, place) in entries.Select((e, i) => (e, i + 1)))
        {
            Assert.Equal(place, entry.Seq);
            hash = chain.Next(hash, place, entry.Entry);
            Assert.Equal(hash, entry.Hash);
        }

        Assert.Equal(new AuditHead(25, hash), head);
    }

    [Fact]
    public async Task An_entry_that_is_reported_again_stands_in_the_audit_log_once()
    {
        var report = new AuditEntry(T0, "edge:g/n", "plc.write", "d/x", "{}") { OnceKey = "g/n:r1" };
        await Store.CommitAsync([new TelemetryUnit { Owner = "g/n", Audit = [report] }], default);
        await Store.CommitAsync(
            [new TelemetryUnit { Owner = "g/n", Audit = [report, report with { OnceKey = "g/n:r2" }, report] }], default);
        var found = await Store.Access.SearchAuditAsync(new AuditQuery(10) { Action = "plc." }, default);
        Assert.Equal(2, found.Count);
        var (entries, head) = await Store.Access.ReadChainAsync(long.MinValue, 10, default);
        Assert.Equal(head.Seq, entries[^1].Seq);
    }

    [Fact]
    public async Task The_audit_log_is_searched_by_everything_it_says()
    {
        await Access.AppendAuditAsync(
            [
                Deed("fault.ack") with { Target = "f1", Asset = "m1", Actor = "user:anna" },
                Deed("fault.shelve") with { Target = "f2", Asset = "m2", AtUs = T0 + 10 },
                Deed("user.add") with { Target = "bea", AtUs = T0 + 20 },
            ], default);
        async Task<IEnumerable<string>> FindAsync(AuditQuery query) =>
            (await Access.SearchAuditAsync(query, default)).Select(e => e.Entry.Action);
        Assert.Equal(["user.add", "fault.shelve", "fault.ack"], await FindAsync(new AuditQuery(10)));
        Assert.Equal(["user.add"], await FindAsync(new AuditQuery(1)));
        Assert.Equal(["fault.shelve", "fault.ack"], await FindAsync(new AuditQuery(10) { Action = "fault." }));
        Assert.Equal(["fault.ack"], await FindAsync(new AuditQuery(10) { Actor = "user:anna" }));
        Assert.Equal(["fault.shelve"], await FindAsync(new AuditQuery(10) { Target = "f2" }));
        Assert.Equal(["fault.shelve"], await FindAsync(new AuditQuery(10) { FromUs = T0 + 10, ToUs = T0 + 20 }));
        Assert.Equal(["fault.shelve"], await FindAsync(new AuditQuery(10) { Assets = ["m2", "m3"] }));
        Assert.Empty(await FindAsync(new AuditQuery(10) { Assets = [] }));
        var newest = (await Access.SearchAuditAsync(new AuditQuery(1), default))[0].Id;
        Assert.Equal(["fault.shelve", "fault.ack"], await FindAsync(new AuditQuery(10) { BeforeId = newest }));
    }

    private async Task<List<AuditEntry>> AuditAsync(string? target) =>
        [.. (await Access.SearchAuditAsync(new AuditQuery(10) { Target = target }, CancellationToken.None)).Select(e => e.Entry)];

    private static AuditEntry Deed(string action) => new(T0, "user:mia", action, "something", "{}");
}
