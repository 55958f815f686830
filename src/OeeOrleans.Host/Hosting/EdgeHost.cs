using OeeOrleans.Edge;
using OeeOrleans.Edge.Sessions;
using OeeOrleans.Host.Config;
using Prometheus;

namespace OeeOrleans.Host.Hosting;

/// <summary>A process that is an edge node and nothing else: its own health and metrics, no silo.</summary>
internal static class EdgeHost
{
    public static WebApplication Build(OeeConfig config)
    {
        var builder = WebApplication.CreateBuilder(
            new WebApplicationOptions
            {
                ContentRootPath = AppContext.BaseDirectory, ApplicationName = typeof(EdgeHost).Assembly.GetName().Name,
            });
        builder.WebHost.UseUrls(config.GatewayUrls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.AddServerHeader = false);
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(7));
        builder.Services.AddSingleton<IHostLifetime, QuietLifetime>();
        OeeHost.ConfigureLogging(builder.Logging);
        builder.Services.AddSingleton(TimeProvider.System);
        Add(builder.Services, config.Edge!);
        var app = builder.Build();
        app.MapMetrics("/metrics");
        app.MapGet("/health/live", () => Results.Ok(new { status = "live" }));
        MapReady(app);
        return app;
    }

    public static void Add(IServiceCollection services, EdgeOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<EdgeConnector>();
        services.AddHostedService(s => s.GetRequiredService<EdgeConnector>());
    }

    /// <summary>Ready = born. An edge that is not goes on sampling and keeps everything; it says why.</summary>
    private static void MapReady(WebApplication app) => app.MapGet("/health/ready", (EdgeConnector edge) =>
    {
        var born = edge.State == EdgeState.Born;
        return Results.Json(
            new { status = born ? "ready" : "not ready", state = edge.State.ToString(), why = edge.Why, buffered_records = edge.Buffered },
            statusCode: born ? 200 : 503);
    });
}
