using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OeeOrleans.Access.Keys;

/// <summary>
/// Authorities of the plant's own, from a PEM file: of edge nodes, of silos. The machine's own list of authorities has no say.
/// </summary>
public sealed class CertificateAuthority
{
    public const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";
    public const string ClientAuthentication = "1.3.6.1.5.5.7.3.2";

    /// <summary>RFC 5280, appendix A: id-at-commonName.</summary>
    private const string CommonNameId = "2.5.4.3";

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

    /// <summary>
    /// Whether a certificate is signed by one of them, is good now, and is for this use. Revocation lists are not asked for.
    /// </summary>
    /// <param name="certificate">As it was shown.</param>
    /// <param name="use">What it is used for.</param>
    /// <param name="shown">With the certificates between it and its authority that were shown with it.</param>
    public bool Vouches(X509Certificate? certificate, string use, X509Chain? shown = null)
    {
        if (certificate is null) return false;
        using var chain = new X509Chain();
        chain.ChainPolicy = Policy(use);
        if (shown is not null) chain.ChainPolicy.ExtraStore.AddRange(shown.ChainPolicy.ExtraStore);
        using var leaf = new X509Certificate2(certificate);
        return chain.Build(leaf);
    }

    /// <summary>
    /// How a certificate is looked at. Nothing is fetched for it: where to fetch from stands in the certificate, which a stranger wrote.
    /// </summary>
    public X509ChainPolicy Policy(string use)
    {
        var policy = new X509ChainPolicy
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.AddRange(_authorities);
        policy.ApplicationPolicy.Add(new Oid(use));
        return policy;
    }

    /// <summary>The one common name of a certificate; null when there is none, or more than one.</summary>
    public static string? CommonName(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        var names = certificate.SubjectName.EnumerateRelativeDistinguishedNames()
            .Where(n => !n.HasMultipleElements && n.GetSingleElementType().Value == CommonNameId).ToList();
        return names is [var name] ? name.GetSingleElementValue() : null;
    }
}
