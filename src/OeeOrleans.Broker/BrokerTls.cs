using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using OeeOrleans.Access.Keys;

namespace OeeOrleans.Broker;

/// <summary>The listener of the embedded broker that other machines may reach.</summary>
/// <param name="Address">To listen on.</param>
/// <param name="Port">To listen on.</param>
/// <param name="Certificate">Its certificate with its key and those between it and its authority, as it is now.</param>
/// <param name="Edges">Who signs certificates of edge nodes; null: edge nodes come with user name and password.</param>
public sealed record BrokerTls(IPAddress Address, int Port, Func<SslStreamCertificateContext> Certificate, CertificateAuthority? Edges)
{
    /// <summary>For one handshake.</summary>
    internal SslServerAuthenticationOptions Options() => new()
    {
        ServerCertificateContext = Certificate(),
        ClientCertificateRequired = Edges is not null,
        RemoteCertificateValidationCallback = IsGood,
        CertificateChainPolicy = Edges?.Policy(CertificateAuthority.ClientAuthentication),
    };

    /// <summary>Whoever shows no certificate is asked for a password; one that is shown must be one of ours.</summary>
    private bool IsGood(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors) =>
        certificate is null || Edges?.Vouches(certificate, CertificateAuthority.ClientAuthentication, chain) == true;
}
