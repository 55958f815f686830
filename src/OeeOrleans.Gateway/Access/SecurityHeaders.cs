using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using OeeOrleans.Gateway.Board;

namespace OeeOrleans.Gateway.Access;

/// <summary>
/// What browsers are told of our pages: run no script and use no style but ours, show the pages in nobody's frame, keep to TLS once it was
/// there.
/// </summary>
internal static class SecurityHeaders
{
    /// <summary>
    /// The page's own style and script stand in it, known by their hashes: nothing has to be fetched before the first paint.
    /// </summary>
    private static readonly string Pages = string.Join(
        "; ", "default-src 'none'", $"script-src 'self' {Hash(BoardStyle.Script)}", $"style-src 'self' {Hash(BoardStyle.Css)}",
        "connect-src 'self'", "img-src 'self' data:", "font-src 'self'", "form-action 'self'", "base-uri 'self'", "frame-ancestors 'none'");

    /// <summary>
    /// The two pages that are not ours, the API reference and the Orleans dashboard, make styles (the reference also its configuration
    /// script) as they run. They get what they need and no more, and only they.
    /// </summary>
    private static readonly string Reference = Guest("script-src 'self' 'unsafe-inline'");

    private static readonly string Dashboard = Guest("script-src 'self'");

    private static string Guest(string scripts) => string.Join(
        "; ", "default-src 'none'", scripts, "style-src 'self' 'unsafe-inline'", "connect-src 'self'",
        "img-src 'self' data:", "font-src 'self' data:", "form-action 'self'", "base-uri 'self'", "frame-ancestors 'none'");

    public static void UseSecurityHeaders(this WebApplication app) => app.Use((context, next) =>
    {
        // Late, so that what answers for an error and begins anew has them too.
        context.Response.OnStarting(Tell, context);
        return next(context);
    });

    private static Task Tell(object state)
    {
        var context = (HttpContext)state;
        var headers = context.Response.Headers;
        var path = context.Request.Path;
        headers.ContentSecurityPolicy = Policy(path);
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        if (context.Request.IsHttps) headers.StrictTransportSecurity = "max-age=31536000";
        // What one may see, another one at the same browser may not.
        if (path.StartsWithSegments("/api")) headers.CacheControl = "no-store";
        return Task.CompletedTask;
    }

    private static string Policy(PathString path)
    {
        if (path.StartsWithSegments("/scalar")) return Reference;
        return path.StartsWithSegments("/dashboard") ? Dashboard : Pages;
    }

    private static string Hash(string text) => $"'sha256-{Convert.ToBase64String(SHA256.HashData(Encoding.UTF8.GetBytes(text)))}'";
}
