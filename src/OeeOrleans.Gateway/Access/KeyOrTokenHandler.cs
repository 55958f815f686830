using System.Text.Encodings.Web;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using OeeOrleans.Access.Identities;

namespace OeeOrleans.Gateway.Access;

/// <summary>
/// API keys (`X-Api-Key`, or as a bearer token for clients that know nothing else) and our own access tokens. SignalR clients in a browser
/// cannot set headers on a WebSocket: of the hub, and of it alone, the token may stand in the query.
/// </summary>
internal sealed class KeyOrTokenHandler(
    IOptionsMonitor<AuthenticationSchemeOptions> options, ILoggerFactory logs, UrlEncoder encoder, AccessDirectory directory,
    Tokens tokens, Callers callers) : AuthenticationHandler<AuthenticationSchemeOptions>(options, logs, encoder)
{
    public const string SchemeName = "key-or-token";
    public const string KeyHeader = "X-Api-Key";

    private const string Bearer = "Bearer ";

    /// <summary>What was shown as a bearer token; null: nothing.</summary>
    public static string? BearerOf(HttpRequest request)
    {
        var header = request.Headers.Authorization.ToString();
        if (header.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase)) return header[Bearer.Length..].Trim();
        return request.Path.StartsWithSegments("/hubs") && request.Query["access_token"].ToString() is { Length: > 0 } query ? query : null;
    }

    /// <summary>The request says itself who asks: no browser sends that by itself for a foreign page.</summary>
    public static bool IsExplicit(HttpRequest request) => request.Headers.ContainsKey(KeyHeader) || BearerOf(request) is not null;

    protected override async Task<AuthenticateResult> HandleAuthenticateAsync()
    {
        var key = Request.Headers[KeyHeader].ToString();
        if (key.Length == 0 && BearerOf(Request) is { } bearer)
        {
            // One of the configuration looks as its maker wanted.
            var known = directory.FindKey(bearer);
            return known is null && !bearer.StartsWith(AccessKeeper.KeyPrefix, StringComparison.Ordinal)
                ? Result(await tokens.FindAsync(bearer), "token")
                : Result(known, "API key");
        }

        return key.Length == 0 ? AuthenticateResult.NoResult() : Result(directory.FindKey(key), "API key");
    }

    private AuthenticateResult Result(Identity? identity, string what)
    {
        if (identity is null) return AuthenticateResult.Fail($"the {what} is not good, or not any more");
        Context.Features.Set(callers.Of(identity));
        return AuthenticateResult.Success(
            new AuthenticationTicket(Callers.Principal(identity, directory.Stored(identity.Name)?.Stamp), SchemeName));
    }
}
