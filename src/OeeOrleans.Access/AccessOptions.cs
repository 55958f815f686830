using OeeOrleans.Access.Grants;

namespace OeeOrleans.Access;

/// <summary>The section `access` of plant.yaml, as this room needs it.</summary>
public sealed record AccessOptions
{
    /// <summary>How long an access token is good.</summary>
    public TimeSpan TokenLifetime { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>How long one sign-in lasts, by cookie or by refresh tokens.</summary>
    public TimeSpan SessionLifetime { get; init; } = TimeSpan.FromHours(12);

    /// <summary>How long the sign-in of somebody who may only look at the present lasts on a page: a screen on the wall.</summary>
    public TimeSpan ScreenLifetime { get; init; } = TimeSpan.FromDays(90);

    /// <summary>How long a key signs tokens before there is another one.</summary>
    public TimeSpan SigningKeyLifetime { get; init; } = TimeSpan.FromDays(30);

    /// <summary>Whoever is not known may look (role dashboard, at the site).</summary>
    public bool AnonymousViewer { get; init; }

    /// <summary>Sign-ins that are looked at, per minute and address; more are sent away.</summary>
    public int SignInsPerMinute { get; init; } = 30;

    /// <summary>Sign-ins that may fail in a row before the user is locked.</summary>
    public int LockoutAfter { get; init; } = 5;

    public TimeSpan Lockout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Who else signs people in; null: nobody.</summary>
    public OidcOptions? Oidc { get; init; }

    /// <summary>Keys that the configuration itself holds, beside those of the store.</summary>
    public IReadOnlyList<ConfiguredKey> Keys { get; init; } = [];
}

/// <summary>A key of the configuration file: for what is set up by machines and not by people.</summary>
/// <param name="Secret">What must be shown.</param>
public sealed record ConfiguredKey(string Name, string Secret, IReadOnlyList<Grant> Grants)
{
    public override string ToString() => $"{Name} ({string.Join(", ", Grants)})";
}

/// <summary>Something was asked for that cannot be; says what would be right.</summary>
/// <param name="input">Which input is meant.</param>
/// <param name="message">The sentence.</param>
public sealed class AccessInputException(string input, string message) : Exception(message)
{
    public string Input => input;
}

/// <summary>The caller is known and may not do this.</summary>
public sealed class AccessDeniedException(string message) : Exception(message);
