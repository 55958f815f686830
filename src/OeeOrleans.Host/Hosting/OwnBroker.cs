using System.Net;
using OeeOrleans.Access.Audit;
using OeeOrleans.Access.Identities;
using OeeOrleans.Access.Keys;
using OeeOrleans.Access.Mqtt;
using OeeOrleans.Broker;
using OeeOrleans.Host.Config;

namespace OeeOrleans.Host.Hosting;

/// <summary>The embedded broker as a configuration wants it.</summary>
internal static class OwnBroker
{
    /// <summary>Without TLS it is for this machine alone.</summary>
    public static string PlainAddress(OeeConfig config) => config.MqttTls is null ? config.MqttAddress : IPAddress.Loopback.ToString();

    /// <exception cref="IOException">A certificate cannot be read.</exception>
    public static BrokerTls? TlsOf(OeeConfig config, ILogger log)
    {
        if (config.MqttTls is not { } tls) return null;
        var certificate = ServerCertificate.Open(tls.Certificate, tls.Key, log);
        return new BrokerTls(
            IPAddress.Parse(config.MqttAddress), tls.Port, certificate.Current,
            tls.ClientCa is { } file ? CertificateAuthority.Load(file) : null);
    }

    public static MqttDoor DoorOf(WebApplication app, OeeConfig config) => new(
        app.Services.GetRequiredService<AccessDirectory>(),
        // Of its own: whoever guesses here takes no turn from the pages.
        ActivatorUtilities.CreateInstance<SignIn>(app.Services), app.Services.GetRequiredService<RefusalLog>(), config.ResultsNode);
}
