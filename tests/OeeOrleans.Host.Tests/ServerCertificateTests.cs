using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using OeeOrleans.Host.Hosting;
using OeeOrleans.TestServers;

namespace OeeOrleans.Host.Tests;

public sealed class ServerCertificateTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("oee-certificate-").FullName;
    private readonly TestAuthority _authority = new("authority");

    public void Dispose()
    {
        _authority.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public void A_certificate_that_is_renewed_behind_a_link_is_seen()
    {
        // As an orchestrator mounts secrets: the files are links through a folder that is a link, which is moved.
        Write("1", "first", DateTime.UtcNow.AddMinutes(-5));
        Write("2", "second", DateTime.UtcNow);
        Directory.CreateSymbolicLink(At("..data"), At("1"));
        foreach (var file in new[] { "a.pem", "a.key" }) File.CreateSymbolicLink(At(file), Path.Combine("..data", file));
        var clock = new FakeTimeProvider();
        var certificate = new ServerCertificate(At("a.pem"), At("a.key"), clock, NullLogger.Instance);
        Assert.Equal("CN=first", certificate.Current().TargetCertificate.Subject);
        File.Delete(At("..data"));
        Directory.CreateSymbolicLink(At("..data"), At("2"));
        clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal("CN=second", certificate.Current().TargetCertificate.Subject);
    }

    private string At(string name) => Path.Combine(_directory, name);

    private void Write(string folder, string name, DateTime at)
    {
        Directory.CreateDirectory(At(folder));
        var (certificate, key) = (Path.Combine(At(folder), "a.pem"), Path.Combine(At(folder), "a.key"));
        _authority.Write(name, certificate, key).Dispose();
        File.SetLastWriteTimeUtc(certificate, at);
        File.SetLastWriteTimeUtc(key, at);
    }
}
