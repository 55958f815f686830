using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using OeeOrleans.OpcUa.Services;
using OeeOrleans.OpcUa.Sessions;
using OeeOrleans.OpcUa.Structures;
using OeeOrleans.OpcUa.Subscriptions;
using OeeOrleans.OpcUa.Transport;

namespace OeeOrleans.OpcUa;

/// <summary>
/// A client of one OPC UA server. Once connected it stays so: a lost connection is found again in the background, subscriptions and all.
/// Safe for concurrent use.
/// <code>
/// Connecting --session--> Connected --lost--> Reconnecting --session active again, or a new one--> Connected --Dispose--> Closed
/// reconnecting: channel -> same session -> Republish | new session -> TransferSubscriptions -> Republish | subscriptions made anew
/// </code>
/// </summary>
public sealed partial class OpcUaClient : IAsyncDisposable
{
    private static readonly TimeSpan WatchInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Goodbye = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan NotableSkew = TimeSpan.FromSeconds(60);

    private readonly OpcUaClientOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly Connector _connector;
    private readonly Publisher _publisher;
    private readonly Backoff _backoff;
    private readonly CancellationTokenSource _ended = new();
    private volatile ServerLink? _link;
    private Session? _session;

    /// <summary>What is known of the server, also while the connection is lost.</summary>
    private ServerLink? _knownLink;
    private Task _running = Task.CompletedTask;
    private long _reconnects;
    private long _notifications;
    private long _republished;
    private long _recreated;
    private long _silent;

    private OpcUaClient(OpcUaClientOptions options, ILogger? log, TimeProvider? clock)
    {
        (_options, Url) = (options, options.Checked());
        (_log, _clock) = (log ?? NullLogger.Instance, clock ?? TimeProvider.System);
        _connector = new Connector(options, Url, _clock, _log);
        _publisher = new Publisher(this, options, _clock, _log);
        _backoff = new Backoff(options, Random.Shared);
        Structures = new StructureReader(this);
    }

    /// <summary>Told after every step, on a thread of the client's.</summary>
    public event Action<ConnectionChange>? StateChanged;

    public Uri Url { get; }

    public ConnectionState State { get; private set; } = ConnectionState.Connecting;

    /// <summary>Why it is in this state.</summary>
    public string Why { get; private set; } = "";

    /// <summary>When it came into this state.</summary>
    public DateTimeOffset Since { get; private set; }

    public ClientCounters Counters => new(
        Interlocked.Read(ref _reconnects), Interlocked.Read(ref _notifications), Interlocked.Read(ref _republished),
        Interlocked.Read(ref _recreated), Interlocked.Read(ref _silent));

    /// <summary>The URIs of the server's namespaces, by their index in this session.</summary>
    public IReadOnlyList<string> Namespaces => _link?.Namespaces ?? [];

    /// <summary>The endpoint in use, or used last.</summary>
    public EndpointDescription Endpoint => _connector.Endpoint;

    /// <summary>How far the server's clock was ahead of ours when the session was made; its times are kept as they are.</summary>
    public TimeSpan ClockSkew { get; private set; }

    internal StructureReader Structures { get; }

    /// <summary>Security tokens that were renewed on this connection.</summary>
    internal int TokenRenewals => _session?.Channel.Renewals ?? 0;

    /// <exception cref="OpcUaException">There is no connection now.</exception>
    internal ServerLink Current => _link
        ?? throw new OpcUaException(StatusCodes.BadServerNotConnected, $"{Url} is not connected now: {(Why.Length > 0 ? Why : "closed")}");

    /// <summary>Connects securely, as nobody; the server's certificate must be trusted.</summary>
    /// <inheritdoc cref="ConnectAsync(OpcUaClientOptions, ILogger?, TimeProvider?, CancellationToken)"/>
    public static Task<OpcUaClient> ConnectAsync(string url, CancellationToken cancellationToken = default) =>
        ConnectAsync(new OpcUaClientOptions { Url = url }, null, null, cancellationToken);

