using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;

namespace OeeOrleans.OpcUa.Security;

/// <summary>Whether a server is who it says (OPC 10000-4, 6.1.3): chain and trust, revocation, time, key, host name, application
/// URI.</summary>
internal sealed class CertificateCheck(PkiStore store, ServerTrust trust, TimeProvider clock, ILogger log)
{
    private const int MinKeyBits = 2048;

    /// <exception cref="OpcUaException">It is not accepted; the message says why and what to do.</exception>
    public void Check(byte[] chain, Uri url, string? applicationUri)
    {
        var certificates = ApplicationCertificate.Chain(chain);
        var leaf = certificates[0];
        if (trust == ServerTrust.Everything)
        {
            Log.TrustsEverything(log, url, leaf.Subject);
            return;
        }

        CheckTime(leaf, url);
        CheckKey(leaf, url);
        CheckTrust(leaf, certificates, url);
        var pinned = store.IsPinned(leaf, url);
        CheckHost(leaf, url, pinned);
        CheckUri(leaf, url, applicationUri, pinned);
    }

    private void CheckTime(X509Certificate2 leaf, Uri url)
    {
        var now = clock.GetUtcNow().UtcDateTime;
        var (from, to) = (leaf.NotBefore.ToUniversalTime(), leaf.NotAfter.ToUniversalTime());
        if (now >= from && now <= to) return;
        const string format = "yyyy-MM-dd HH:mm";
        var culture = System.Globalization.CultureInfo.InvariantCulture;
        throw Refused(
            StatusCodes.BadCertificateTimeInvalid, url, leaf,
            $"is valid from {from.ToString(format, culture)} to {to.ToString(format, culture)} UTC, and it is "
                + $"{now.ToString(format, culture)}; have it renewed on the server, or set the clock right");
    }

    private static void CheckKey(X509Certificate2 leaf, Uri url)
    {
        using var key = leaf.GetRSAPublicKey()
            ?? throw Refused(StatusCodes.BadCertificateInvalid, url, leaf, "has no RSA key; the policies offered here need one");
        if (key.KeySize < MinKeyBits)
        {
            throw Refused(
                StatusCodes.BadCertificateInvalid, url, leaf,
                $"has a key of {key.KeySize} bits; {MinKeyBits} are needed (OPC 10000-7): have another one made on the server");
        }

        var usage = leaf.Extensions.OfType<X509KeyUsageExtension>().FirstOrDefault()?.KeyUsages;
        if (usage is { } allowed && (allowed & X509KeyUsageFlags.DigitalSignature) == 0)
        {
            throw Refused(
                StatusCodes.BadCertificateUseNotAllowed, url, leaf, "may not be used for signatures; have another one made on the server");
        }
    }

    private void CheckTrust(X509Certificate2 leaf, List<X509Certificate2> chain, Uri url)
    {
        var trusted = store.Trusted();
        var issuer = Issuer(leaf, [.. chain.Skip(1), .. trusted, .. store.Issuers()], trusted, url, out var byAuthority);
        if (issuer is not null) CheckRevocation(leaf, issuer, url);
        // Trust on first use is no trust in whoever comes second.
        if (trust == ServerTrust.OnFirstUse && !store.HasPin(url))
        {
            store.Pin(leaf, url);
            Log.TrustedOnFirstUse(log, url, leaf.Subject, leaf.Thumbprint);
            return;
        }

        if (byAuthority || store.IsTrusted(leaf)) return;
        var other = store.HasPin(url) && !store.IsPinned(leaf, url)
            ? $"; another one was accepted for this host before, remove {store.PinFile(url)} when the server's was renewed"
            : "";
        var where = store.Reject(leaf);
        throw Refused(
            StatusCodes.BadCertificateUntrusted, url, leaf,
            $"is not trusted; it was put aside as {where}: if it is the right one (SHA-1 {leaf.Thumbprint}), move it to "
                + $"{store.TrustedFolder}, or "
                + $"accept it once by --trust-server{other}");
    }

