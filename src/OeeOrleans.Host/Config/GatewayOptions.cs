using System.Net;

namespace OeeOrleans.Host.Config;

/// <summary>The section `gateway` of plant.yaml.</summary>
public sealed record GatewayOptions
{
    /// <summary>PEM file of the certificate and those between it and its authority; with https:// addresses.</summary>
    public string? Certificate { get; init; }

    /// <summary>PEM file of its key.</summary>
    public string? Key { get; init; }

    /// <summary>Names under which the gateway is asked for, beside those of its addresses.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [];

    /// <summary>Addresses of a listener that tells health and metrics to everybody who reaches it, and nothing else to anybody.</summary>
    public IReadOnlyList<string> ManagementUrls { get; init; } = [];

    /// <summary>Others reach an http:// address, and that is meant: a proxy before it ends TLS.</summary>
    public bool PlainHttp { get; init; }

    /// <summary>Proxies that are believed what they say of whom they speak for (X-Forwarded-For, X-Forwarded-Proto).</summary>
    public IReadOnlyList<IPNetwork> Proxies { get; init; } = [];
}
