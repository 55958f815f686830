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
            if (!IsAddress(url)) yield return ("gateway.urls", $"'{url}' is not an address such as http://127.0.0.1:8080");
        }

        // With a broker of the plant's own there is no embedded one.
        if (config.Broker is not null) yield break;
        var isAddress = IPAddress.TryParse(config.MqttAddress, out var address);
        if (!isAddress || address!.AddressFamily != AddressFamily.InterNetwork)
        {
            yield return ("mqtt_address", $"'{config.MqttAddress}' is not an IPv4 address such as 127.0.0.1");
        }
        else if (!IPAddress.IsLoopback(address))
        {
            yield return (
                "mqtt_address",
                $"the embedded broker asks nobody who they are yet, so it listens on loopback only, not on {config.MqttAddress}; a plant "
                    + "with other machines has a broker of its own (broker.url)");
        }
    }

    /// <summary>Nobody but this machine can reach these addresses.</summary>
    public static bool IsLoopbackOnly(string urls) => Split(urls).All(u => Parse(u)?.IsLoopback == true);

    private static string[] Split(string urls) =>
        urls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static bool IsAddress(string url) => Parse(url) is { Scheme: "http" or "https" };

    /// <summary>What ASP.NET calls "all addresses" is no host to Uri.</summary>
    private static Uri? Parse(string url) => Uri.TryCreate(
        url.Replace("*", "0.0.0.0", StringComparison.Ordinal).Replace("+", "0.0.0.0", StringComparison.Ordinal), UriKind.Absolute,
        out var uri)
        ? uri
        : null;
}
