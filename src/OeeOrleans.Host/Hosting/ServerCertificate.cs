using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace OeeOrleans.Host.Hosting;

/// <summary>
/// A certificate with its key and chain from PEM files, read again when the files change: whoever renews it need not restart anything. One
/// that cannot be read leaves the one before in use. Safe for concurrent use.
/// </summary>
internal sealed class ServerCertificate(string certificateFile, string keyFile, TimeProvider clock, ILogger log)
{
    /// <summary>How often the files are looked at, at most.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(5);

    private readonly Lock _reading = new();
    private SslStreamCertificateContext? _context;
    private (DateTime Certificate, DateTime Key) _written;
    private long _looked;

    /// <summary>One that cannot be used is told now and not at the first handshake.</summary>
    /// <exception cref="IOException">The files cannot be read, or are no certificate with its key.</exception>
    public static ServerCertificate Open(string certificateFile, string keyFile, ILogger log)
    {
        var certificate = new ServerCertificate(certificateFile, keyFile, TimeProvider.System, log);
        try
        {
            certificate.Current();
            return certificate;
        }
        catch (CryptographicException error)
        {
            throw new IOException($"'{certificateFile}' and '{keyFile}' are no certificate with its key: {error.Message}", error);
        }
    }

    /// <summary>As it is now.</summary>
    /// <exception cref="IOException">It cannot be read, and there is none before it.</exception>
    /// <exception cref="CryptographicException">The files hold no certificate and key that belong together.</exception>
    public SslStreamCertificateContext Current()
    {
        lock (_reading)
        {
            if (_context is not null && clock.GetElapsedTime(_looked) < Look) return _context;
            _looked = clock.GetTimestamp();
            try
            {
                var written = (WrittenAt(certificateFile), WrittenAt(keyFile));
                if (_context is not null && written == _written) return _context;
                var renewed = _context is not null;
                _context = Read();
                _written = written;
                if (renewed) Log.CertificateRenewed(log, certificateFile, _context.TargetCertificate.NotAfter);
            }
            catch (Exception error)
                when (_context is not null && error is IOException or UnauthorizedAccessException or CryptographicException)
            {
                // The two files are not written in one step: the next look finds them both.
                Log.CertificateUnreadable(log, certificateFile, error.Message);
            }

            return _context ?? throw new IOException($"the certificate '{certificateFile}' cannot be read");
        }
    }

    /// <summary>Of what a link leads to: an orchestrator renews what is behind it, and leaves the link as it is.</summary>
    private static DateTime WrittenAt(string file) =>
        File.GetLastWriteTimeUtc(File.ResolveLinkTarget(file, returnFinalTarget: true)?.FullName ?? file);

    private SslStreamCertificateContext Read()
    {
        using var pem = X509Certificate2.CreateFromPemFile(certificateFile, keyFile);
        // With a key that only this process' memory holds not every platform's TLS can sign.
        var certificate = X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(certificateFile);
        chain.RemoveAt(0);
        return SslStreamCertificateContext.Create(certificate, chain, offline: true);
    }
}
