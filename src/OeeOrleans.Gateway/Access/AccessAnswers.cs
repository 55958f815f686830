using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Authorization.Policy;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc;
using Microsoft.AspNetCore.Routing;
using OeeOrleans.Access.Audit;
using OeeOrleans.Access.Identities;
using OeeOrleans.Gateway.Api;

namespace OeeOrleans.Gateway.Access;

/// <summary>
/// What a closed door says: 401 to whom nobody knows (a page leads to the sign-in instead), 403 to whom it knows. Refusals are in the
/// audit log.
/// </summary>
internal sealed class AccessAnswers(Callers callers, RefusalLog refusals) : IAuthorizationMiddlewareResultHandler
{
    public async Task HandleAsync(
        RequestDelegate next, HttpContext context, AuthorizationPolicy policy, PolicyAuthorizationResult authorizeResult)
    {
        // What is not there asks for nothing; nor does the answer that a method or a kind of body is another one (405, 415).
        if (authorizeResult.Succeeded || context.GetEndpoint() is not RouteEndpoint)
        {
            if (context.Features.Get<Caller>() is null && callers.Of(context.User) is { } caller) context.Features.Set(caller);
            await next(context);
            return;
        }

        await RefuseAsync(context);
    }

    private Task RefuseAsync(HttpContext context)
    {
        var caller = callers.Of(context.User);
        var isKnown = caller is { Identity.Kind: not IdentityKind.Anonymous };
        var path = context.Request.Path.Value ?? "/";
        if (isKnown)
        {
            var mustChange = caller!.Identity.MustChangePassword;
            if (mustChange && WantsPage(context.Request)) return Redirect(context, "/password");
            refusals.Note(caller.Identity.Label, "request.refused", path, Origin.Of(context), mustChange ? "password" : "role");
            return WriteAsync(context, 403, "Not allowed", mustChange
                ? "the password must be changed first: PUT /api/me/password"
                : "your role does not suffice for this");
        }

        if (WantsPage(context.Request)) return Redirect(context, "/sign-in?to=" + Uri.EscapeDataString(path + context.Request.QueryString));
        // Who only has nothing to show is no news; who shows something that is not good is.
        var shown = KeyOrTokenHandler.IsExplicit(context.Request);
        if (shown) refusals.Note("unknown", "request.refused", path, Origin.Of(context), "credentials");
        context.Response.Headers.WWWAuthenticate = shown ? "Bearer realm=\"oee\", error=\"invalid_token\"" : "Bearer realm=\"oee\"";
        return WriteAsync(context, 401, "Who are you?", shown
            ? "the API key or access token is not good, or not any more"
            : "an API key in X-Api-Key or an access token (POST /api/auth/token) is needed");
    }

    public static Task WriteAsync(HttpContext context, int status, string title, string detail) =>
        ApiConventions.WriteAsync(context, new ProblemDetails { Status = status, Title = title, Detail = detail });

    private static Task Redirect(HttpContext context, string to)
    {
        context.Response.Redirect(to);
        return Task.CompletedTask;
    }

    private static bool WantsPage(HttpRequest request) =>
        HttpMethods.IsGet(request.Method)
        && !KeyOrTokenHandler.IsExplicit(request)
        && request.Headers.Accept.Any(a => a?.Contains("text/html", StringComparison.Ordinal) == true);
}
