using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MQTTnet.Certificates;

namespace OeeOrleans.Broker;

/// <summary>The listener of the embedded broker that other machines may reach.</summary>
/// <param name="Address">To listen on.</param>
/// <param name="Port">To listen on.</param>
/// <param name="Certificate">Its certificate with its key, as it is now.</param>
/// <param name="ClientAuthorities">Who signs certificates of edge nodes; null: edge nodes come with user name and password.</param>
public sealed record BrokerTls(
    IPAddress Address, int Port, Func<X509Certificate2> Certificate, X509Certificate2Collection? ClientAuthorities) : ICertificateProvider
{
    private const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    public X509Certificate2 GetCertificate() => Certificate();

    /// <summary>Whoever shows no certificate is asked for a password; one that is shown must be one of ours.</summary>
    internal bool IsGood(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (certificate is null) return true;
        if (ClientAuthorities is null) return false;
        using var own = new X509Chain();
        own.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        own.ChainPolicy.CustomTrustStore.AddRange(ClientAuthorities);
        own.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        own.ChainPolicy.ApplicationPolicy.Add(new Oid(ClientAuthentication));
        using var shown = new X509Certificate2(certificate);
        return own.Build(shown);
    }
}
