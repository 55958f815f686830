using System.Formats.Asn1;
using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OeeOrleans.OpcUa.Security;

/// <summary>Certificates of applications: what must be in ours, and what is said in theirs (OPC 10000-6, 6.2.2).</summary>
internal static class ApplicationCertificate
{
    private const int Years = 10;
    private const string SubjectAlternativeName = "2.5.29.17";
    private static readonly Asn1Tag UriTag = new(TagClass.ContextSpecific, 6);
    private static readonly Asn1Tag DnsTag = new(TagClass.ContextSpecific, 2);
    private static readonly Asn1Tag AddressTag = new(TagClass.ContextSpecific, 7);

    public static X509Certificate2 Create(string applicationName, RSA key, DateTimeOffset now)
    {
        var host = Dns.GetHostName();
        var name = new X500DistinguishedNameBuilder();
        name.AddCommonName($"{applicationName}@{host}");
        name.AddOrganizationName("OeeOrleans");
        var request = new CertificateRequest(name.Build(), key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri($"urn:{host}:{Uri.EscapeDataString(applicationName)}"));
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(false, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(
                X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.NonRepudiation | X509KeyUsageFlags.KeyEncipherment
                    | X509KeyUsageFlags.DataEncipherment | X509KeyUsageFlags.KeyCertSign,
                true));
        // Server and client authentication.
        request.CertificateExtensions.Add(
            new X509EnhancedKeyUsageExtension([new Oid("1.3.6.1.5.5.7.3.1"), new Oid("1.3.6.1.5.5.7.3.2")], false));
        return request.CreateSelfSigned(now.AddDays(-1), now.AddYears(Years));
    }

    /// <summary>The first of a chain as it travels, one certificate behind the other (OPC 10000-6, 6.2.3).</summary>
    /// <exception cref="OpcUaException">These bytes are no certificate.</exception>
    public static X509Certificate2 Leaf(byte[] chain) => Chain(chain)[0];

    /// <inheritdoc cref="Leaf"/>
    public static List<X509Certificate2> Chain(byte[] chain)
    {
        const int longest = 10;
        var certificates = new List<X509Certificate2>();
        try
        {
            for (var rest = chain.AsMemory(); rest.Length > 0 && certificates.Count < longest;)
            {
                var one = new AsnReader(rest, AsnEncodingRules.BER).PeekEncodedValue();
                certificates.Add(X509CertificateLoader.LoadCertificate(one.Span));
                rest = rest[one.Length..];
            }
        }
        catch (Exception error) when (error is CryptographicException or AsnContentException)
        {
            throw new OpcUaException(
                StatusCodes.BadCertificateInvalid, $"the server's certificate cannot be read ({error.Message}); have another one made "
                    + "there",
                error);
        }

        return certificates.Count > 0
            ? certificates
            : throw new OpcUaException(StatusCodes.BadCertificateInvalid, "the server shows no certificate, and its endpoint needs one");
    }

    /// <summary>Application URI, host names and addresses a certificate is made out to.</summary>
    public static (string? Uri, List<string> Hosts) Names(X509Certificate2 certificate)
    {
        string? uri = null;
        var hosts = new List<string>();
        foreach (var extension in certificate.Extensions.Where(e => e.Oid?.Value == SubjectAlternativeName))
        {
            try
            {
                var names = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
                while (names.HasData)
                {
                    var tag = names.PeekTag();
                    if (tag.HasSameClassAndValue(UriTag)) uri ??= names.ReadCharacterString(UniversalTagNumber.IA5String, tag);
                    else if (tag.HasSameClassAndValue(DnsTag)) hosts.Add(names.ReadCharacterString(UniversalTagNumber.IA5String, tag));
                    else if (tag.HasSameClassAndValue(AddressTag)) AddAddress(hosts, names.ReadOctetString(tag));
                    else names.ReadEncodedValue();
                }
            }
            catch (AsnContentException error)
            {
                throw new OpcUaException(
                    StatusCodes.BadCertificateInvalid, $"the names in the server's certificate cannot be read ({error.Message})", error);
            }
        }

        return (uri, hosts);
    }

    private static void AddAddress(List<string> hosts, byte[] bytes)
    {
        if (bytes.Length is 4 or 16) hosts.Add(new IPAddress(bytes).ToString());
    }
}
