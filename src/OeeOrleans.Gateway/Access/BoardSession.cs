using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Http;
using OeeOrleans.Access.Identities;
using OeeOrleans.Model;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Gateway.Access;

/// <summary>The cookie of the pages.</summary>
internal static class BoardSession
{
    /// <summary>Gives the browser the cookie of a sign-in of one of our own users.</summary>
    public static Task OpenAsync(HttpContext context, StoredSession session) => context.SignInAsync(
        CookieAuthenticationDefaults.AuthenticationScheme,
        Callers.Principal(
            new Identity(IdentityKind.User, session.User, [])
            {
                Session = session.Id, BeganUs = session.CreatedUs, EndsUs = session.ExpiresUs,
            },
            session.Stamp),
        new AuthenticationProperties { IsPersistent = true, ExpiresUtc = UnixMicros.ToDateTimeOffset(session.ExpiresUs) });

    public static Task CloseAsync(HttpContext context) => context.SignOutAsync(CookieAuthenticationDefaults.AuthenticationScheme);

    /// <summary>Where to go after the sign-in: within this site, or a link could lead from our page to somebody else's (CWE-601).</summary>
    public static string Own(string? to) =>
        to is ['/', ..] && !to.StartsWith("//", StringComparison.Ordinal) && !to.Contains('\\', StringComparison.Ordinal)
            && !to.Any(char.IsControl)
            ? to
            : "/";
}
