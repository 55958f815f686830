using System.Net;
using System.Net.NetworkInformation;
using Microsoft.AspNetCore.HostFiltering;
using Microsoft.AspNetCore.HttpOverrides;
using OeeOrleans.Gateway.Api;
using OeeOrleans.Host.Config;
using Prometheus;

namespace OeeOrleans.Host.Hosting;

/// <summary>
/// Where the gateway listens: addresses, TLS, names it is asked for under, and bounds on what a connection may take, so that slow and
/// greedy ones are sent away before they cost anything.
/// </summary>
internal static class GatewayListeners
{
    private const long MaxBodyBytes = 1 << 20;
    private const int MaxConnections = 5_000;
    private const int MaxWebSockets = 2_000;
    private const int MaxHeaderBytes = 16 << 10;

    private static readonly TimeSpan HeadersLimit = TimeSpan.FromSeconds(10);

    /// <param name="builder">Of the server.</param>
    /// <param name="config">The configuration.</param>
    /// <exception cref="IOException">The certificate cannot be read.</exception>
    public static void Add(WebApplicationBuilder builder, OeeConfig config)
    {
        builder.WebHost.UseUrls([.. Exposure.Split(config.GatewayUrls), .. config.Gateway.ManagementUrls]);
        var certificate = config.Gateway is { Certificate: { } file, Key: { } key }
            ? ServerCertificate.Open(file, key, LoggerFactory.Create(OeeHost.ConfigureLogging).CreateLogger("OeeOrleans.Host"))
            : null;
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = MaxBodyBytes;
            kestrel.Limits.MaxRequestHeadersTotalSize = MaxHeaderBytes;
            kestrel.Limits.MaxConcurrentConnections = MaxConnections;
            kestrel.Limits.MaxConcurrentUpgradedConnections = MaxWebSockets;
            kestrel.Limits.RequestHeadersTimeout = HeadersLimit;
            if (certificate is null) return;
            kestrel.ConfigureHttpsDefaults(https =>
            {
                https.HandshakeTimeout = HeadersLimit;
                https.ServerCertificateSelector = (_, _) => certificate.Current().TargetCertificate;
                https.OnAuthenticate = (_, tls) =>
                {
                    // With the certificates between it and its authority, which a selector cannot give.
                    tls.ServerCertificateSelectionCallback = null;
                    tls.ServerCertificateContext = certificate.Current();
                };
            });
        });
        builder.Services.Configure<HostFilteringOptions>(o =>
        {
            o.AllowedHosts = [.. Names(config)];
            o.AllowEmptyHosts = false;
        });
        if (config.Gateway.Proxies.Count == 0) return;
        builder.Services.Configure<ForwardedHeadersOptions>(o =>
        {
            o.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;
            // As many as there are, as long as each is one of these.
            o.ForwardLimit = null;
            o.KnownProxies.Clear();
            o.KnownIPNetworks.Clear();
            foreach (var network in config.Gateway.Proxies) o.KnownIPNetworks.Add(network);
        });
    }

    /// <summary>The listener for health and metrics, which has nothing else.</summary>
    public static void MapManagement(WebApplication app, OeeConfig config)
    {
        var ports = config.Gateway.ManagementUrls.Select(u => Exposure.Parse(u)!.Port).ToHashSet();
        if (ports.Count == 0) return;
        app.MapWhen(context => ports.Contains(context.Connection.LocalPort), branch =>
        {
            branch.UseRouting();
            branch.UseEndpoints(endpoints =>
            {
                endpoints.MapMetrics("/metrics");
                endpoints.MapHealth();
            });
        });
    }

    /// <summary>
    /// Of a process that is no gateway: it knows nobody, so what tells of its inside is for this machine, and for whoever reaches the
    /// management listener.
    /// </summary>
    public static void MapProcess(WebApplication app, OeeConfig config)
    {
        // Behind the management listener's branch, which has endpoints of its own.
        app.UseRouting();
        var isForAll = Exposure.IsLoopbackOnly(config.GatewayUrls);
        if (isForAll) app.MapMetrics("/metrics");
        app.MapHealth(_ => isForAll);
    }

    /// <summary>
    /// A page of somebody else whose name was made to lead here (DNS rebinding) is told by the name it asks for. Addresses are nobody's
    /// name.
    /// </summary>
    private static IEnumerable<string> Names(OeeConfig config)
    {
        var uris = Exposure.Split(config.GatewayUrls).Concat(config.Gateway.ManagementUrls).Select(Exposure.Parse).OfType<Uri>().ToList();
        var names = new HashSet<string>(["localhost", "127.0.0.1", "[::1]", .. config.Gateway.Hosts], StringComparer.OrdinalIgnoreCase);
        names.UnionWith(uris.Select(u => u.Host));
        if (!uris.Exists(u => u.Host is "0.0.0.0" or "[::]")) return names;
        names.Add(Dns.GetHostName());
        foreach (var address in NetworkInterface.GetAllNetworkInterfaces().SelectMany(n => n.GetIPProperties().UnicastAddresses))
        {
            var isV6 = address.Address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetworkV6;
            names.Add(isV6 ? $"[{address.Address}]" : address.Address.ToString());
        }

        return names;
    }
}
