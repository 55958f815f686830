using System.Numerics;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.OpcUa.Security;

namespace OeeOrleans.OpcUa.Tests;

/// <summary>Which server certificates are accepted (OPC 10000-4, 6.1.3), and what is said of those that are not.</summary>
public sealed class CertificateTests : IDisposable
{
    private const string Application = "urn:plc:server";
    private static readonly Uri Url = new("opc.tcp://plc.example:4840/UA");
    private readonly string _directory = Directory.CreateTempSubdirectory("oee-pki").FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Our_own_certificate_is_made_once_and_its_key_is_ours_alone()
    {
        var store = new PkiStore(_directory);
        using var first = store.Own("Test", TimeProvider.System);
        using var second = store.Own("Test", TimeProvider.System);
        Assert.Equal(first.Thumbprint, second.Thumbprint);
        Assert.True(second.HasPrivateKey);
        var (uri, hosts) = ApplicationCertificate.Names(first);
        Assert.StartsWith("urn:", uri, StringComparison.Ordinal);
        Assert.Contains(System.Net.Dns.GetHostName(), hosts);
        if (OperatingSystem.IsWindows()) return;
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(Path.Combine(_directory, "own", "private.pem")));
    }

    [Fact]
    public void An_unknown_server_is_refused_and_put_aside_for_whoever_decides()
    {
        var refused = Refused(Certificate());
        Assert.Equal(StatusCodes.BadCertificateUntrusted, refused.Status.Code);
        Assert.Contains("--trust-server", refused.Message, StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(Path.Combine(_directory, "rejected", "certs")));
    }

    [Fact]
    public void What_was_put_aside_is_trusted_once_it_is_moved()
    {
        var certificate = Certificate();
        Refused(certificate);
        Directory.CreateDirectory(Path.Combine(_directory, "trusted", "certs"));
        foreach (var file in Directory.GetFiles(Path.Combine(_directory, "rejected", "certs")))
        {
            File.Move(file, Path.Combine(_directory, "trusted", "certs", Path.GetFileName(file)));
        }

        Accepted(certificate);
    }

    [Fact]
    public void On_first_use_it_is_trusted_and_another_one_afterwards_is_not()
    {
        Accepted(Certificate(), ServerTrust.OnFirstUse);
        var second = Refused(Certificate(), ServerTrust.OnFirstUse);
        Assert.Equal(StatusCodes.BadCertificateUntrusted, second.Status.Code);
        Assert.Contains("another one was accepted", second.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(-20, -10)]
    [InlineData(10, 20)]
    public void One_out_of_its_time_is_refused_though_trusted(int fromDays, int toDays)
    {
        var certificate = Certificate(from: fromDays, to: toDays);
        new PkiStore(_directory).Trust(certificate);
        var refused = Refused(certificate, ServerTrust.OnFirstUse);
        Assert.Equal(StatusCodes.BadCertificateTimeInvalid, refused.Status.Code);
        Assert.Contains("renewed", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_made_out_to_another_host_is_refused_with_the_names_it_has()
    {
        var certificate = Certificate(host: "other.example");
        new PkiStore(_directory).Trust(certificate);
        var refused = Refused(certificate);
        Assert.Equal(StatusCodes.BadCertificateHostNameInvalid, refused.Status.Code);
        Assert.Contains("made out to other.example, not to plc.example", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_made_out_to_another_host_is_taken_where_it_was_accepted_for_this_one()
    {
        var certificate = Certificate(host: "other.example");
        Accepted(certificate, ServerTrust.OnFirstUse);
        Accepted(certificate);
    }

    [Fact]
    public void One_of_another_application_is_refused()
    {
        var certificate = Certificate(uri: "urn:another");
        new PkiStore(_directory).Trust(certificate);
        Assert.Equal(StatusCodes.BadCertificateUriInvalid, Refused(certificate).Status.Code);
    }

    [Fact]
    public void One_with_a_short_key_is_refused()
    {
        var certificate = Certificate(bits: 1024);
        new PkiStore(_directory).Trust(certificate);
        Assert.Contains("2048 are needed", Refused(certificate).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void One_issued_by_a_trusted_authority_is_accepted()
    {
        using var authority = Authority("CN=Plant CA");
        new PkiStore(_directory).Trust(authority);
        Accepted(Certificate(issuer: authority));
    }

    [Fact]
    public void One_that_only_names_a_trusted_authority_as_its_issuer_is_refused()
    {
        using var authority = Authority("CN=Plant CA");
        using var impostor = Authority("CN=Plant CA");
        new PkiStore(_directory).Trust(authority);
        Assert.Equal(StatusCodes.BadCertificateUntrusted, Refused(Certificate(issuer: impostor)).Status.Code);
    }

    [Fact]
    public void One_that_names_a_trusted_authority_and_its_key_and_was_signed_by_another_is_refused()
    {
        // With the key identifier of an impostor, or a signature no RSA key can have made, a chain engine puts the two aside without a
        // word.
        using var authority = Authority("CN=Plant CA");
        using var impostor = Authority("CN=Plant CA");
        new PkiStore(_directory).Trust(authority);
        Assert.Equal(StatusCodes.BadCertificateUntrusted, Refused(Certificate(issuer: impostor, identifier: true)).Status.Code);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Plant CA", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var elliptic = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));
        using var leafKey = RSA.Create(2048);
        var leaf = Request(leafKey, "plc.example", Application).Create(
            elliptic.SubjectName, X509SignatureGenerator.CreateForECDsa(key), DateTimeOffset.UtcNow.AddHours(-1),
                DateTimeOffset.UtcNow.AddDays(1), [1, 2, 3]);
        Assert.Equal(StatusCodes.BadCertificateUntrusted, Refused(leaf).Status.Code);
    }

    [Fact]
    public void One_that_its_authority_revoked_is_refused_and_its_sister_is_not()
    {
        using var authority = Authority("CN=Plant CA");
        new PkiStore(_directory).Trust(authority);
        var (revoked, sister) = (Certificate(issuer: authority), Certificate(issuer: authority));
        var list = new CertificateRevocationListBuilder();
        list.AddEntry(revoked);
        var bytes = list.Build(authority, 1, DateTimeOffset.UtcNow.AddDays(30), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        Directory.CreateDirectory(Path.Combine(_directory, "trusted", "crl"));
        File.WriteAllBytes(Path.Combine(_directory, "trusted", "crl", "ca.crl"), bytes);
        Assert.Equal(StatusCodes.BadCertificateRevoked, Refused(revoked).Status.Code);
        Accepted(sister);
    }

    [Fact]
    public void A_list_that_the_authority_did_not_sign_revokes_nothing()
    {
        using var authority = Authority("CN=Plant CA");
        using var impostor = Authority("CN=Plant CA");
        new PkiStore(_directory).Trust(authority);
        var certificate = Certificate(issuer: authority);
        var list = new CertificateRevocationListBuilder();
        list.AddEntry(certificate);
        Directory.CreateDirectory(Path.Combine(_directory, "trusted", "crl"));
        File.WriteAllBytes(
            Path.Combine(_directory, "trusted", "crl", "ca.crl"),
            list.Build(impostor, 1, DateTimeOffset.UtcNow.AddDays(30), HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1));
        Accepted(certificate);
    }

    [Fact]
    public void Bytes_that_are_no_certificate_are_refused_as_such() => Assert.Equal(
        StatusCodes.BadCertificateInvalid,
        Assert.Throws<OpcUaException>(() => Check(ServerTrust.Store).Check([1, 2, 3], Url, Application)).Status.Code);

    [Fact]
    public void Everything_is_accepted_only_where_that_was_asked_for() =>
        Accepted(Certificate(host: "other", uri: "urn:another", from: -20, to: -10), ServerTrust.Everything);

    private static X509Certificate2 Authority(string name)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest(name, key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-30), DateTimeOffset.UtcNow.AddDays(365));
    }

    private static X509Certificate2 Certificate(
        string host = "plc.example", string uri = Application, int from = -1, int to = 30, int bits = 2048, X509Certificate2? issuer = null,
        bool identifier = false)
    {
        using var key = RSA.Create(bits);
        var request = Request(key, host, uri);
        if (identifier) request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(issuer!, true, false));
        var (start, end) = (DateTimeOffset.UtcNow.AddDays(from), DateTimeOffset.UtcNow.AddDays(to));
        return issuer is null
            ? request.CreateSelfSigned(start, end)
            : request.Create(issuer, start, end,
                BigInteger.Abs(new BigInteger(Guid.NewGuid().ToByteArray())).ToByteArray(isBigEndian: true));
    }

    private static CertificateRequest Request(RSA key, string host, string uri)
    {
        var request = new CertificateRequest($"CN={Guid.NewGuid():N}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        var names = new SubjectAlternativeNameBuilder();
        names.AddUri(new Uri(uri));
        names.AddDnsName(host);
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(
            new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment, true));
        return request;
    }

    private CertificateCheck Check(ServerTrust trust) => new(new PkiStore(_directory), trust, TimeProvider.System, NullLogger.Instance);

    private void Accepted(X509Certificate2 certificate, ServerTrust trust = ServerTrust.Store) =>
        Check(trust).Check(certificate.RawData, Url, Application);

    private OpcUaException Refused(X509Certificate2 certificate, ServerTrust trust = ServerTrust.Store) =>
        Assert.Throws<OpcUaException>(() => Accepted(certificate, trust));
}
