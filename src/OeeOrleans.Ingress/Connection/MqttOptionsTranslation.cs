using System.Security.Cryptography.X509Certificates;
using MQTTnet;
using MQTTnet.Formatter;

namespace OeeOrleans.Ingress.Connection;

/// <summary>MQTTnet options from ours.</summary>
internal static class MqttOptionsTranslation
{
    /// <summary>The client's default of 8 KiB is less than one segment of the loopback interface: with a backlog the sender falls back to probing a closed
    /// window, and a burst of large messages trickles in at a dozen a second.</summary>
    private const int SocketBufferBytes = 1 << 20;

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

    /// <summary>Builds with socket buffers that hold a burst; the builder itself has no way to say so.</summary>
    public static MqttClientOptions BuildForBursts(this MqttClientOptionsBuilder builder)
    {
        var built = builder.Build();
        if (built.ChannelOptions is MqttClientTcpOptions tcp) tcp.BufferSize = SocketBufferBytes;
        return built;
    }

    private static X509Certificate2Collection X509Certificates(string file)
    {
        var chain = new X509Certificate2Collection();
        chain.ImportFromPemFile(file);
        return chain;
    }
}
