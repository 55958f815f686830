using System.Security.Claims;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.AspNetCore.Authentication.OpenIdConnect;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Protocols.OpenIdConnect;
using Microsoft.IdentityModel.Tokens;
using OeeOrleans.Access;
using OeeOrleans.Access.Identities;
using OeeOrleans.Model;

namespace OeeOrleans.Gateway.Access;

/// <summary>
/// People whom somebody else signs in (OpenID Connect, authorization code with PKCE), and that one's access tokens at the API. What its
/// claims grant is looked up once, at the sign-in; it holds as long as the session, or the token.
/// </summary>
internal static class OpenId
{
    public const string BearerScheme = "oidc-bearer";

    private const string PageScheme = "oidc";
    private const string CallbackPath = "/sign-in/oidc";
    private const string DonePath = "/sign-in/done";
    private const string FailedPath = "/sign-in?failed=external";
    private const string ToItem = "to";

    public static void Add(AuthenticationBuilder authentication, OidcOptions oidc)
    {
        if (oidc.ClientId is not null) authentication.AddOpenIdConnect(PageScheme, o => Configure(o, oidc));
        if (oidc.Audience is not null) authentication.AddJwtBearer(BearerScheme, o => Configure(o, oidc));
    }

    public static void Map(WebApplication app)
    {
        if (app.Services.GetRequiredService<AccessOptions>().Oidc?.ClientId is null) return;
        app.MapGet("/sign-in/external", (string? to) =>
        {
            var properties = new AuthenticationProperties { RedirectUri = DonePath };
            properties.Items[ToItem] = BoardSession.Own(to);
            return Results.Challenge(properties, [PageScheme]);
        }).AllowAnonymous().RequireRateLimiting(RateLimits.SignIn).ExcludeFromDescription();
    }

    /// <summary>A bearer token that says it is the authority's. That it is, its handler finds out.</summary>
    public static bool IsForeign(string token, string ourIssuer)
    {
        var handler = new JsonWebTokenHandler();
        try
        {
            return handler.CanReadToken(token) && handler.ReadJsonWebToken(token).Issuer != ourIssuer;
        }
        catch (Exception error) when (error is ArgumentException or SecurityTokenException)
        {
            // It looks like one and is none: our own door says so.
            return false;
        }
    }

    private static void Configure(OpenIdConnectOptions options, OidcOptions oidc)
    {
        options.Authority = oidc.Authority;
        options.ClientId = oidc.ClientId;
        options.ClientSecret = oidc.ClientSecret;
        options.RequireHttpsMetadata = !new Uri(oidc.Authority).IsLoopback;
        options.CallbackPath = CallbackPath;
        // Signing out is ours, at /account: nobody else's link ends a sign-in.
        options.RemoteSignOutPath = default;
        options.SignedOutCallbackPath = default;
        options.SignInScheme = CookieAuthenticationDefaults.AuthenticationScheme;
        options.ResponseType = OpenIdConnectResponseType.Code;
        // By a link and not by a form: our content security policy sends forms nowhere, and a cookie that is lax comes along.
        options.ResponseMode = OpenIdConnectResponseMode.Query;
        options.UsePkce = true;
        options.MapInboundClaims = false;
        options.SaveTokens = false;
        options.GetClaimsFromUserInfoEndpoint = true;
        options.ClaimActions.MapAll();
        options.Scope.Clear();
        foreach (var scope in oidc.Scopes.Prepend("profile").Prepend("openid").Distinct()) options.Scope.Add(scope);
        foreach (var cookie in new[] { options.CorrelationCookie, options.NonceCookie })
        {
            cookie.SameSite = SameSiteMode.Lax;
            cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        }

        options.Events.OnTicketReceived = context => OpenAsync(context, oidc);
        options.Events.OnRemoteFailure = context =>
        {
            // The user said no, or somebody sent an answer that nobody asked for.
            Log.ExternalFailed(LogOf(context.HttpContext), context.Failure?.Message ?? "unknown");
            context.Response.Redirect(FailedPath);
            context.HandleResponse();
            return Task.CompletedTask;
        };
    }

    private static void Configure(JwtBearerOptions options, OidcOptions oidc)
    {
        options.Authority = oidc.Authority;
        options.Audience = oidc.Audience;
        options.RequireHttpsMetadata = !new Uri(oidc.Authority).IsLoopback;
        options.MapInboundClaims = false;
        options.TokenValidationParameters.RequireSignedTokens = true;
        options.Events = new JwtBearerEvents
        {
            // Of the hub it may stand in the query.
            OnMessageReceived = context =>
            {
                context.Token = KeyOrTokenHandler.BearerOf(context.Request);
                return Task.CompletedTask;
            },
            OnTokenValidated = context =>
            {
                var claims = ClaimsOf(context.Principal!);
                if (OidcOptions.NameOf(claims) is not { } name)
                {
                    context.Fail("the token names nobody");
                    return Task.CompletedTask;
                }

                var identity = new Identity(IdentityKind.External, name, oidc.GrantsOf(claims))
                {
                    EndsUs = UnixMicros.From(new DateTimeOffset(context.SecurityToken.ValidTo, TimeSpan.Zero)),
                };
                context.HttpContext.Features.Set(context.HttpContext.RequestServices.GetRequiredService<Callers>().Of(identity));
                context.Principal = Callers.Principal(identity);
                return Task.CompletedTask;
            },
        };
    }

    /// <summary>
    /// The session begins. The way back leads over a page of ours: on the authority's own redirect a browser does not send a strict cookie.
    /// </summary>
    private static async Task OpenAsync(TicketReceivedContext context, OidcOptions oidc)
    {
        var claims = ClaimsOf(context.Principal!);
        var grants = oidc.GrantsOf(claims);
        if (OidcOptions.NameOf(claims) is not { } name || grants.Count == 0)
        {
            Log.ExternalWithoutGrants(LogOf(context.HttpContext), OidcOptions.NameOf(claims) ?? "nobody", oidc.Claim);
            context.Response.Redirect("/sign-in?failed=grants");
            context.HandleResponse();
            return;
        }

        var signIn = context.HttpContext.RequestServices.GetRequiredService<SignIn>();
        var session = await signIn.OpenExternalAsync(
            name, grants, Origin.Of(context.HttpContext), context.HttpContext.RequestAborted);
        context.Principal = Callers.Principal(new Identity(IdentityKind.External, name, grants)
        {
            Session = session.Id, BeganUs = session.CreatedUs, EndsUs = session.ExpiresUs,
        });
        context.Properties!.IsPersistent = true;
        context.Properties.ExpiresUtc = UnixMicros.ToDateTimeOffset(session.ExpiresUs);
        context.ReturnUri = $"{DonePath}?to={Uri.EscapeDataString(context.Properties.Items[ToItem] ?? "/")}";
    }

    private static List<(string Type, string Value)> ClaimsOf(ClaimsPrincipal principal) =>
        [.. principal.Claims.Select(c => (c.Type, c.Value))];

    private static ILogger LogOf(HttpContext context) =>
        context.RequestServices.GetRequiredService<ILoggerFactory>().CreateLogger("OeeOrleans.Gateway.Access");
}
