using System.Net;
using OeeOrleans.Configuration.Reading;

namespace OeeOrleans.Host.Config;

/// <summary>`gateway: { urls, certificate, key, hosts, management_urls, plain_http, proxies }`.</summary>
internal static class GatewayReader
{
    public static GatewayOptions Read(YamlSection gateway)
    {
        var options = new GatewayOptions
        {
            Certificate = gateway.ExistingFile("certificate"),
            Key = gateway.ExistingFile("key"),
            Hosts = [.. gateway.Items("hosts").Select(h => h.ToString())],
            ManagementUrls = Exposure.Split(gateway.Text("management_urls") ?? ""),
            PlainHttp = gateway.Flag("plain_http"),
            Proxies = [.. Networks(gateway)],
        };
        if ((options.Certificate is null) != (options.Key is null))
        {
            gateway.Problems.Add(gateway.Line, "gateway: certificate and key belong together; one of them is missing");
        }

        foreach (var host in options.Hosts.Where(h => h.Length == 0 || h.AsSpan().ContainsAny('/', '*', ' ')))
        {
            gateway.Problems.Add(gateway.LineOf("hosts"), $"gateway.hosts: '{host}' is no name such as oee.example.com");
        }

        return options;
    }

    private static IEnumerable<IPNetwork> Networks(YamlSection gateway)
    {
        foreach (var text in gateway.Items("proxies").Select(p => p.ToString()))
        {
            if (IPNetwork.TryParse(text, out var network)) yield return network;
            else if (IPAddress.TryParse(text, out var address)) yield return new IPNetwork(address, address.GetAddressBytes().Length * 8);
            else
            {
                gateway.Problems.Add(
                    gateway.LineOf("proxies"), $"gateway.proxies: '{text}' is neither an address (10.0.0.9) nor a network (10.0.0.0/24)");
            }
        }
    }
}
