using OeeOrleans.Host.Config;

namespace OeeOrleans.Host.Hosting;

/// <summary>Listens where the gateway will, while the store is away at the start: alive, not ready, and it says why.</summary>
internal sealed class WaitingRoom : IAsyncDisposable
{
    private const int RetryAfterS = 5;

    private readonly WebApplication _app;

    private WaitingRoom(WebApplication app) => _app = app;

    /// <summary>Why the work has not begun.</summary>
    public string Reason { get; set; } = "starting";

    /// <exception cref="IOException">The address is taken.</exception>
    public static async Task<WaitingRoom> OpenAsync(OeeConfig config, CancellationToken cancellationToken)
    {
        var builder = WebApplication.CreateSlimBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        // A slim builder leaves it out.
        builder.WebHost.UseKestrelHttpsConfiguration();
        GatewayListeners.Add(builder, config);
        OeeHost.ConfigureLogging(builder.Logging);
        var app = builder.Build();
        var room = new WaitingRoom(app);
        app.MapGet("/health/live", () => Results.Ok(new { status = "live" }));
        app.MapFallback((HttpContext context) =>
        {
            context.Response.Headers.RetryAfter = RetryAfterS.ToString(System.Globalization.CultureInfo.InvariantCulture);
            return context.Request.Path == "/health/ready"
                ? Results.Json(new { status = "not ready", store = room.Reason }, statusCode: StatusCodes.Status503ServiceUnavailable)
                : Results.Problem(room.Reason, statusCode: StatusCodes.Status503ServiceUnavailable, title: "The store is away");
        });
        await app.StartAsync(cancellationToken);
        return room;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }
}
