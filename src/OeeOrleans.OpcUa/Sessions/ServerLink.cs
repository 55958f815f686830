using OeeOrleans.OpcUa.Services;

namespace OeeOrleans.OpcUa.Sessions;

/// <summary>What a server takes in one call (OPC 10000-5, 6.3.11), after our own limit.</summary>
internal sealed class OperationLimits(int most)
{
    public int NodesPerRead { get; set; } = most;

    public int NodesPerWrite { get; set; } = most;

    public int NodesPerBrowse { get; set; } = most;

    public int NodesPerTranslate { get; set; } = most;

    public int NodesPerHistoryRead { get; set; } = most;

    public int MonitoredItemsPerCall { get; set; } = most;
}

/// <summary>A session with what is known of its server: namespaces and limits. What a server says of its limits may be missing or wrong: a
/// call that is refused as too large is halved, and the smaller size remembered.</summary>
internal sealed class ServerLink
{
    private const uint NamespaceArray = 2255;
    private const uint StartTimeNode = 2257;
    private const uint CurrentTimeNode = 2258;

    /// <summary>Values read before the limits.</summary>
    private const int Head = 3;

    /// <summary>The properties of OperationLimits, in the order of <see cref="Apply"/>.</summary>
    private static readonly uint[] LimitNodes = [11705, 11707, 11710, 11712, 12165, 11714];

    private readonly Dictionary<string, int> _learnt = [];

    private ServerLink(Session session, int most) => (Session, Limits) = (session, new OperationLimits(most));

    public Session Session { get; }

    public OperationLimits Limits { get; }

    public IReadOnlyList<string> Namespaces { get; private set; } = [];

    /// <summary>When the server came up: another one is another life of it.</summary>
    public DateTime StartTime { get; private set; }

    /// <summary>Its clock when the session was made; the smallest time when it does not tell.</summary>
    public DateTime ServerTime { get; private set; }

    public static async Task<ServerLink> OpenAsync(Session session, int most, CancellationToken cancellationToken)
    {
        var link = new ServerLink(session, most);
        ReadNode[] nodes =
        [
            new(new NodeId(NamespaceArray)), new(new NodeId(StartTimeNode)), new(new NodeId(CurrentTimeNode)),
            .. LimitNodes.Select(n => new ReadNode(new NodeId(n))),
        ];
        var values = await session.CallAsync(new ReadRequest(nodes, 0), ReadRequest.Read, cancellationToken).ConfigureAwait(false);
        if (values.Length > 0) link.TakeNamespaces(values[0]);
        if (values.Length > 1 && values[1].Value.Value is DateTime start) link.StartTime = start;
        if (values.Length > 2 && values[2].Value.Value is DateTime now) link.ServerTime = now;
        link.Apply(values.AsSpan(Math.Min(Head, values.Length)), most);
        return link;
    }

    /// <summary>A server may add namespaces while a session lives.</summary>
    public async Task ReadNamespacesAsync(CancellationToken cancellationToken)
    {
        var values = await CallAsync(
            new ReadRequest(new[] { new ReadNode(new NodeId(NamespaceArray)) }, 0), ReadRequest.Read, cancellationToken)
                .ConfigureAwait(false);
        if (values.Length > 0) TakeNamespaces(values[0]);
    }

    /// <summary>Silence after which the session must be heard of, or the server ends it.</summary>
    public TimeSpan KeepAlive(TimeSpan wanted) => wanted < Session.Timeout / 3 ? wanted : Session.Timeout / 3;

    private void TakeNamespaces(in DataValue value)
    {
        if (value.Value.Value is string?[] names) Namespaces = [.. names.Select(n => n ?? "")];
    }

    public Task<TAnswer> CallAsync<TRequest, TAnswer>(TRequest request, ReadAnswer<TAnswer> read, CancellationToken cancellationToken)
        where TRequest : IRequest =>
        Session.CallAsync(request, read, cancellationToken);

    /// <summary>Its address in this session; null when its namespace is not there.</summary>
    public NodeId? Resolve(MonitoredItem item)
    {
        if (item.Node.NamespaceUri is not null) return item.Node.Resolve(Namespaces);
        var id = item.Node.NodeId;
        if (id.NamespaceIndex == 0) return id;
        item.NamespaceUri ??= id.NamespaceIndex < Namespaces.Count ? Namespaces[id.NamespaceIndex] : null;
        return item.NamespaceUri is null ? id : new ExpandedNodeId(id, item.NamespaceUri).Resolve(Namespaces);
    }

    /// <summary>Calls for some at a time, one call after the other.</summary>
    /// <param name="isRepeatable">Whether a call may be made again that was carried out, and only its answer was too large.</param>
    public async Task InBatchesAsync<T>(
        IReadOnlyList<T> all, int limit, Func<IReadOnlyList<T>, Task> call, string? kind = null, bool isRepeatable = false)
    {
        kind ??= typeof(T).Name;
        lock (_learnt) limit = Math.Min(limit, _learnt.GetValueOrDefault(kind, limit));
        for (var at = 0; at < all.Count;)
        {
            var batch = all.Skip(at).Take(limit).ToList();
            try
            {
                await call(batch).ConfigureAwait(false);
                at += batch.Count;
            }
            catch (OpcUaException error)
                when (batch.Count > 1 && !Session.Channel.Closed.IsCompleted && IsTooLarge(error.Status, isRepeatable))
            {
                limit = (batch.Count + 1) / 2;
                lock (_learnt) _learnt[kind] = limit;
            }
        }
    }

    private static bool IsTooLarge(StatusCode status, bool isRepeatable) => status.Code switch
    {
        StatusCodes.BadTooManyOperations or StatusCodes.BadRequestTooLarge or StatusCodes.BadTcpMessageTooLarge => true,
        StatusCodes.BadResponseTooLarge or StatusCodes.BadEncodingLimitsExceeded => isRepeatable,
        _ => false,
    };

    private void Apply(ReadOnlySpan<DataValue> values, int most)
    {
        Span<int> limits = stackalloc int[LimitNodes.Length];
        for (var i = 0; i < limits.Length; i++)
        {
            // Not there, bad, or 0: no limit is told.
            var told = i < values.Length && !values[i].Status.IsBad ? values[i].Value.AsDouble() ?? 0 : 0;
            limits[i] = told >= 1 ? (int)Math.Min(told, most) : most;
        }

        (Limits.NodesPerRead, Limits.NodesPerWrite, Limits.NodesPerBrowse) = (limits[0], limits[1], limits[2]);
        (Limits.NodesPerTranslate, Limits.NodesPerHistoryRead, Limits.MonitoredItemsPerCall) = (limits[3], limits[4], limits[5]);
    }
}
