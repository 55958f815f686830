using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OeeOrleans.Access.Grants;
using OeeOrleans.Access.Identities;
using OeeOrleans.Gateway.Access;
using static OeeOrleans.Gateway.Api.Parameters;

namespace OeeOrleans.Gateway.Api;

/// <summary>Tokens, and who one is.</summary>
internal static class AuthEndpoints
{
    private const int LockedRetryS = 60;
    private const int BusyRetryS = 5;

    public static void Map(IEndpointRouteBuilder app, IEndpointRouteBuilder api)
    {
        app.MapGet("/.well-known/jwks.json", (AccessRefresher keys) => Results.Text(keys.PublicKeys, "application/jwk-set+json"))
            .AllowAnonymous().WithSummary("The public keys that access tokens are signed with (RFC 7517)");

        api.MapPost("/auth/token", async (TokenRequest body, HttpContext context, SignIn signIn, Tokens tokens) =>
        {
            var (result, user) = await signIn.CheckAsync(
                Given(body.User, "user"), Given(body.Password, "password"), Origin.Of(context), context.RequestAborted);
            return user is null
                ? Refused(context, result)
                : Results.Ok(TokenDocument.Of(await tokens.OpenAsync(user, Origin.Of(context), context.RequestAborted)));
        })
        .AllowAnonymous().RequireRateLimiting(RateLimits.SignIn)
        .Produces<TokenDocument>().WithSummary("Signs in with user name and password: an access token and a refresh token");

        api.MapPost("/auth/refresh", async (RefreshRequest body, HttpContext context, Tokens tokens) =>
            await tokens.RefreshAsync(Given(body.RefreshToken, "refresh_token"), Origin.Of(context), context.RequestAborted) is { } pair
                ? Results.Ok(TokenDocument.Of(pair))
                : Unknown(context, "the refresh token is not good, or not any more; sign in again"))
        .AllowAnonymous().RequireRateLimiting(RateLimits.Refresh)
        .Produces<TokenDocument>()
        .WithSummary("The next pair of tokens. A refresh token is good once: one that is shown twice ends the sign-in");

        api.MapPost("/auth/logout", async (Caller caller, HttpContext context, SignIn signIn) =>
        {
            if (caller.Identity.Session is { } session)
            {
                await signIn.CloseAsync(session, caller.Identity.Label, Origin.Of(context), context.RequestAborted);
            }

            return Results.NoContent();
        })
        .Needs(AccessPolicy.Known).Produces(204).WithSummary("Ends this sign-in and all tokens of it");

        api.MapGet("/me", (Caller caller) => new MeDocument(
            caller.Identity.Name, caller.Identity.Kind.ToString().ToLowerInvariant(), caller.Identity.MustChangePassword,
            [.. caller.Identity.Grants.Select(GrantDocument.Of)]))
        .Needs(AccessPolicy.Known).Produces<MeDocument>().WithSummary("Who one is, and what one may do");

        api.MapPut("/me/password", async (
            OwnPasswordRequest body, Caller caller, HttpContext context, SignIn signIn, AccessKeeper keeper) =>
        {
            if (caller.Identity.Kind != IdentityKind.User)
            {
                throw new ForbiddenException("only a user of the plant's own has a password here");
            }

            var (result, user) = await signIn.CheckAsync(
                caller.Identity.Name, Given(body.Old, "old"), Origin.Of(context), context.RequestAborted);
            if (user is null) return Refused(context, result);
            await keeper.ChangeOwnPasswordAsync(user.Name, body.Old!, Given(body.New, "new"), Origin.Of(context), context.RequestAborted);
            return Results.NoContent();
        })
        .Needs(AccessPolicy.Known).RequireRateLimiting(RateLimits.SignIn)
        .Produces(204).WithSummary("Changes one's own password; all of one's sign-ins end, this one too");
    }

    private static IResult Refused(HttpContext context, SignInResult result)
    {
        if (result == SignInResult.Refused) return Unknown(context, "user name or password is wrong");
        var (seconds, detail) = result == SignInResult.Locked
            ? (LockedRetryS, "too many wrong passwords; the user is locked for some minutes")
            : (BusyRetryS, "too many sign-ins at once");
        context.Response.Headers.RetryAfter = seconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return Results.Problem(detail, statusCode: 429, title: "Later");
    }

    private static IResult Unknown(HttpContext context, string detail)
    {
        context.Response.Headers.WWWAuthenticate = "Bearer realm=\"oee\"";
        return Results.Problem(detail, statusCode: 401, title: "Who are you?");
    }
}

/// <summary>User name and password.</summary>
public sealed record TokenRequest(string? User, string? Password);

public sealed record RefreshRequest(string? RefreshToken);

/// <summary>One's password and the one that is to be.</summary>
public sealed record OwnPasswordRequest(string? Old, string? New);

/// <summary>Tokens as OAuth 2.0 writes them (RFC 6749, 5.1); `expires_in` in seconds.</summary>
public sealed record TokenDocument(string AccessToken, string TokenType, int ExpiresIn, string RefreshToken)
{
    internal static TokenDocument Of(TokenPair pair) => new(pair.Access, "Bearer", (int)pair.ExpiresIn.TotalSeconds, pair.Refresh);
}

/// <summary>A role at a node of the asset tree (of the role edge: at an edge node).</summary>
public sealed record GrantDocument(string Role, string At)
{
    internal static GrantDocument Of(Grant grant) => new(grant.Role.Name(), grant.At);

    internal Grant ToGrant() => RoleNames.TryParse(Role ?? "", out var role)
        ? new Grant(role, At ?? throw new BadParameterException("at", "'at' is missing"))
        : throw new BadParameterException("role", $"'{Role}' is unknown; {string.Join(", ", RoleNames.All)} are possible");
}

/// <summary>`kind` is user, key or external.</summary>
public sealed record MeDocument(string Name, string Kind, bool MustChangePassword, IReadOnlyList<GrantDocument> Grants);
