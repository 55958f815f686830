using System.Security.Cryptography.X509Certificates;
using MQTTnet;
using MQTTnet.Formatter;

namespace OeeOrleans.Ingress.Connection;

/// <summary>MQTTnet options from ours.</summary>
internal static class MqttOptionsTranslation
{
    public static MqttClientOptionsBuilder ToBuilder(this MqttOptions options, string clientId, MqttProtocolVersion version)
    {
        var secure = options.Url.Scheme == "mqtts";
        var builder = new MqttClientOptionsBuilder()
            .WithTcpServer(options.Url.Host, options.PortOrDefault)
            .WithClientId(clientId)
            .WithProtocolVersion(version)
            .WithKeepAlivePeriod(TimeSpan.FromSeconds(15))
            .WithTimeout(TimeSpan.FromSeconds(10));
        if (options.Username is not null) builder.WithCredentials(options.Username, options.Password ?? "");
        if (!secure) return builder;
        return builder.WithTlsOptions(tls =>
        {
            tls.UseTls();
            if (options.CaFile is not null) tls.WithTrustChain(X509Certificates(options.CaFile));
            if (options.CertificateFile is not null) tls.WithClientCertificates([X509Certificate2.CreateFromPemFile(options.CertificateFile, options.KeyFile)]);
        });
    }

    private static X509Certificate2Collection X509Certificates(string file)
    {
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(file);
        return chain;
    }
}