    /// <summary>Connects. This one attempt must succeed; afterwards the client looks after its connection by itself.</summary>
    /// <exception cref="OpcUaException">There is no server, it refuses, or it is not who it should be; the message says what to
    /// do.</exception>
    /// <exception cref="ArgumentException">The options cannot be used.</exception>
    public static async Task<OpcUaClient> ConnectAsync(
        OpcUaClientOptions options, ILogger? log = null, TimeProvider? clock = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        var client = new OpcUaClient(options, log, clock);
        try
        {
            var channel = await client._connector.OpenAsync(cancellationToken).ConfigureAwait(false);
            var link = await client.ResumeAsync(channel, Recovery.NewSession, cancellationToken).ConfigureAwait(false);
            client.Move(ConnectionState.Connected, "connected");
            client._running = Task.Run(() => client.RunAsync(link), CancellationToken.None);
            return client;
        }
        catch
        {
            await client.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>A client that connects in the background, and goes on trying when there is no server yet.</summary>
    /// <exception cref="ArgumentException">The options cannot be used.</exception>
    public static OpcUaClient Start(OpcUaClientOptions options, ILogger? log = null, TimeProvider? clock = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        var client = new OpcUaClient(options, log, clock);
        client._running = Task.Run(() => client.RunAsync(null));
        return client;
    }

    /// <summary>What a server offers, asked without any protection: to show, not to trust.</summary>
    public static async Task<IReadOnlyList<EndpointDescription>> GetEndpointsAsync(string url,
        CancellationToken cancellationToken = default)
    {
        var options = new OpcUaClientOptions { Url = url };
        return await Connector.GetEndpointsAsync(options.Checked(), options, TimeProvider.System, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>
    /// Watches nodes. It goes on over lost connections until it is disposed of; while there is none it is made as soon as there is.
    /// </summary>
    /// <exception cref="OpcUaException">The server makes no subscription.</exception>
    public async Task<Subscription> SubscribeAsync(
        SubscriptionOptions options, NotificationHandler handler,
        IReadOnlyCollection<(ExpandedNodeId Node, MonitoredItemOptions Options, object? Context)> nodes,
            CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(handler);
        var subscription = new Subscription(this, options, handler, _clock, _log);
        await subscription.AddAsync(nodes, cancellationToken).ConfigureAwait(false);
        // First: it may speak before all its items are made.
        _publisher.Add(subscription);
        try
        {
            if (_link is { } link) await subscription.CreateAsync(link, cancellationToken).ConfigureAwait(false);
            _publisher.Wake();
        }
        catch (OpcUaException error) when (error.Status.Code is StatusCodes.BadConnectionClosed or StatusCodes.BadServerNotConnected)
        {
            // Lost just now: made when it is found again.
            subscription.Forget();
        }
        catch
        {
            _publisher.Remove(subscription);
            throw;
        }

        return subscription;
    }

    public async ValueTask DisposeAsync()
    {
        if (State == ConnectionState.Closed) return;
        Move(ConnectionState.Closed, "disposed");
        await _ended.CancelAsync().ConfigureAwait(false);
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (_session is { } session) await LeaveAsync(session).ConfigureAwait(false);
        _ended.Dispose();
    }

    /// <summary>For tests: as if the server had said nothing of its limits.</summary>
    internal void ForgetLimits(int most) => Current.Limits.NodesPerRead = most;

    internal async Task RemoveAsync(Subscription subscription)
    {
        _publisher.Remove(subscription);
        if (_link is null) return;
        using var limit = new CancellationTokenSource(Goodbye, _clock);
        try
        {
            await subscription.DeleteAsync(limit.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is OpcUaException or OperationCanceledException)
        {
            // The connection is lost: the server forgets it by itself when its lifetime is over.
            subscription.Forget();
        }
    }

    internal void Count(int changes, bool republished)
    {
        Interlocked.Add(ref _notifications, changes);
        if (republished) Interlocked.Add(ref _republished, changes);
    }

    internal void CountRecreated() => Interlocked.Increment(ref _recreated);

    private async Task LeaveAsync(Session session)
    {
        await LeaveSessionAsync(session).ConfigureAwait(false);
        using var limit = new CancellationTokenSource(Goodbye, _clock);
        await session.Channel.CloseAsync(limit.Token).ConfigureAwait(false);
        await session.Channel.DisposeAsync().ConfigureAwait(false);
        _session = null;
    }

    private async Task LeaveSessionAsync(Session session)
    {
        using var limit = new CancellationTokenSource(Goodbye, _clock);
        try
        {
            await session.CallAsync(new CloseSessionRequest(true), CloseSessionRequest.Read, limit.Token).ConfigureAwait(false);
        }
        catch (Exception error) when (error is OpcUaException or OperationCanceledException)
        {
            // It is gone, or does not answer: its session ends when its time is over.
            _log.LogDebug(error, "{Url}: no goodbye", Url);
        }
    }

    private void Move(ConnectionState to, string why)
    {
        var from = State;
        Why = why;
        if (from == to || from == ConnectionState.Closed) return;
        (State, Since) = (to, _clock.GetUtcNow());
        Log.StateChanged(_log, Url, from, to, why);
        try
        {
            StateChanged?.Invoke(new ConnectionChange(from, to, why));
        }
        catch (Exception error)
        {
            // A boundary: the owner's own code must not end the connection.
            Log.HandlerFailed(_log, Url, error);
        }
    }
}
