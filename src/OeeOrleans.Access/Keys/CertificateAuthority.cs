using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OeeOrleans.Access.Keys;

/// <summary>Authorities of the plant's own, from a PEM file: of edge nodes, of silos. The machine's own list of authorities has no say.</summary>
public sealed class CertificateAuthority
{
    public const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    public const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    private readonly X509Certificate2Collection _authorities = [];

    private CertificateAuthority(string file) => _authorities.ImportFromPemFile(file);

    /// <exception cref="IOException">The file cannot be read, or holds no certificate.</exception>
    public static CertificateAuthority Load(string file)
    {
        try
        {
            var authority = new CertificateAuthority(file);
            return authority._authorities.Count > 0 ? authority : throw new IOException($"'{file}' holds no certificate");
        }
        catch (CryptographicException error)
        {
            throw new IOException($"'{file}' holds no certificates: {error.Message}", error);
        }
    }

    /// <summary>Whether a certificate is signed by one of them, is good now, and is for this use. Revocation lists are not asked for.</summary>
    public bool Vouches(X509Certificate? certificate, string use)
    {
        if (certificate is null) return false;
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(_authorities);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.ApplicationPolicy.Add(new Oid(use));
        using var shown = new X509Certificate2(certificate);
        return chain.Build(shown);
    }
}
