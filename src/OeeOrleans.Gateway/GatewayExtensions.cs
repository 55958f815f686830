using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using OeeOrleans.Gateway.Api;
using OeeOrleans.Gateway.Board;
using OeeOrleans.Gateway.Live;
using Prometheus;
using Scalar.AspNetCore;

namespace OeeOrleans.Gateway;

/// <summary>Adds the gateway to a host: REST, live push, metrics, health, reference page and board.</summary>
public static class GatewayExtensions
{
    public static IServiceCollection AddGateway(this IServiceCollection services)
    {
        services.ConfigureHttpJsonOptions(o => ApiConventions.Apply(o.SerializerOptions));
        services.AddSignalR().AddJsonProtocol(o => ApiConventions.Apply(o.PayloadSerializerOptions));
        services.AddRazorComponents().AddInteractiveServerComponents();
        services.AddOpenApi();
        services.AddSingleton<LiveSubscribers>();
        services.AddSingleton<LiveBoard>();
        services.AddHostedService(s => s.GetRequiredService<LiveBoard>());
        return services;
    }

    public static void MapGateway(this WebApplication app)
    {
        app.UseProblems();
        app.UseAntiforgery();
        app.UseHttpMetrics();
        var api = app.MapGroup("/api");
        KpiEndpoints.Map(api);
        TelemetryEndpoints.Map(api);
        FaultEndpoints.Map(api);
        LossEndpoints.Map(api);
        AssetEndpoints.Map(api);
        app.MapHub<LiveHub>("/hubs/live");
        app.MapHealth();
        app.MapMetrics("/metrics");
        app.MapOpenApi();
        app.MapScalarApiReference("/scalar");
        app.MapStaticAssets();
        app.MapRazorComponents<App>().AddInteractiveServerRenderMode();
    }
}
