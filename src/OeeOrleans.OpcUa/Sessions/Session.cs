using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using OeeOrleans.OpcUa.Security;
using OeeOrleans.OpcUa.Services;
using OeeOrleans.OpcUa.Transport;

namespace OeeOrleans.OpcUa.Sessions;

/// <summary>
/// A session at a server (OPC 10000-4, 5.6). It outlives its channel: after a lost connection it is activated on another one, and is as it
/// was. <see cref="OpcUaClient"/> decides when.
/// </summary>
internal sealed class Session
{
    private const int NonceLength = 32;

    /// <summary>What a server must say at least (OPC 10000-4, 5.6.2.2).</summary>
    private const int MinServerNonce = 32;

    private readonly OpcUaClientOptions _options;
    private readonly EndpointDescription _endpoint;
    private readonly ILogger _log;
    private readonly X509Certificate2? _server;
    private NodeId _token;
    private byte[] _nonce;

    private Session(
        OpcUaClientOptions options, EndpointDescription endpoint, ILogger log, SecureChannel channel, CreateSessionAnswer created,
        X509Certificate2? server)
    {
        (_options, _endpoint, _log, Channel, _server) = (options, endpoint, log, channel, server);
        (Id, _token, _nonce) = (created.SessionId, created.Token, created.Nonce);
        Timeout = created.TimeoutMs is > 0 and < 1e9 ? TimeSpan.FromMilliseconds(created.TimeoutMs) : options.SessionTimeout;
    }

    public NodeId Id { get; }

    /// <summary>As the server grants it.</summary>
    public TimeSpan Timeout { get; }

    public SecureChannel Channel { get; private set; }

    /// <exception cref="OpcUaException">The server refuses, or is not who it said.</exception>
    public static async Task<Session> CreateAsync(
        OpcUaClientOptions options, EndpointDescription endpoint, SecureChannel channel, ILogger log, CancellationToken cancellationToken)
    {
        var nonce = RandomNumberGenerator.GetBytes(NonceLength);
        var own = channel.Settings.Own;
        var applicationUri = own is null ? $"urn:{options.ApplicationName}" : ApplicationCertificate.Names(own).Uri!;
        var request = new CreateSessionRequest(
            applicationUri, options.ApplicationName, channel.Settings.Url.ToString(), options.SessionName ?? options.ApplicationName,
                nonce, own?.RawData,
            options.SessionTimeout.TotalMilliseconds, (uint)options.MaxMessageSize);
        var created =
            await channel.CallAsync(request, CreateSessionAnswer.Read, default, options.Timeout, cancellationToken).ConfigureAwait(false);
        CheckServer(channel.Settings, endpoint, created, nonce, options);
        // From here on what the server signed counts, not what anyone may have said before.
        endpoint = created.Endpoints.Find(e => e.Mode == endpoint.Mode && e.SecurityPolicyUri == endpoint.SecurityPolicyUri) ?? endpoint;
        // Without a secure channel the server may still have a certificate, by which passwords are encrypted.
        var certificate = channel.Settings.Server;
        if (certificate is null && created.Certificate.Length > 0) certificate = ApplicationCertificate.Leaf(created.Certificate);
        if (certificate is null && endpoint.Certificate is { Length: > 0 } shown) certificate = ApplicationCertificate.Leaf(shown);
        var session = new Session(options, endpoint, log, channel, created, certificate);
        await session.ActivateAsync(channel, cancellationToken).ConfigureAwait(false);
        return session;
    }

    /// <summary>Makes the session this channel's.</summary>
    public async Task ActivateAsync(SecureChannel channel, CancellationToken cancellationToken)
    {
        var suite = channel.Settings.Suite;
        Signature client = default;
        if (!suite.IsNone)
        {
            using var key = channel.Settings.Own!.GetRSAPrivateKey()!;
            byte[] data = [.. channel.Settings.Server!.RawData, .. _nonce];
            client = new Signature(suite.SignatureUri, suite.Sign(key, data));
        }

        var (identity, proof) = IdentityProof.Make(_endpoint, channel.Settings, _options.Identity, _server, _nonce, _log);
        var request = new ActivateSessionRequest(client, identity, proof);
        _nonce = await channel.CallAsync(request, ActivateSessionRequest.Read, _token, _options.Timeout,
            cancellationToken).ConfigureAwait(false);
        Channel = channel;
    }

    public Task<TAnswer> CallAsync<TRequest, TAnswer>(TRequest request, ReadAnswer<TAnswer> read, CancellationToken cancellationToken)
        where TRequest : IRequest =>
        Channel.CallAsync(request, read, _token, _options.Timeout, cancellationToken);

    /// <summary>Sends a request whose answer goes to a target in the order of answers.</summary>
    public Task<uint> SendAsync<TRequest>(TRequest request, TimeSpan timeout, IAnswerTarget target, CancellationToken cancellationToken)
        where TRequest : IRequest =>
        Channel.SendAsync(request, _token, timeout, target, cancellationToken);

    /// <summary>The one who answered is the one whose certificate it is, and offers what it offered before (OPC 10000-4,
    /// 5.6.2.2).</summary>
    private static void CheckServer(
        ChannelSettings channel, EndpointDescription endpoint, CreateSessionAnswer created, byte[] nonce, OpcUaClientOptions options)
    {
        if (channel.Suite.IsNone) return;
        if (!ApplicationCertificate.Leaf(created.Certificate).RawDataMemory.Span.SequenceEqual(channel.Server!.RawDataMemory.Span))
        {
            throw Suspicious(channel.Url, "shows another certificate in the session than for the channel");
        }

        if (created.Nonce.Length < MinServerNonce) throw Suspicious(channel.Url, $"sends a nonce of {created.Nonce.Length} bytes");
        using var key = channel.Server.GetRSAPublicKey()!;
        byte[] data = [.. channel.Own!.RawData, .. nonce];
        var isSigned = created.Signature is { } signature && channel.Suite.Verify(key, data, signature);
        if (!isSigned) throw Suspicious(channel.Url, "signs wrongly");
        if (created.Endpoints.Count == 0) return;
        // Chosen anew from what it signed: had anyone taken away the better ones before, the choice would be another now.
        var (best, _) = EndpointChoice.Choose(created.Endpoints, options, channel.Url);
        if (best.Mode == endpoint.Mode && best.SecurityPolicyUri == endpoint.SecurityPolicyUri) return;
        throw Suspicious(channel.Url, "offers in the session what it did not offer before: someone changed it");
    }

    private static OpcUaException Suspicious(Uri url, string what) =>
        new(StatusCodes.BadSecurityChecksFailed, $"{url} {what}; it is not trusted, and nothing was sent to it");
}
