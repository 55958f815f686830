namespace OeeOrleans.Storage.Access;

/// <summary>A user of the plant's own.</summary>
/// <param name="PasswordHash">As ASP.NET Core Identity writes it.</param>
/// <param name="Stamp">Another one after every change: what was issued for an earlier one is not good any more.</param>
public sealed record StoredUser(string Name, string PasswordHash, string Stamp, long CreatedUs)
{
    /// <summary>The password is one that somebody else knows; it must be changed at the next sign-in.</summary>
    public bool MustChange { get; init; }

    public long? DisabledUs { get; init; }

    /// <summary>Sign-ins that failed in a row.</summary>
    public int Failed { get; init; }

    public long? LockedUntilUs { get; init; }
}

/// <summary>An API key, without the key.</summary>
/// <param name="Id">By which it is recognised; the key begins with it.</param>
/// <param name="Hash">SHA-256 of the whole key, hexadecimal.</param>
public sealed record StoredKey(string Id, string Name, string Hash, long CreatedUs, string CreatedBy, long? ExpiresUs, long? RevokedUs);

/// <param name="Identity">`user:NAME` or `key:ID`.</param>
/// <param name="At">Node of the asset tree; of the role `edge` an edge node, `group/node`.</param>
public sealed record StoredGrant(string Identity, string Role, string At)
{
    public static string OfUser(string name) => $"user:{name}";

    public static string OfKey(string id) => $"key:{id}";
}

/// <summary>One sign-in.</summary>
/// <param name="Stamp">Of the user then; of a user from outside empty.</param>
/// <param name="RefreshHash">Tells the one refresh token that is good; null for a cookie.</param>
/// <param name="External">Grants of a user from outside, as JSON; null for one of our own.</param>
public sealed record StoredSession(
    string Id, string User, string Stamp, long CreatedUs, long ExpiresUs, long? RevokedUs, string? RefreshHash, string? External);

/// <summary>A key of the plant: to sign tokens, to protect cookies, to make the first administrator.</summary>
/// <param name="Public">What everybody may know of it.</param>
/// <param name="Sealed">The rest, sealed.</param>
public sealed record StoredSecret(string Id, string Kind, long CreatedUs, long? ExpiresUs, string? Public, string Sealed);

/// <summary>All that is looked at to let somebody in or not.</summary>
public sealed record AccessData(
    long Version, IReadOnlyList<StoredUser> Users, IReadOnlyList<StoredKey> Keys, IReadOnlyList<StoredGrant> Grants,
    IReadOnlyList<string> RevokedSessions, IReadOnlyList<StoredSecret> Secrets);
