using OeeOrleans.Edge;
using OeeOrleans.Edge.Sessions;
using OeeOrleans.Host.Config;
using OeeOrleans.Model;
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
        GatewayListeners.Add(builder, config);
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(7));
        builder.Services.AddSingleton<IHostLifetime, QuietLifetime>();
        OeeHost.ConfigureLogging(builder.Logging);
        builder.Services.AddSingleton(TimeProvider.System);
        Add(builder.Services, config.Edge!);
        builder.Services.AddSingleton<IReadinessCheck, EdgeReadiness>();
        var app = builder.Build();
        GatewayListeners.MapManagement(app, config);
        GatewayListeners.MapProcess(app, config);
        return app;
    }

    public static void Add(IServiceCollection services, EdgeOptions options)
    {
        services.AddSingleton(options);
        services.AddSingleton<EdgeConnector>();
        services.AddHostedService(s => s.GetRequiredService<EdgeConnector>());
    }

    /// <summary>Ready = born. An edge that is not goes on sampling and keeps everything; it says why.</summary>
    private sealed class EdgeReadiness(EdgeConnector edge) : IReadinessCheck
    {
        public string Name => "edge";

        public Task<string?> WhyNotAsync(CancellationToken cancellationToken)
        {
            var why = edge.Why is { Length: > 0 } reason ? reason : edge.State.ToString();
            return Task.FromResult(edge.State == EdgeState.Born ? null : $"{why}; {edge.Buffered} records wait");
        }
    }
}