    /// <summary>Who signed it, as far as known here; <paramref name="trustedAuthority"/> when the way up meets one in the trusted
    /// folder.</summary>
    private X509Certificate2? Issuer(
        X509Certificate2 leaf, List<X509Certificate2> known, List<X509Certificate2> trusted, Uri url, out bool trustedAuthority)
    {
        const int longest = 10;
        trustedAuthority = false;
        X509Certificate2? first = null;
        var at = leaf;
        for (var i = 0; i < longest && !at.SubjectName.RawData.AsSpan().SequenceEqual(at.IssuerName.RawData); i++)
        {
            var issuer = known.Find(c => Signed(at, c));
            if (issuer is null) break;
            if (i > 0) CheckRevocation(at, issuer, url);
            first ??= issuer;
            at = issuer;
            trustedAuthority |= trusted.Exists(t => t.RawDataMemory.Span.SequenceEqual(issuer.RawDataMemory.Span));
        }

        return first;
    }

    private bool Signed(X509Certificate2 certificate, X509Certificate2 issuer)
    {
        if (!certificate.IssuerName.RawData.AsSpan().SequenceEqual(issuer.SubjectName.RawData)) return false;
        if (issuer.Extensions.OfType<X509BasicConstraintsExtension>().FirstOrDefault() is not { CertificateAuthority: true }) return false;
        var now = clock.GetUtcNow().UtcDateTime;
        if (now < issuer.NotBefore.ToUniversalTime() || now > issuer.NotAfter.ToUniversalTime()) return false;
        return SignedData.IsSignedBy(certificate.RawData, issuer);
    }

    private void CheckRevocation(X509Certificate2 certificate, X509Certificate2 issuer, Uri url)
    {
        foreach (var list in store.RevocationLists())
        {
            if (!RevocationList.Revokes(list, certificate, issuer)) continue;
            throw Refused(
                StatusCodes.BadCertificateRevoked, url, certificate,
                "was revoked by its issuer; have another one issued for the server");
        }
    }

    private void CheckHost(X509Certificate2 leaf, Uri url, bool pinned)
    {
        var (_, hosts) = ApplicationCertificate.Names(leaf);
        if (hosts.Exists(h => IsHost(h, url.DnsSafeHost))) return;
        if (pinned)
        {
            Log.HostNotInCertificate(log, url, string.Join(", ", hosts));
            return;
        }

        throw Refused(
            StatusCodes.BadCertificateHostNameInvalid, url, leaf,
            $"is made out to {(hosts.Count > 0 ? string.Join(", ", hosts) : "no host at all")}, not to {url.Host}; use one of these "
                + "names in the "
                + $"URL, have a certificate made that names {url.Host}, or accept it for this host once by --trust-server");
    }

    private void CheckUri(X509Certificate2 leaf, Uri url, string? applicationUri, bool pinned)
    {
        var (uri, _) = ApplicationCertificate.Names(leaf);
        if (applicationUri is null || uri == applicationUri) return;
        if (pinned)
        {
            Log.UriNotInCertificate(log, url, applicationUri, uri ?? "none");
            return;
        }

        throw Refused(
            StatusCodes.BadCertificateUriInvalid, url, leaf,
            $"is of the application {uri ?? "(none named)"}, and the server calls itself {applicationUri}; have the server's "
                + "certificate made anew, or "
                + $"accept it for this host once by --trust-server");
    }

    /// <summary>Whether two names or addresses mean the same host, as far as that can be known without asking anyone.</summary>
    public static bool IsHost(string named, string host)
    {
        if (string.Equals(named, host, StringComparison.OrdinalIgnoreCase)) return true;
        if (IPAddress.TryParse(named, out var a) && IPAddress.TryParse(host, out var b)) return a.Equals(b);
        // This machine, whatever it is called: localhost, 127.0.0.1 and its own name are one.
        return IsHere(named) && IsHere(host);
    }

    private static bool IsHere(string host)
    {
        if (IPAddress.TryParse(host, out var address)) return IPAddress.IsLoopback(address);
        return string.Equals(host, "localhost", StringComparison.OrdinalIgnoreCase)
            || string.Equals(host, Dns.GetHostName(), StringComparison.OrdinalIgnoreCase);
    }

    private static OpcUaException Refused(uint status, Uri url, X509Certificate2 certificate, string why) =>
        new(status, $"{url}: the server's certificate ({certificate.Subject}) {why} ({new StatusCode(status).Name})");
}
