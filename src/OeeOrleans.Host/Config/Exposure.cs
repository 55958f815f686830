using System.Net;
using System.Net.Sockets;

namespace OeeOrleans.Host.Config;

/// <summary>As long as there are no users, only this machine may come in, unless the configuration says otherwise. Asked by `oee check`,
/// and again when the command line has had its say.</summary>
internal static class Exposure
{
    private const string Remedy = "set allow_anonymous: true if that is meant";

    /// <summary>The key and what is wrong with its value.</summary>
    public static IEnumerable<(string Key, string Problem)> ProblemsOf(OeeConfig config)
    {
        foreach (var url in config.GatewayUrls.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (WhyNot(url, config.AllowAnonymous) is { } problem) yield return ("gateway.urls", problem);
        }

        // With a broker of the plant's own there is no embedded one.
        if (config.Broker is not null) yield break;
        var isAddress = IPAddress.TryParse(config.MqttAddress, out var address);
        if (!isAddress || address!.AddressFamily != AddressFamily.InterNetwork)
        {
            yield return ("mqtt_address", $"'{config.MqttAddress}' is not an IPv4 address such as 127.0.0.1");
        }
        else if (!IPAddress.IsLoopback(address) && !config.AllowAnonymous)
        {
            yield return (
                "mqtt_address",
                $"the embedded broker at {config.MqttAddress} can be reached from other machines and there are no users yet; {Remedy}");
        }
    }

    private static string? WhyNot(string url, bool allowAnonymous)
    {
        // What ASP.NET calls "all addresses" is no host to Uri.
        var plain = url.Replace("*", "0.0.0.0", StringComparison.Ordinal).Replace("+", "0.0.0.0", StringComparison.Ordinal);
        if (!Uri.TryCreate(plain, UriKind.Absolute, out var uri) || uri.Scheme is not ("http" or "https"))
        {
            return $"'{url}' is not an address such as http://127.0.0.1:8080";
        }

        return uri.IsLoopback || allowAnonymous ? null : $"'{url}' can be reached from other machines and there are no users yet; {Remedy}";
    }
}
