using OeeOrleans.Model;

namespace OeeOrleans.Storage.Access;

/// <summary>What the store knows of users, keys, grants, sessions and the audit log. A change and its audit entry are one transaction. Times
/// are microseconds since 1970 UTC. Throws <see cref="StoreUnavailableException"/> while the database cannot be reached.</summary>
public interface IAccessStore
{
    /// <summary>Another one than before: read again.</summary>
    Task<long> ReadAccessVersionAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Everything there is, but of sessions only those that were revoked and have not expired at <paramref name="nowUs"/>.
    /// </summary>
    Task<AccessData> ReadAccessAsync(long nowUs, CancellationToken cancellationToken);

    /// <summary>Makes a user with its grants. False: there is one of that name.</summary>
    Task<bool> AddUserAsync(StoredUser user, IReadOnlyList<StoredGrant> grants, AuditEntry audit, CancellationToken cancellationToken);

    /// <summary>Changes a user as it was read; false when somebody else changed it meanwhile (its stamp is another one).</summary>
    Task<bool> ChangeUserAsync(StoredUser user, string stampBefore, AuditEntry audit, CancellationToken cancellationToken);

    /// <summary>Counts a sign-in that failed, and locks the user when it is the <paramref name="limit"/>th in a row.</summary>
    /// <param name="limit">0: it did not fail; those before are forgotten.</param>
    /// <returns>How often in a row it failed, this one included; null when there is no such user.</returns>
    Task<int?> NoteSignInAsync(string user, int limit, long lockedUntilUs, CancellationToken cancellationToken);

    /// <summary>Makes an identity's grants what is given.</summary>
    Task SetGrantsAsync(string identity, IReadOnlyList<StoredGrant> grants, AuditEntry audit, CancellationToken cancellationToken);

    /// <summary>Makes a key with its grants. False: there is one of that name.</summary>
    Task<bool> AddKeyAsync(StoredKey key, IReadOnlyList<StoredGrant> grants, AuditEntry audit, CancellationToken cancellationToken);

    /// <summary>False: there is none that is not revoked yet.</summary>
    Task<bool> RevokeKeyAsync(string id, long atUs, AuditEntry audit, CancellationToken cancellationToken);

    Task AddSessionAsync(StoredSession session, AuditEntry audit, CancellationToken cancellationToken);

    Task<StoredSession?> FindSessionAsync(string id, CancellationToken cancellationToken);

    /// <summary>Takes one refresh token back for another. False: it is not the one that is good now, or the session is over.</summary>
    Task<bool> RotateSessionAsync(string id, string hashBefore, string hash, CancellationToken cancellationToken);

    /// <summary>Ends a session. False: it was over.</summary>
    Task<bool> RevokeSessionAsync(string id, long atUs, AuditEntry audit, CancellationToken cancellationToken);

    /// <summary>Keeps a sealed key. False: there is one of that id.</summary>
    Task<bool> AddSecretAsync(StoredSecret secret, CancellationToken cancellationToken);

    /// <summary>Keeps a sealed key in place of the one of its id, if there is one.</summary>
    Task ReplaceSecretAsync(StoredSecret secret, AuditEntry audit, CancellationToken cancellationToken);

    /// <summary>Takes a sealed key away. False: it was gone: somebody else took it.</summary>
    Task<bool> TakeSecretAsync(string id, CancellationToken cancellationToken);

    /// <summary>Forgets sessions and keys that expired before an instant.</summary>
    Task ForgetExpiredAsync(long beforeUs, CancellationToken cancellationToken);

    Task AppendAuditAsync(IReadOnlyList<AuditEntry> entries, CancellationToken cancellationToken);

    /// <summary>Entries after a row, in the order of their rows; and where the chain ends, as of the same instant.</summary>
    Task<(IReadOnlyList<ChainedEntry> Entries, AuditHead Head)> ReadChainAsync(
        long afterId, int limit, CancellationToken cancellationToken);

    /// <summary>Newest first.</summary>
    Task<IReadOnlyList<ChainedEntry>> SearchAuditAsync(AuditQuery query, CancellationToken cancellationToken);
}

/// <summary>What is asked of the audit log; null: everything.</summary>
/// <param name="Limit">Entries at most.</param>
public sealed record AuditQuery(int Limit)
{
    public string? Actor { get; init; }

    public string? Target { get; init; }

    /// <summary>The beginning of the action, such as `fault.`.</summary>
    public string? Action { get; init; }

    public long? FromUs { get; init; }

    public long? ToUs { get; init; }

    /// <summary>Only rows before this one.</summary>
    public long? BeforeId { get; init; }

    /// <summary>Only entries about these assets; null: all, those about the plant among them.</summary>
    public IReadOnlyList<string>? Assets { get; init; }
}
