using System.Net;
using System.Net.Sockets;

namespace OeeOrleans.Host.Config;

/// <summary>Where the doors are, and whether they are such doors. Asked by `oee check`, and again when the command line has had its
/// say.</summary>
internal static class Exposure
{
    /// <summary>The key and what is wrong with its value.</summary>
    public static IEnumerable<(string Key, string Problem)> ProblemsOf(OeeConfig config)
    {
        foreach (var url in Split(config.GatewayUrls))
        {
            if (WhyNot(url, config) is { } problem) yield return ("gateway.urls", problem);
        }

        foreach (var url in config.Gateway.ManagementUrls)
        {
            if (Parse(url) is not { Scheme: "http" or "https", Port: > 0 })
            {
                yield return ("gateway.management_urls", $"'{url}' is not an address with a port, such as http://127.0.0.1:9090");
            }
            else if (Parse(url)!.Scheme == "https" && config.Gateway.Certificate is null)
            {
                yield return ("gateway.management_urls", NeedsCertificate(url));
            }
            else if (Split(config.GatewayUrls).Any(u => Parse(u)?.Port == Parse(url)!.Port))
            {
                yield return (
                    "gateway.management_urls", $"'{url}' has a port of gateway.urls, which would then have health and metrics only");
            }
        }

        if (!IPAddress.IsLoopback(IPAddress.Parse(config.SiloAddress)) && config.ClusterTls is null)
        {
            yield return (
                "cluster",
                $"silos at {config.SiloAddress} can be reached from other machines, and whoever reaches them could call them; give them "
                    + "certificates of an authority of your own: cluster.tls: { certificate, key, ca }");
        }

        // With a broker of the plant's own there is no embedded one.
        if (config.Broker is not null) yield break;
        var isAddress = IPAddress.TryParse(config.MqttAddress, out var address);
        if (!isAddress || address!.AddressFamily != AddressFamily.InterNetwork)
        {
            yield return ("mqtt_address", $"'{config.MqttAddress}' is not an IPv4 address such as 127.0.0.1");
        }
        else if (!IPAddress.IsLoopback(address) && config.MqttTls is null)
        {
            yield return (
                "mqtt_address",
                $"the embedded broker at {config.MqttAddress} can be reached from other machines, and passwords would be readable on the way; "
                    + "give it a certificate: mqtt_tls: { certificate, key }");
        }
    }

    /// <summary>Nobody but this machine can reach these addresses.</summary>
    public static bool IsLoopbackOnly(string urls) => Split(urls).All(u => Parse(u) is { } uri && IsLoopback(uri));

    public static string[] Split(string urls) =>
        urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>What ASP.NET calls "all addresses" is no host to Uri.</summary>
    public static Uri? Parse(string url) => Uri.TryCreate(
        url.Replace("*", "0.0.0.0", StringComparison.Ordinal).Replace("+", "0.0.0.0", StringComparison.Ordinal), UriKind.Absolute,
        out var uri)
        ? uri
        : null;

    /// <summary>As Kestrel takes it: any other name is all addresses to it.</summary>
    private static bool IsLoopback(Uri uri) =>
        uri.Host == "localhost" || (IPAddress.TryParse(uri.Host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));

    private static string NeedsCertificate(string url) =>
        $"'{url}' needs a certificate: give gateway.certificate and gateway.key, PEM files";

    private static string? WhyNot(string url, OeeConfig config)
    {
        if (Parse(url) is not { Scheme: "http" or "https" } uri) return $"'{url}' is not an address such as http://127.0.0.1:8080";
        if (uri.Scheme == "https")
        {
            return config.Gateway.Certificate is null ? NeedsCertificate(url) : null;
        }

        // An edge node by itself has no users, and tells nothing but health and metrics.
        var isEdgeAlone = config.Edge is not null && !config.Plant.Machines.Any();
        return IsLoopback(uri) || config.Gateway.PlainHttp || isEdgeAlone
            ? null
            : $"'{url}' can be reached from other machines, and passwords would be readable on the way; use https:// with "
                + "gateway.certificate and gateway.key, or set gateway.plain_http: true where a proxy in front of it ends TLS";
    }
}
