using System.Text.Json;
using Microsoft.Extensions.Logging;
using OeeOrleans.Access.Audit;
using OeeOrleans.Access.Grants;
using OeeOrleans.Access.Keys;
using OeeOrleans.Model;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Access.Identities;

/// <summary>How a sign-in ended.</summary>
public enum SignInResult
{
    Ok,

    /// <summary>Unknown, disabled, or a wrong password: which of them is not said.</summary>
    Refused,

    /// <summary>Too many wrong passwords; later.</summary>
    Locked,

    /// <summary>Too many at once; later.</summary>
    Busy,
}

/// <summary>Signs users of the plant's own in and out. Safe for concurrent use.</summary>
public sealed class SignIn(
    IAccessStore store, AccessDirectory directory, AccessRefresher refresher, RefusalLog refusals, AccessOptions options,
    TimeProvider clock, ILogger<SignIn> log)
{
    private const int MaxName = 100;

    private readonly Passwords _passwords = new();

    /// <summary>Checks a password; five wrong ones in a row lock the user.</summary>
    /// <param name="name">The user.</param>
    /// <param name="password">The password.</param>
    /// <param name="origin">From where, for the audit.</param>
    /// <param name="cancellationToken">The caller is gone.</param>
    /// <returns>The user as stored, with <see cref="SignInResult.Ok"/> only.</returns>
    public async Task<(SignInResult Result, StoredUser? User)> CheckAsync(
        string name, string password, string origin, CancellationToken cancellationToken)
    {
        var user = name.Length > MaxName ? null : directory.Stored(name);
        var nowUs = UnixMicros.Now(clock);
        if (user?.LockedUntilUs > nowUs) return Refuse(SignInResult.Locked, name, origin);
        var matches = await _passwords.VerifyAsync(user is { DisabledUs: null } ? user.PasswordHash : null, password, cancellationToken);
        if (matches is null) return Refuse(SignInResult.Busy, name, origin);
        if (matches == false || user is null)
        {
            if (user is not null) await CountFailureAsync(user, cancellationToken);
            return Refuse(SignInResult.Refused, name, origin);
        }

        if (user.Failed > 0 && await store.NoteSignInAsync(user.Name, 0, 0, cancellationToken) is not null)
        {
            await refresher.RefreshAsync(cancellationToken);
        }

        AccessMetrics.SignIns.WithLabels("ok").Inc();
        return (SignInResult.Ok, user);
    }

    /// <summary>A sign-in of a user whose password was checked; the audit says so.</summary>
    /// <param name="refreshHash">Tells the first refresh token; null where there is none (a cookie).</param>
    public async Task<StoredSession> OpenAsync(
        StoredUser user, string origin, string? refreshHash, CancellationToken cancellationToken)
    {
        var nowUs = UnixMicros.Now(clock);
        var grants = directory.GrantsOf(StoredGrant.OfUser(user.Name));
        var isScreen = refreshHash is null && grants.Count > 0 && grants.All(g => g.Role == Role.Dashboard);
        var lifetime = isScreen ? options.ScreenLifetime : options.SessionLifetime;
        var session = new StoredSession(
            Secrets.NewId(16), user.Name, user.Stamp, nowUs, nowUs + (long)lifetime.TotalMicroseconds, null, refreshHash, null);
        await store.AddSessionAsync(
            session,
            Entry(nowUs, user.Name, "sign_in", user.Name, origin, new { by = refreshHash is null ? "cookie" : "token" }),
            cancellationToken);
        return session;
    }

    /// <summary>A sign-in of somebody for whom another one vouches, with the grants that follow from its claims.</summary>
    public async Task<StoredSession> OpenExternalAsync(
        string name, IReadOnlyList<Grant> grants, string origin, CancellationToken cancellationToken)
    {
        var nowUs = UnixMicros.Now(clock);
        var external = JsonSerializer.Serialize(grants.Select(g => new { role = g.Role.Name(), at = g.At }));
        var session = new StoredSession(
            Secrets.NewId(16), name, "", nowUs, nowUs + (long)options.SessionLifetime.TotalMicroseconds, null, null, external);
        await store.AddSessionAsync(
            session, Entry(nowUs, $"external:{name}", "sign_in", name, origin, new { by = "oidc", grants = external }), cancellationToken);
        return session;
    }

    /// <summary>Ends a sign-in, with all that was issued for it.</summary>
    public async Task CloseAsync(string session, string label, string origin, CancellationToken cancellationToken)
    {
        var nowUs = UnixMicros.Now(clock);
        await store.RevokeSessionAsync(session, nowUs, Entry(nowUs, label, "sign_out", session, origin, new { }), cancellationToken);
        await refresher.RefreshAsync(cancellationToken);
    }

    internal static AuditEntry Entry(long atUs, string actor, string action, string target, string? origin, object detail) =>
        new(atUs, actor, action, target, JsonSerializer.Serialize(detail)) { Origin = origin };

    private (SignInResult Result, StoredUser? User) Refuse(SignInResult result, string name, string origin)
    {
        AccessMetrics.SignIns.WithLabels(result.ToString().ToLowerInvariant()).Inc();
        var shown = name.Length > MaxName ? name[..MaxName] : name;
        refusals.Note("unknown", "sign_in.refused", shown, origin, result.ToString().ToLowerInvariant());
        return (result, null);
    }

    private async Task CountFailureAsync(StoredUser user, CancellationToken cancellationToken)
    {
        var untilUs = UnixMicros.Now(clock) + (long)options.Lockout.TotalMicroseconds;
        var failed = await store.NoteSignInAsync(user.Name, options.LockoutAfter, untilUs, cancellationToken);
        if (failed >= options.LockoutAfter) Log.Locked(log, user.Name, UnixMicros.ToIso(untilUs));
        await refresher.RefreshAsync(cancellationToken);
    }
}
