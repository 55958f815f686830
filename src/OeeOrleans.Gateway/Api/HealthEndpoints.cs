using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OeeOrleans.Model;

namespace OeeOrleans.Gateway.Api;

/// <summary>
/// `/health/live`: the process runs. `/health/ready`: it can do its work; 503 when not, with every reason for those who may know.
/// </summary>
public static class HealthEndpoints
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    /// <param name="app">The application.</param>
    /// <param name="mayKnow">Whether a request is told the reasons; a listener of its own tells everybody.</param>
    public static void MapHealth(this IEndpointRouteBuilder app, Func<HttpContext, bool>? mayKnow = null)
    {
        app.MapGet("/health/live", () => Results.Ok(new { status = "live" })).AllowAnonymous().ExcludeFromDescription();
        app.MapGet(
            "/health/ready",
            (HttpContext context, IEnumerable<IReadinessCheck> checks) =>
                ReadyAsync(checks, mayKnow?.Invoke(context) ?? true, context.RequestAborted))
            .AllowAnonymous().ExcludeFromDescription();
    }

    private static async Task<IResult> ReadyAsync(
        IEnumerable<IReadinessCheck> checks, bool mayKnow, CancellationToken cancellationToken)
    {
        var found = await Task.WhenAll(checks.Select(async c => (c.Name, Why: await WhyNotAsync(c, cancellationToken))));
        var ready = found.All(f => f.Why is null);
        var document = new Dictionary<string, string> { ["status"] = ready ? "ready" : "not ready" };
        if (mayKnow) foreach (var (name, why) in found) document[name] = why ?? "ok";
        return Results.Json(document, statusCode: ready ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
    }

    private static async Task<string?> WhyNotAsync(IReadinessCheck check, CancellationToken cancellationToken)
    {
        try
        {
            return await check.WhyNotAsync(cancellationToken).WaitAsync(Limit, cancellationToken);
        }
        catch (TimeoutException)
        {
            return $"no answer within {Limit.TotalSeconds:0} s";
        }
    }
}
