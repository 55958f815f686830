using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using OeeOrleans.Access.Keys;
using OeeOrleans.Model;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Access.Identities;

/// <param name="Access">A JWT (RFC 7519), signed with ES256.</param>
/// <param name="Refresh">To be shown once, for the next pair.</param>
/// <param name="ExpiresIn">How long the access token is good.</param>
public sealed record TokenPair(string Access, string Refresh, TimeSpan ExpiresIn);

/// <summary>
/// Issues and checks the tokens of our own users. A refresh token is good once; one that is shown twice was stolen, from us or from its
/// owner, and the whole sign-in ends (RFC 9700, 4.14). Safe for concurrent use.
/// </summary>
public sealed class Tokens(
    IAccessStore store, AccessDirectory directory, AccessRefresher refresher, SignIn signIn, PlantKey plantKey, AccessOptions options,
    TimeProvider clock, ILogger<Tokens> log)
{
    private const string SessionClaim = "sid";
    private const string StampClaim = "stamp";
    private const string BeganClaim = "auth_time";

    /// <summary>What the key of refresh tokens is derived for.</summary>
    private const string RefreshPurpose = "oee refresh tokens";

    /// <summary>Tokens whose signature was checked before are not checked again; beyond so many all are forgotten.</summary>
    private const int MaxRemembered = 10_000;

    /// <summary>Longer ones are not ours.</summary>
    private const int MaxTokenLength = 4_096;

    private static readonly TimeSpan Skew = TimeSpan.FromSeconds(30);

    private readonly byte[] _refreshKey = plantKey.Derive(RefreshPurpose);
    private readonly ConcurrentDictionary<string, Checked> _checked = new(StringComparer.Ordinal);
    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false, SetDefaultTimesOnTokenCreation = false };

    /// <summary>Of this plant's gateways.</summary>
    public string Issuer { get; } = $"oee:{directory.Tree.Site}";

    /// <summary>Whom the tokens are for.</summary>
    public string Audience { get; } = $"oee-api:{directory.Tree.Site}";

    /// <summary>The first pair of a sign-in.</summary>
    public async Task<TokenPair> OpenAsync(StoredUser user, string origin, CancellationToken cancellationToken) =>
        Pair(await signIn.OpenAsync(user, origin, Text(1), cancellationToken), 1);

    /// <summary>The next pair; null when the refresh token is not good (any more).</summary>
    public async Task<TokenPair?> RefreshAsync(string refresh, string origin, CancellationToken cancellationToken)
    {
        // What nobody gave out is refused and means nothing; what was given out and used before was stolen.
        if (Read(refresh) is not var (id, number)) return null;
        if (await store.FindSessionAsync(id, cancellationToken) is not { RefreshHash: not null } session) return null;
        var nowUs = UnixMicros.Now(clock);
        if (session.RevokedUs is not null || session.ExpiresUs <= nowUs) return null;
        if (directory.FindSession(session.Id, session.User, session.Stamp, session.CreatedUs, session.ExpiresUs) is null) return null;
        if (await store.RotateSessionAsync(id, Text(number), Text(number + 1), cancellationToken)) return Pair(session, number + 1);
        Log.RefreshReused(log, session.User);
        var entry = SignIn.Entry(nowUs, session.User, "token.reused", session.Id, origin, new { });
        await store.RevokeSessionAsync(session.Id, nowUs, entry, cancellationToken);
        await refresher.RefreshAsync(cancellationToken);
        return null;
    }

    /// <summary>Whose access token this is; null when it is not good (any more).</summary>
    public async ValueTask<Identity?> FindAsync(string token)
    {
        if (token.Length > MaxTokenLength) return null;
        if (!_checked.TryGetValue(token, out var known))
        {
            if (await CheckAsync(token) is not { } good) return null;
            if (_checked.Count >= MaxRemembered) _checked.Clear();
            _checked[token] = known = good;
        }

        if (directory.FindSession(known.Session, known.User, known.Stamp, known.BeganUs, known.ExpiresUs) is { } identity) return identity;
        _checked.TryRemove(token, out _);
        return null;
    }

    private async Task<Checked?> CheckAsync(string token)
    {
        var result = await _handler.ValidateTokenAsync(token, new TokenValidationParameters
        {
            // Nothing else, whatever the token says of itself (RFC 8725, 3.1).
            ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
            IssuerSigningKeyResolver = (_, _, kid, _) => refresher.Signing.Find(kid) is { } key ? [key] : [],
            TryAllIssuerSigningKeys = false,
            ValidIssuer = Issuer,
            ValidAudience = Audience,
            ValidTypes = ["at+jwt"],
            RequireExpirationTime = true,
            RequireSignedTokens = true,
            ClockSkew = Skew,
            LifetimeValidator = IsInTime,
        });
        if (!result.IsValid || result.SecurityToken is not JsonWebToken jwt) return null;
        return jwt.TryGetPayloadValue<string>(SessionClaim, out var session) && jwt.TryGetPayloadValue<string>(StampClaim, out var stamp)
            && jwt.TryGetPayloadValue<long>(BeganClaim, out var began)
            ? new Checked(
                jwt.Subject, session, stamp, began * UnixMicros.PerSecond, UnixMicros.From(new DateTimeOffset(jwt.ValidTo, TimeSpan.Zero)))
            : null;
    }

    private bool IsInTime(DateTime? notBefore, DateTime? expires, SecurityToken token, TokenValidationParameters parameters)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        return expires > now && !(notBefore > now + Skew);
    }

    private TokenPair Pair(StoredSession session, long number)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        var ends = DateTimeOffset.UnixEpoch.AddMicroseconds(session.ExpiresUs).UtcDateTime;
        var expires = now + options.TokenLifetime < ends ? now + options.TokenLifetime : ends;
        var token = _handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = Issuer,
            Audience = Audience,
            IssuedAt = now,
            NotBefore = now,
            Expires = expires,
            TokenType = "at+jwt",
            Claims = new Dictionary<string, object>
            {
                [JwtRegisteredClaimNames.Sub] = session.User, [SessionClaim] = session.Id, [StampClaim] = session.Stamp,
                [BeganClaim] = session.CreatedUs / UnixMicros.PerSecond,
            },
            SigningCredentials = new SigningCredentials(
                refresher.Signing.Current() ?? throw new InvalidOperationException("there is no key to sign with yet"),
                SecurityAlgorithms.EcdsaSha256),
        });
        return new TokenPair(token, $"{session.Id}.{Text(number)}.{Mac(session.Id, number)}", expires - now);
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    /// <summary>The session and the number of a refresh token that we gave out.</summary>
    private (string Session, long Number)? Read(string refresh)
    {
        var parts = refresh.Length > MaxTokenLength ? [] : refresh.Split('.');
        if (parts.Length != 3 || !long.TryParse(parts[1], NumberStyles.None, CultureInfo.InvariantCulture, out var number)) return null;
        return Secrets.AreEqual(parts[2], Mac(parts[0], number)) ? (parts[0], number) : null;
    }

    private string Mac(string session, long number) => Convert.ToHexStringLower(
        HMACSHA256.HashData(_refreshKey, Encoding.UTF8.GetBytes($"{session}.{Text(number)}")));

    private sealed record Checked(string User, string Session, string Stamp, long BeganUs, long ExpiresUs);
}
