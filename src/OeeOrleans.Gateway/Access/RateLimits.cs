using System.Threading.RateLimiting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Extensions.DependencyInjection;
using OeeOrleans.Access;
using OeeOrleans.Access.Identities;

namespace OeeOrleans.Gateway.Access;

/// <summary>
/// How much one may ask for: per identity, and per address of whom nobody knows. More is refused, with when to come again.
/// </summary>
internal static class RateLimits
{
    public const string SignIn = "sign-in";
    public const string Refresh = "refresh";

    private const int RequestsPerSecond = 500;
    private const int Burst = 2_000;

    /// <summary>WebSockets of one identity at once: live push and boards.</summary>
    private const int WebSockets = 200;

    private const int RefreshesPerMinute = 120;

    public static void Add(IServiceCollection services) => services.AddRateLimiter(limits =>
    {
        limits.GlobalLimiter = PartitionedRateLimiter.CreateChained(
            PartitionedRateLimiter.Create<HttpContext, string>(context => RateLimitPartition.GetTokenBucketLimiter(
                "r " + WhoOf(context),
                _ => new TokenBucketRateLimiterOptions
                {
                    TokenLimit = Burst, TokensPerPeriod = RequestsPerSecond / 10, ReplenishmentPeriod = TimeSpan.FromMilliseconds(100),
                    AutoReplenishment = true,
                })),
            PartitionedRateLimiter.Create<HttpContext, string>(context => IsLive(context)
                ? RateLimitPartition.GetConcurrencyLimiter(
                    "w " + WhoOf(context), _ => new ConcurrencyLimiterOptions { PermitLimit = WebSockets })
                : RateLimitPartition.GetNoLimiter("")));
        // A person mistypes; a machine guesses.
        limits.AddPolicy(SignIn, context => PerAddress(
            context, "s ", context.RequestServices.GetRequiredService<AccessOptions>().SignInsPerMinute));
        limits.AddPolicy(Refresh, context => PerAddress(context, "f ", RefreshesPerMinute));
        limits.OnRejected = RefuseAsync;
    });

    /// <summary>What stays open: WebSockets, and what live push and pages use where there are none.</summary>
    private static bool IsLive(HttpContext context) =>
        RequestGuard.IsWebSocket(context)
        || context.Request.Path.StartsWithSegments("/hubs")
        || context.Request.Path.StartsWithSegments("/_blazor");

    private static RateLimitPartition<string> PerAddress(HttpContext context, string prefix, int perMinute) =>
        RateLimitPartition.GetSlidingWindowLimiter(
            prefix + Origin.NetworkOf(context),
            _ => new SlidingWindowRateLimiterOptions { PermitLimit = perMinute, Window = TimeSpan.FromMinutes(1), SegmentsPerWindow = 6 });

    private static string WhoOf(HttpContext context) =>
        context.Features.Get<Caller>() is { Identity.Kind: not IdentityKind.Anonymous } caller
            ? caller.Identity.Label
            : Origin.NetworkOf(context);

    private static async ValueTask RefuseAsync(OnRejectedContext rejected, CancellationToken cancellationToken)
    {
        var seconds = rejected.Lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? (int)Math.Ceiling(after.TotalSeconds) : 1;
        var context = rejected.HttpContext;
        context.Response.Headers.RetryAfter =
            Math.Max(1, seconds).ToString(System.Globalization.CultureInfo.InvariantCulture);
        context.RequestServices.GetRequiredService<OeeOrleans.Access.Audit.RefusalLog>().Note(
            WhoOf(context), "request.refused", context.Request.Path.Value ?? "/", Origin.Of(context), "limit");
        await AccessAnswers.WriteAsync(context, 429, "Too many requests", "wait as long as Retry-After says, seconds, and ask again");
    }
}
