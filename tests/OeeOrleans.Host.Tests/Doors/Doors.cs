using System.Net.Http.Json;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.Access.Keys;
using OeeOrleans.Host.Config;
using OeeOrleans.Host.Hosting;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Mqtt;
using OeeOrleans.Storage;

namespace OeeOrleans.Host.Tests.Doors;

/// <summary>Every endpoint that the gateway has, as it is built, and how to knock at each.</summary>
internal static class Doors
{
    /// <summary>Open to everybody, and why that does no harm.</summary>
    public static readonly IReadOnlyDictionary<string, string> Open = new Dictionary<string, string>
    {
        ["POST /api/auth/token"] = "here one says who one is",
        ["POST /api/auth/refresh"] = "with a token that was given before",
        ["GET /.well-known/jwks.json"] = "public keys",
        ["GET /health/live"] = "alive, and nothing else",
        ["GET /health/ready"] = "ready or not, and nothing else",
        ["GET /sign-in"] = "a form",
        ["POST /sign-in"] = "here one says who one is",
        ["GET /sign-in/done"] = "a link",
        ["POST /sign-in/done"] = "a link",
        ["GET /setup"] = "a form, with a word that was printed",
        ["POST /setup"] = "with a word that was printed",
    };

    /// <summary>`METHOD /pattern` of every endpoint, with the endpoint; files that everybody gets are one.</summary>
    public static List<(string Name, RouteEndpoint Endpoint)> All()
    {
        var directory = Directory.CreateTempSubdirectory("oee-endpoints-").FullName;
        try
        {
            var config = ConfigFile.Parse(
                $$"""
                site: { id: s, name: S, time_zone: UTC }
                data_dir: {{directory}}
                """,
                "plant.yaml");
            var store = StoreFactory.Sqlite(Path.Combine(directory, "oee.db"), NullLoggerFactory.Instance);
            var broker = new BrokerAddress(new Uri("mqtt://127.0.0.1:1"));
            var app = OeeHost.Build(
                config, new PlantDirectory(config.Plant), Roles.All, broker, store, PlantKey.Random(), null);
            return
            [
                .. ((IEndpointRouteBuilder)app).DataSources.SelectMany(s => s.Endpoints).OfType<RouteEndpoint>()
                    .SelectMany(e => MethodsOf(e).Select(m => ($"{m} /{e.RoutePattern.RawText!.TrimStart('/')}", e))),
            ];
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>Says something of who may come in: a policy, or that everybody may.</summary>
    public static bool HasPolicy(RouteEndpoint endpoint) =>
        // The framework's own, for files that are not there: refused because it says nothing.
        endpoint.DisplayName == "Fallback {**path:file}"
        || endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null
        || endpoint.Metadata.GetOrderedMetadata<IAuthorizeData>().Any(a => a.Policy is { Length: > 0 });

    public static bool IsOpen(RouteEndpoint endpoint) => endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null;

    private static IReadOnlyList<string> MethodsOf(RouteEndpoint endpoint) =>
        endpoint.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods is { Count: > 0 } methods ? methods : ["GET"];
}
