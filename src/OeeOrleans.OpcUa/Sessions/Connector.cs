using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using OeeOrleans.OpcUa.Security;
using OeeOrleans.OpcUa.Services;
using OeeOrleans.OpcUa.Transport;

namespace OeeOrleans.OpcUa.Sessions;

/// <summary>Opens channels to one server: asks for its endpoints, chooses one, and checks the certificate every time anew.</summary>
internal sealed class Connector(OpcUaClientOptions options, Uri url, TimeProvider clock, ILogger log)
{
    private readonly PkiStore _store = new(options.PkiDirectory);
    private EndpointDescription? _endpoint;
    private EndpointDescription? _last;
    private PolicySuite _suite = PolicySuite.None;
    private X509Certificate2? _own;
    private bool _toldHost;

    /// <summary>The endpoint that was chosen last.</summary>
    public EndpointDescription Endpoint => _last ?? throw new InvalidOperationException("not connected yet");

    public static async Task<List<EndpointDescription>> GetEndpointsAsync(
        Uri url, OpcUaClientOptions options, TimeProvider clock, CancellationToken cancellationToken)
    {
        var settings = new ChannelSettings(
            url, PolicySuite.None, MessageSecurityMode.None, null, null, options.MaxMessageSize, options.TokenLifetime, options.Timeout);
        var channel = await SecureChannel.OpenAsync(settings, clock, cancellationToken).ConfigureAwait(false);
        await using var closing = channel.ConfigureAwait(false);
        var endpoints = await channel.CallAsync(
            new GetEndpointsRequest(url.ToString()), GetEndpointsRequest.Read, default, options.Timeout,
                cancellationToken).ConfigureAwait(false);
        await channel.CloseAsync(cancellationToken).ConfigureAwait(false);
        return endpoints;
    }

    /// <exception cref="OpcUaException">There is no server, it refuses, or it is not who it should be.</exception>
    public async Task<SecureChannel> OpenAsync(CancellationToken cancellationToken)
    {
        if (_endpoint is null) await ChooseAsync(cancellationToken).ConfigureAwait(false);
        X509Certificate2? server = null;
        if (!_suite.IsNone)
        {
            var shown = _endpoint!.Certificate ?? [];
            // A bad one is asked for again next time: the server may have another by then.
            var chosen = _endpoint;
            _endpoint = null;
            new CertificateCheck(_store, options.Trust, clock, log).Check(shown, url, chosen.ApplicationUri);
            _endpoint = chosen;
            server = ApplicationCertificate.Leaf(shown);
            _own ??= _store.Own(options.ApplicationName, clock);
        }

        var settings = new ChannelSettings(
            url, _suite, _endpoint!.Mode, _suite.IsNone ? null : _own, server, options.MaxMessageSize, options.TokenLifetime,
                options.Timeout);
        return await SecureChannel.OpenAsync(settings, clock, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>The server may be another one by now: its endpoints are asked for again before the next attempt.</summary>
    public void Forget() => _endpoint = null;

    private async Task ChooseAsync(CancellationToken cancellationToken)
    {
        var offered = await GetEndpointsAsync(url, options, clock, cancellationToken).ConfigureAwait(false);
        var (endpoint, suite) = EndpointChoice.Choose(offered, options, url);
        if (!_toldHost && Uri.TryCreate(endpoint.Url, UriKind.Absolute, out var theirs) && !CertificateCheck.IsHost(theirs.Host, url.Host))
        {
            _toldHost = true;
            Log.EndpointHost(log, url, theirs.Host);
        }

        (_endpoint, _last, _suite) = (endpoint, endpoint, suite);
    }
}
