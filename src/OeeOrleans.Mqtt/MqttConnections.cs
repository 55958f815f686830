using System.Security.Cryptography.X509Certificates;
using MQTTnet;
using MQTTnet.Formatter;

namespace OeeOrleans.Mqtt;

/// <summary>MQTTnet options from ours: the one place where credentials, TLS and timeouts of a connection are said.</summary>
public static class MqttConnections
{
    /// <summary>The client's default of 8 KiB is less than one segment of the loopback interface: with a backlog the sender falls back to
    /// probing a closed window, and a burst of large messages trickles in at a dozen a second.</summary>
    private const int SocketBufferBytes = 1 << 20;

    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(15);

    /// <summary>Of CONNECT, SUBSCRIBE and PUBLISH until they are answered.</summary>
    private static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(10);

    public static MqttClientOptionsBuilder ToBuilder(
        this BrokerAddress broker, string clientId, MqttProtocolVersion version = MqttProtocolVersion.V311)
    {
        var builder = new MqttClientOptionsBuilder()
            .WithTcpServer(broker.Url.Host, broker.Port)
            .WithClientId(clientId)
            .WithProtocolVersion(version)
            .WithKeepAlivePeriod(KeepAlive)
            .WithTimeout(AnswerTimeout);
        if (broker.Username is not null) builder.WithCredentials(broker.Username, broker.Password ?? "");
        return broker.IsTls ? builder.WithTlsOptions(tls => Secure(tls, broker)) : builder;
    }

    /// <summary>Builds with socket buffers that hold a burst; the builder itself has no way to say so.</summary>
    public static MqttClientOptions BuildForBursts(this MqttClientOptionsBuilder builder)
    {
        var built = builder.Build();
        if (built.ChannelOptions is MqttClientTcpOptions tcp) tcp.BufferSize = SocketBufferBytes;
        return built;
    }

    /// <summary>Connects; an answer that is no success is an error.</summary>
    /// <exception cref="MqttRefusedException">The broker answered, and refuses.</exception>
    public static async Task<MqttClientConnectResult> ConnectOrThrowAsync(
        this IMqttClient client, MqttClientOptions options, CancellationToken cancellationToken)
    {
        var result = await client.ConnectAsync(options, cancellationToken).ConfigureAwait(false);
        if (result.ResultCode == MqttClientConnectResultCode.Success) return result;
        throw new MqttRefusedException($"the broker refuses the connection: {result.ResultCode} {result.ReasonString}".TrimEnd());
    }

    /// <summary>Subscribes; a filter that is not granted is an error.</summary>
    /// <exception cref="MqttRefusedException">The broker refuses one of the filters.</exception>
    public static async Task SubscribeOrThrowAsync(
        this IMqttClient client, MqttClientSubscribeOptions options, CancellationToken cancellationToken)
    {
        var result = await client.SubscribeAsync(options, cancellationToken).ConfigureAwait(false);
        foreach (var item in result.Items)
        {
            if (item.ResultCode <= MqttClientSubscribeResultCode.GrantedQoS2) continue;
            throw new MqttRefusedException($"the broker refuses the subscription to {item.TopicFilter.Topic}: {item.ResultCode}");
        }
    }

    /// <summary>Publishes; what the broker does not take is an error.</summary>
    /// <exception cref="MqttRefusedException">The broker answered, and refuses.</exception>
    public static async Task PublishOrThrowAsync(
        this IMqttClient client, MqttApplicationMessage message, CancellationToken cancellationToken)
    {
        var result = await client.PublishAsync(message, cancellationToken).ConfigureAwait(false);
        if (!result.IsSuccess)
        {
            throw new MqttRefusedException($"the broker refuses {message.Topic}: {result.ReasonCode} {result.ReasonString}".TrimEnd());
        }
    }

    /// <summary>
    /// Whether an error is the network's or the broker's doing, which the next attempt may not meet; anything else is a bug of ours.
    /// </summary>
    public static bool IsNetwork(Exception error) => error
        is MQTTnet.Exceptions.MqttCommunicationException
        or MqttRefusedException
        or System.Net.Sockets.SocketException
        or IOException
        or OperationCanceledException
        or TimeoutException;

    private static void Secure(MqttClientTlsOptionsBuilder tls, BrokerAddress broker)
    {
        tls.UseTls();
        if (broker.CaFile is { } ca)
        {
            var chain = new X509Certificate2Collection();
            chain.ImportFromPemFile(ca);
            tls.WithTrustChain(chain);
        }

        if (broker.CertificateFile is { } certificate)
        {
            tls.WithClientCertificates([X509Certificate2.CreateFromPemFile(certificate, broker.KeyFile)]);
        }
    }
}

/// <summary>A broker answered, and its answer was no.</summary>
public sealed class MqttRefusedException(string message) : Exception(message);
