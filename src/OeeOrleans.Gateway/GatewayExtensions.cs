using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Components.Endpoints;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using OeeOrleans.Access;
using OeeOrleans.Access.Grants;
using OeeOrleans.Access.Identities;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Gateway.Api;
using OeeOrleans.Gateway.Api.Export;
using OeeOrleans.Gateway.Api.Plant;
using OeeOrleans.Gateway.Board;
using OeeOrleans.Gateway.GraphQl;
using OeeOrleans.Gateway.Live;
using Prometheus;
using Scalar.AspNetCore;

namespace OeeOrleans.Gateway;

/// <summary>Adds the gateway to a host: REST, live push, metrics, health, reference page and board, and who may come in.</summary>
public static class GatewayExtensions
{
    /// <summary>The policy of what is for administrators of the whole plant.</summary>
    public const string AdministratorsOnly = AccessPolicy.AdministerPlant;

    /// <summary>How often a plain WebSocket is asked whether it lives, and how long it may take to say so.</summary>
    private static readonly TimeSpan SocketPulse = TimeSpan.FromSeconds(15);

    /// <param name="services">Of the host.</param>
    /// <param name="oidc">Who else signs people in; null: nobody.</param>
    public static IServiceCollection AddGateway(this IServiceCollection services, OidcOptions? oidc = null)
    {
        services.ConfigureHttpJsonOptions(o => ApiConventions.Apply(o.SerializerOptions));
        // What cannot be read is answered like everything else that is wrong: with what is wrong.
        services.Configure<RouteHandlerOptions>(o => o.ThrowOnBadRequest = true);
        services.AddSignalR().AddJsonProtocol(o => ApiConventions.Apply(o.PayloadSerializerOptions));
        services.AddRazorComponents().AddInteractiveServerComponents();
        OpenApiSetup.Add(services);
        GraphQlSetup.Add(services);
        AccessSetup.Add(services, oidc);
        RateLimits.Add(services);
        services.AddSingleton<LiveSubscribers>();
        services.AddSingleton<PlantTrials>();
        services.AddSingleton<PageMemory>();
        services.AddSingleton<ExportTurns>();
        services.AddSingleton<LiveBoard>();
        services.AddHostedService(s => s.GetRequiredService<LiveBoard>());
        return services;
    }

    public static void MapGateway(this WebApplication app)
    {
        // Whom a proxy speaks for, when the host says whom it believes that; nobody otherwise.
        app.UseForwardedHeaders();
        app.UseSecurityHeaders();
        app.UseProblems();
        app.UseHttpMetrics();
        app.UseRequestGuard();
        app.UseWebSockets(new WebSocketOptions { KeepAliveInterval = SocketPulse, KeepAliveTimeout = SocketPulse });
        app.UseRouting();
        app.UseAuthentication();
        app.UseRateLimiter();
        app.UseAuthorization();
        app.UseDashboardWatch();
        app.UseAntiforgery();
        var api = app.MapGroup("/api");
        OpenId.Map(app);
        AuthEndpoints.Map(app, api);
        UserEndpoints.Map(api);
        AuditEndpoints.Map(api);
        KpiEndpoints.Map(api);
        TelemetryEndpoints.Map(api);
        FaultEndpoints.Map(api);
        CommandEndpoints.Map(api);
        LossEndpoints.Map(api);
        AssetEndpoints.Map(api);
        PlantEndpoints.Map(api);
        ExportEndpoints.Map(api);
        app.MapHub<LiveHub>("/hubs/live");
        LiveSocket.Map(app);
        GraphQlEndpoint.Map(app);
        app.MapHealth(MayKnow);
        app.MapMetrics("/metrics").Needs(AccessPolicy.Monitor);
        app.MapOpenApi().Needs(AccessPolicy.Look);
        app.MapScalarApiReference("/scalar", AtHome).Needs(AccessPolicy.Look);
        app.MapStaticAssets().AllowAnonymous();
        app.MapRazorComponents<App>().AddInteractiveServerRenderMode().Add(NeedLook);
    }

    /// <summary>The reference page calls nobody outside, and offers nothing that would.</summary>
    private static void AtHome(ScalarOptions page)
    {
        page.DisableDefaultFonts();
        page.Title = "OeeOrleans API";
        page.Telemetry = false;
        page.HideClientButton = true;
        page.ShowDeveloperTools = DeveloperToolsVisibility.Never;
        page.Agent = new ScalarAgentOptions { Disabled = true };
        page.Mcp = new ScalarMcpOptions { Disabled = true };
    }

    /// <summary>A page says itself who may see it; what carries the pages is for those who may look.</summary>
    private static void NeedLook(EndpointBuilder endpoint)
    {
        if (!endpoint.Metadata.OfType<ComponentTypeMetadata>().Any()) endpoint.Metadata.Add(new AuthorizeAttribute(AccessPolicy.Look));
    }

    private static bool MayKnow(HttpContext context) =>
        context.RequestServices.GetRequiredService<Callers>().Of(context.User) is { Identity.Kind: not IdentityKind.Anonymous } caller
        && caller.Scope.AllowsEverywhere(Permission.Look);
}
