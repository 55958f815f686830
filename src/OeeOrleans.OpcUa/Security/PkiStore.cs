using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OeeOrleans.OpcUa.Security;

/// <summary>
/// The folders of certificates (OPC 10000-12, F.1): `own/`, `trusted/certs`, `trusted/crl`, `issuers/certs`, `issuers/crl`,
/// `rejected/certs`, and `trusted/hosts` with the certificates that were accepted for one host by name.
/// </summary>
internal sealed class PkiStore(string directory)
{
    /// <summary>Rejected certificates at most: whoever answers in a server's place can make as many as he likes.</summary>
    private const int MaxRejected = 100;
    private static readonly TimeSpan LockFor = TimeSpan.FromSeconds(5);
    private static readonly Lock Making = new();

    public string TrustedFolder => Folder("trusted", "certs");

    public string RejectedFolder => Folder("rejected", "certs");

    private string OwnCertificate => Path.Combine(directory, "own", "certificate.der");

    private string OwnKey => Path.Combine(directory, "own", "private.pem");

    /// <summary>This application's certificate with its key; made at the first use.</summary>
    /// <exception cref="OpcUaException">It is there and cannot be used.</exception>
    public X509Certificate2 Own(string applicationName, TimeProvider clock)
    {
        // Two sources that start together, or two processes, must not make two keys and keep one certificate.
        lock (Making)
        {
            Directory.CreateDirectory(Path.Combine(directory, "own"));
            using var alone = Alone(Path.Combine(directory, "own", ".lock"), clock);
            return File.Exists(OwnCertificate) && File.Exists(OwnKey) ? Load(clock) : Create(applicationName, clock);
        }
    }

    private static FileStream Alone(string file, TimeProvider clock)
    {
        for (var started = clock.GetTimestamp(); ; Thread.Sleep(20))
        {
            try
            {
                return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (IOException) when (clock.GetElapsedTime(started) < LockFor)
            {
                // Another process makes or reads them just now.
                continue;
            }
        }
    }

    private X509Certificate2 Load(TimeProvider clock)
    {
        try
        {
            using var certificate = X509CertificateLoader.LoadCertificate(File.ReadAllBytes(OwnCertificate));
            using var key = RSA.Create();
            key.ImportFromPem(File.ReadAllText(OwnKey));
            if (certificate.NotAfter.ToUniversalTime() < clock.GetUtcNow())
            {
                throw new OpcUaException(
                    StatusCodes.BadCertificateTimeInvalid,
                    $"our own certificate {OwnCertificate} expired on {certificate.NotAfter:yyyy-MM-dd}; remove it and {OwnKey} to have "
                        + "another "
                        + $"one made, and let the server trust that");
            }

            return certificate.CopyWithPrivateKey(key);
        }
        catch (Exception error) when (error is CryptographicException or ArgumentException)
        {
            throw new OpcUaException(
                StatusCodes.BadCertificateInvalid,
                $"our own certificate {OwnCertificate} and its key {OwnKey} cannot be read ({error.Message}); remove both to have "
                    + "others made",
                error);
        }
    }

    public bool IsTrusted(X509Certificate2 certificate) =>
        Read(TrustedFolder).Any(c => c.RawDataMemory.Span.SequenceEqual(certificate.RawDataMemory.Span));

    public List<X509Certificate2> Trusted() => [.. Read(TrustedFolder)];

    public List<X509Certificate2> Issuers() => [.. Read(Folder("issuers", "certs"))];

    public List<byte[]> RevocationLists() =>
    [
        .. Files(Folder("trusted", "crl")).Concat(Files(Folder("issuers", "crl"))).Select(File.ReadAllBytes),
    ];

    /// <summary>From now on trusted, whoever shows it.</summary>
    public void Trust(X509Certificate2 certificate) => Save(TrustedFolder, certificate);

    /// <summary>From now on trusted, and taken as that host's although it may not name it.</summary>
    public void Pin(X509Certificate2 certificate, Uri url)
    {
        Trust(certificate);
        Directory.CreateDirectory(Folder("trusted", "hosts"));
        File.WriteAllText(PinFile(url), certificate.GetCertHashString(HashAlgorithmName.SHA256));
    }

    public bool IsPinned(X509Certificate2 certificate, Uri url) => File.Exists(PinFile(url))
        && File.ReadAllText(PinFile(url)).Trim() == certificate.GetCertHashString(HashAlgorithmName.SHA256);

    /// <summary>Whether some certificate was accepted for this host.</summary>
    public bool HasPin(Uri url) => File.Exists(PinFile(url));

    /// <summary>Kept for whoever decides; returns where.</summary>
    public string Reject(X509Certificate2 certificate)
    {
        Directory.CreateDirectory(RejectedFolder);
        var there = new DirectoryInfo(RejectedFolder).GetFiles();
        if (there.Length >= MaxRejected) there.MinBy(f => f.LastWriteTimeUtc)!.Delete();
        return Save(RejectedFolder, certificate);
    }

    private static IEnumerable<string> Files(string folder) => Directory.Exists(folder)
        ? Directory.EnumerateFiles(folder).Order(StringComparer.Ordinal)
        : [];

    private static IEnumerable<X509Certificate2> Read(string folder)
    {
        foreach (var file in Files(folder))
        {
            X509Certificate2 certificate;
            try
            {
                certificate = X509CertificateLoader.LoadCertificateFromFile(file);
            }
            catch (CryptographicException)
            {
                // Whatever else lies there is nobody's certificate, and trusts nobody.
                continue;
            }

            yield return certificate;
        }
    }

    private static string Save(string folder, X509Certificate2 certificate)
    {
        Directory.CreateDirectory(folder);
        var name = certificate.GetNameInfo(X509NameType.SimpleName, false);
        var safe = new string([.. name.Take(60).Select(c => char.IsLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '_')]);
        var file = Path.Combine(folder, $"{safe}[{certificate.Thumbprint}].der");
        File.WriteAllBytes(file, certificate.RawData);
        return file;
    }

    private string Folder(string kind, string what) => Path.Combine(directory, kind, what);

    public string PinFile(Uri url) => Path.Combine(Folder("trusted", "hosts"), $"{url.Host.Replace(':', '_')}_{url.Port}");

    private X509Certificate2 Create(string applicationName, TimeProvider clock)
    {
        using var key = RSA.Create(2048);
        var certificate = ApplicationCertificate.Create(applicationName, key, clock.GetUtcNow());
        // The key first, and only for us: a certificate without its key would be refused for ever.
        using (var stream = new FileStream(OwnKey, NewFile()))
        {
            stream.Write(System.Text.Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem()));
        }

        File.WriteAllBytes(OwnCertificate, certificate.RawData);
        return certificate;
    }

    private static FileStreamOptions NewFile()
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return options;
    }
}
