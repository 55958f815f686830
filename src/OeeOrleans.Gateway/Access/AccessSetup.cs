using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.AspNetCore.DataProtection.KeyManagement;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using OeeOrleans.Access;
using OeeOrleans.Access.Identities;

namespace OeeOrleans.Gateway.Access;

/// <summary>How the gateway finds out who asks: by key, token or cookie; and what its doors ask for.</summary>
internal static class AccessSetup
{
    private const string Scheme = "oee";

    public static void Add(IServiceCollection services, OidcOptions? oidc)
    {
        services.AddSingleton<Callers>();
        services.AddSingleton<IAuthorizationHandler, AccessHandler>();
        services.AddSingleton<IAuthorizationMiddlewareResultHandler, AccessAnswers>();
        services.AddAuthorization(AccessPolicy.AddTo);
        services.AddCascadingAuthenticationState();
        services.AddAntiforgery(o => o.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest);
        var authentication = services.AddAuthentication(Scheme)
            .AddPolicyScheme(Scheme, null, o => o.ForwardDefaultSelector = c => SchemeOf(c, takesForeign: oidc?.Audience is not null))
            .AddScheme<AuthenticationSchemeOptions, KeyOrTokenHandler>(KeyOrTokenHandler.SchemeName, null)
            .AddCookie(CookieAuthenticationDefaults.AuthenticationScheme, Configure);
        if (oidc is not null) OpenId.Add(authentication, oidc);
        // Keys that all gateways of the plant share, in the store, sealed.
        services.AddDataProtection().SetApplicationName("oee");
        services.AddSingleton<IConfigureOptions<KeyManagementOptions>, SharedKeys>();
    }

    private static string SchemeOf(HttpContext context, bool takesForeign)
    {
        if (context.Request.Headers.ContainsKey(KeyOrTokenHandler.KeyHeader)) return KeyOrTokenHandler.SchemeName;
        if (KeyOrTokenHandler.BearerOf(context.Request) is not { } token) return CookieAuthenticationDefaults.AuthenticationScheme;
        var services = context.RequestServices;
        return takesForeign && services.GetRequiredService<AccessDirectory>().FindKey(token) is null
            && OpenId.IsForeign(token, services.GetRequiredService<Tokens>().Issuer)
            ? OpenId.BearerScheme
            : KeyOrTokenHandler.SchemeName;
    }

    private static void Configure(CookieAuthenticationOptions options)
    {
        // __Host- would need TLS; on loopback there is none.
        options.Cookie.Name = "oee-session";
        options.Cookie.HttpOnly = true;
        options.Cookie.SameSite = SameSiteMode.Strict;
        options.Cookie.SecurePolicy = CookieSecurePolicy.SameAsRequest;
        options.SlidingExpiration = false;
        options.Events.OnValidatePrincipal = context =>
        {
            // A cookie says who signed in; whether that still holds is looked up.
            if (context.Principal is { } principal
                && context.HttpContext.RequestServices.GetRequiredService<Callers>().Of(principal) is { } caller)
            {
                context.HttpContext.Features.Set(caller);
            }
            else
            {
                context.RejectPrincipal();
            }

            return Task.CompletedTask;
        };
    }
}
