using System.Collections.Concurrent;
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
/// Issues and checks the tokens of our own users. A refresh token is good once; one that is shown twice was stolen, from us or from its owner,
/// and the whole sign-in ends (RFC 9700, 4.14). Safe for concurrent use.
/// </summary>
public sealed class Tokens(
    IAccessStore store, AccessDirectory directory, AccessRefresher refresher, SignIn signIn, AccessOptions options, TimeProvider clock,
    ILogger<Tokens> log)
{
    private const string SessionClaim = "sid";
    private const string StampClaim = "stamp";

    /// <summary>Tokens whose signature was checked before are not checked again; beyond so many all are forgotten.</summary>
    private const int MaxRemembered = 10_000;

    /// <summary>Longer ones are not ours.</summary>
    private const int MaxTokenLength = 4_096;

    private static readonly TimeSpan Skew = TimeSpan.FromSeconds(30);

    private readonly ConcurrentDictionary<string, Checked> _checked = new(StringComparer.Ordinal);
    private readonly JsonWebTokenHandler _handler = new() { MapInboundClaims = false, SetDefaultTimesOnTokenCreation = false };

    /// <summary>Of this plant's gateways.</summary>
    public string Issuer { get; } = $"oee:{directory.Tree.Site}";

    /// <summary>Whom the tokens are for.</summary>
    public string Audience { get; } = $"oee-api:{directory.Tree.Site}";

    /// <summary>The first pair of a sign-in.</summary>
    public async Task<TokenPair> OpenAsync(StoredUser user, string origin, CancellationToken cancellationToken)
    {
        var secret = Secrets.New();
        var session = await signIn.OpenAsync(user, origin, Secrets.Hash(secret), cancellationToken);
        return Pair(session, secret);
    }

    /// <summary>The next pair; null when the refresh token is not good (any more).</summary>
    public async Task<TokenPair?> RefreshAsync(string refresh, string origin, CancellationToken cancellationToken)
    {
        var dot = refresh.IndexOf('.', StringComparison.Ordinal);
        if (dot < 0 || refresh.Length > MaxTokenLength) return null;
        if (await store.FindSessionAsync(refresh[..dot], cancellationToken) is not { RefreshHash: not null } session) return null;
        var nowUs = UnixMicros.Now(clock);
        if (session.RevokedUs is not null || session.ExpiresUs <= nowUs) return null;
        if (directory.FindSession(session.Id, session.User, session.Stamp) is null) return null;
        var (hash, secret) = (Secrets.Hash(refresh[(dot + 1)..]), Secrets.New());
        if (await store.RotateSessionAsync(session.Id, hash, Secrets.Hash(secret), cancellationToken)) return Pair(session, secret);
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

        if (known.ExpiresUs > UnixMicros.Now(clock)) return directory.FindSession(known.Session, known.User, known.Stamp);
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
            ? new Checked(jwt.Subject, session, stamp, UnixMicros.From(new DateTimeOffset(jwt.ValidTo, TimeSpan.Zero)))
            : null;
    }

    private bool IsInTime(DateTime? notBefore, DateTime? expires, SecurityToken token, TokenValidationParameters parameters)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        return expires > now && !(notBefore > now + Skew);
    }

    private TokenPair Pair(StoredSession session, string refreshSecret)
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
            },
            SigningCredentials = new SigningCredentials(
                refresher.Signing.Current() ?? throw new InvalidOperationException("there is no key to sign with yet"),
                SecurityAlgorithms.EcdsaSha256),
        });
        return new TokenPair(token, $"{session.Id}.{refreshSecret}", expires - now);
    }

    private sealed record Checked(string User, string Session, string Stamp, long ExpiresUs);
}
