using OeeOrleans.Access.Grants;

namespace OeeOrleans.Access.Identities;

/// <summary>What kind of somebody.</summary>
public enum IdentityKind
{
    /// <summary>A user of the plant's own.</summary>
    User,

    /// <summary>An API key.</summary>
    Key,

    /// <summary>A user that somebody else's sign-in vouches for (OpenID Connect).</summary>
    External,

    /// <summary>Nobody, where nobody may look (`access.anonymous_viewer`).</summary>
    Anonymous,
}

/// <summary>Somebody who is known.</summary>
/// <param name="Name">Of its kind.</param>
/// <param name="Grants">As they are now.</param>
public sealed record Identity(IdentityKind Kind, string Name, IReadOnlyList<Grant> Grants)
{
    /// <summary>The sign-in it came by; null of a key.</summary>
    public string? Session { get; init; }

    /// <summary>When the sign-in began, microseconds.</summary>
    public long BeganUs { get; init; }

    /// <summary>When it, or the token, ends, microseconds; null of a key: that is looked up.</summary>
    public long? EndsUs { get; init; }

    /// <summary>Of an API key: names may be given again, ids are not.</summary>
    public string? KeyId { get; init; }

    /// <summary>May do nothing but change the password.</summary>
    public bool MustChangePassword { get; init; }

    /// <summary>
    /// As it stands in the audit log: `anna`, a user of the plant's own, whose name has no colon; `key:reader`, `external:anna` others.
    /// </summary>
    public string Label => Kind switch
    {
        IdentityKind.Key => $"key:{Name}",
        IdentityKind.External => $"external:{Name}",
        _ => Name,
    };
}
