using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using OeeOrleans.Access.Grants;
using OeeOrleans.Access.Identities;

namespace OeeOrleans.Gateway.Access;

/// <summary>
/// The Orleans dashboard streams the logs of silos for as long as somebody reads: whoever may not look any more is cut off, and not asked
/// again at the next request only.
/// </summary>
internal static class DashboardWatch
{
    public static void UseDashboardWatch(this WebApplication app) => app.UseWhen(
        context => context.Request.Path.StartsWithSegments("/dashboard"),
        dashboard => dashboard.Use(WatchAsync));

    private static async Task WatchAsync(HttpContext context, RequestDelegate next)
    {
        var directory = context.RequestServices.GetRequiredService<AccessDirectory>();
        var callers = context.RequestServices.GetRequiredService<Callers>();
        var user = context.User;
        var (gate, isOver) = (new Lock(), false);
        void Look()
        {
            if (callers.Of(user)?.Scope.AllowsEverywhere(Permission.Administer) == true) return;
            // A request that has ended is somebody else's by now.
            lock (gate) if (!isOver) context.Abort();
        }

        directory.Changed += Look;
        try
        {
            await next(context);
        }
        finally
        {
            directory.Changed -= Look;
            lock (gate) isOver = true;
        }
    }
}
