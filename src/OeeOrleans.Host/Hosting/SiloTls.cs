using System.Security.Cryptography.X509Certificates;
using OeeOrleans.Access.Keys;
using OeeOrleans.Host.Config;
using Orleans.Connections.Security;

namespace OeeOrleans.Host.Hosting;

/// <summary>
/// Silos, and gateways that call them, know each other by certificates of the plant's own authority, on both sides and on both ports:
/// whoever has none can neither call a grain nor be one of them.
/// </summary>
internal static class SiloTls
{
    /// <summary>What is checked is who signed: addresses change, and a certificate of the authority is one of a silo.</summary>
    private const string AnyName = "oee-silo";

    public static void Add(ISiloBuilder silo, OeeConfig config)
    {
        if (config.ClusterTls is { } files) silo.UseTls(tls => Configure(tls, files));
    }

    public static void Add(IClientBuilder client, OeeConfig config)
    {
        if (config.ClusterTls is { } files) client.UseTls(tls => Configure(tls, files));
    }

    private static void Configure(TlsOptions tls, ClusterTlsOptions files)
    {
        var logs = LoggerFactory.Create(OeeHost.ConfigureLogging);
        var certificate = ServerCertificate.Open(files.Certificate, files.Key, logs.CreateLogger("OeeOrleans.Host"));
        var authority = CertificateAuthority.Load(files.Ca);
        X509Certificate2 Own() => certificate.Current().TargetCertificate;
        tls.LocalCertificate = Own();
        tls.LocalServerCertificateSelector = (_, _) => Own();
        tls.LocalClientCertificateSelector = (_, _, _, _, _) => Own();
        tls.RemoteCertificateMode = RemoteCertificateMode.RequireCertificate;
        tls.ClientCertificateMode = RemoteCertificateMode.RequireCertificate;
        tls.RemoteCertificateValidation = (shown, chain, _) =>
            authority.Vouches(shown, CertificateAuthority.ServerAuthentication, chain)
            && authority.Vouches(shown, CertificateAuthority.ClientAuthentication, chain);
        tls.OnAuthenticateAsClient = (_, ssl) => ssl.TargetHost = AnyName;
    }
}
