using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using OeeOrleans.Access.Audit;

namespace OeeOrleans.Gateway.Access;

/// <summary>
/// What a browser could be led to do by a foreign page: requests that change something, and WebSockets, that it sends with our cookie but
/// that another origin made. SameSite keeps most of them away; this looks at what is left, and at browsers that do not know SameSite.
/// </summary>
internal static class RequestGuard
{
    public static void UseRequestGuard(this WebApplication app) => app.Use((context, next) =>
    {
        var request = context.Request;
        // No id and no name has it, and no database takes it.
        if (request.Path.Value?.Contains('\0') == true || request.QueryString.Value?.Contains("%00", StringComparison.Ordinal) == true)
        {
            return AccessAnswers.WriteAsync(context, StatusCodes.Status400BadRequest, "Bad request", "the address holds U+0000");
        }

        // Who shows a key or token has it from its owner, not from a browser's cookies.
        if (KeyOrTokenHandler.IsExplicit(request) || !CouldHarm(context) || !IsForeign(request)) return next(context);
        context.RequestServices.GetRequiredService<RefusalLog>().Note(
            "unknown", "request.refused", request.Path.Value ?? "/", Origin.Of(context), "foreign_origin");
        return AccessAnswers.WriteAsync(
            context, StatusCodes.Status403Forbidden, "Foreign origin", "the request comes from a page of another origin");
    });

    /// <summary>Asked of the request itself: what the framework says of it is right only behind its own middleware.</summary>
    public static bool IsWebSocket(HttpContext context) =>
        HttpMethods.IsConnect(context.Request.Method)
        || context.Request.Headers.Upgrade.Any(u => u?.Contains("websocket", StringComparison.OrdinalIgnoreCase) == true);

    private static bool CouldHarm(HttpContext context) =>
        IsWebSocket(context)
        || !(HttpMethods.IsGet(context.Request.Method)
            || HttpMethods.IsHead(context.Request.Method)
            || HttpMethods.IsOptions(context.Request.Method));

    private static bool IsForeign(HttpRequest request)
    {
        if (request.Headers["Sec-Fetch-Site"] == "cross-site") return true;
        var origin = request.Headers.Origin.ToString();
        // Programs that are no browsers say nothing; the cookie's SameSite is what keeps browsers that say nothing.
        if (origin.Length == 0) return false;
        return !Uri.TryCreate(origin, UriKind.Absolute, out var uri)
            || !string.Equals(uri.Authority, request.Host.Value, StringComparison.OrdinalIgnoreCase);
    }
}
