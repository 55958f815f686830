using System.Security.Cryptography.X509Certificates;
using MQTTnet;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using OeeOrleans.Sparkplug.Edge;

namespace OeeOrleans.Edge.Sessions;

/// <summary>MQTT as Sparkplug wants it of an edge node: a clean session, a will at QoS 1, nothing retained (Sparkplug 3.0 sections 5.4 and 6.4).</summary>
internal static class EdgeTransport
{
    public static MqttClientOptions Settings(EdgeBroker broker, string clientId, in EdgeMessage will)
    {
        var builder = new MqttClientOptionsBuilder()
            .WithTcpServer(broker.Url.Host, broker.Port)
            .WithClientId(clientId)
            .WithProtocolVersion(MqttProtocolVersion.V311)
            .WithCleanSession()
            .WithKeepAlivePeriod(TimeSpan.FromSeconds(10))
            .WithTimeout(TimeSpan.FromSeconds(15))
            .WithWillTopic(will.Topic.ToString())
            .WithWillPayload(will.Payload.ToArray())
            .WithWillQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce)
            .WithWillRetain(false);
        if (broker.Username is not null) builder.WithCredentials(broker.Username, broker.Password ?? "");
        if (broker.Url.Scheme == "mqtts")
        {
            builder.WithTlsOptions(tls =>
            {
                tls.UseTls();
                if (broker.CaFile is { } ca)
                {
                    var chain = new X509Certificate2Collection();
                    chain.ImportFromPemFile(ca);
                    tls.WithTrustChain(chain);
                }

                if (broker.CertificateFile is { } certificate) tls.WithClientCertificates([X509Certificate2.CreateFromPemFile(certificate, broker.KeyFile)]);
            });
        }

        return builder.Build();
    }

    public static MqttApplicationMessage Message(in EdgeMessage message, int qos) => new()
    {
        Topic = message.Topic.ToString(),
        PayloadSegment = message.Payload.ToArray(),
        QualityOfServiceLevel = (MqttQualityOfServiceLevel)qos,
        Retain = false,
    };
}
