namespace OeeOrleans.OpcUa;

/// <summary>What makes a change worth telling (OPC 10000-4, 7.22.2).</summary>
public enum DataChangeTrigger : uint
{
    Status = 0,
    StatusValue = 1,
    StatusValueTimestamp = 2,
}

/// <summary>Whether an item is sampled and told (OPC 10000-4, 7.23).</summary>
public enum MonitoringMode : uint
{
    Disabled = 0,
    Sampling = 1,
    Reporting = 2,
}

/// <summary>How a deadband counts (OPC 10000-8, 7.2).</summary>
public enum DeadbandKind : uint
{
    None = 0,
    /// <summary>In the value's own unit.</summary>
    Absolute = 1,
    /// <summary>In percent of the node's EURange.</summary>
    Percent = 2,
}

/// <summary>A change that is not larger than this is not told.</summary>
public readonly record struct Deadband(DeadbandKind Kind, double Value)
{
    public static readonly Deadband None;

    public static Deadband Absolute(double value) => new(DeadbandKind.Absolute, value);

    public static Deadband Percent(double value) => new(DeadbandKind.Percent, value);
}

/// <summary>How a node is watched.</summary>
public sealed record MonitoredItemOptions
{
    public static readonly MonitoredItemOptions Default = new();

    public AttributeId Attribute { get; init; } = AttributeId.Value;

    public string? IndexRange { get; init; }

    public TimeSpan SamplingInterval { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Values the server keeps between two notifications.</summary>
    public int QueueSize { get; init; } = 10;

    /// <summary>Of a full queue the oldest value goes, or else the newest.</summary>
    public bool DiscardOldest { get; init; } = true;

    public Deadband Deadband { get; init; }

    public DataChangeTrigger Trigger { get; init; } = DataChangeTrigger.StatusValue;

    public MonitoringMode Mode { get; init; } = MonitoringMode.Reporting;
}

/// <summary>
/// A node that is watched. It stays in its subscription whatever the server says of it: one that is not there is asked for again, on its
/// own.
/// </summary>
public sealed class MonitoredItem
{
    internal MonitoredItem(ExpandedNodeId node, MonitoredItemOptions options, object? context, uint handle) =>
        (Node, Options, Context, Handle) = (node, options, context, handle);

    public ExpandedNodeId Node { get; }

    public MonitoredItemOptions Options { get; internal set; }

    /// <summary>Whatever its owner wants to find again in a notification.</summary>
    public object? Context { get; }

    /// <summary>What the server said when it was asked to watch it.</summary>
    public StatusCode Status { get; internal set; } = StatusCodes.BadWaitingForInitialData;

    /// <summary>As the server granted it.</summary>
    public TimeSpan SamplingInterval { get; internal set; }

    /// <summary>As the server granted it.</summary>
    public int QueueSize { get; internal set; }

    /// <summary>Newest source time that came; the smallest before the first.</summary>
    public DateTime LastSourceTime { get; internal set; }

    /// <summary>The one that came last.</summary>
    public DataValue Last { get; internal set; }

    /// <summary>Number in its subscription, by which notifications name it.</summary>
    internal uint Handle { get; }

    internal uint ServerId { get; set; }

    /// <summary>The server does not take its deadband.</summary>
    internal bool WithoutFilter { get; set; }

    /// <summary>The namespace it had when its index was first used: an index means nothing to a server that was restarted.</summary>
    internal string? NamespaceUri { get; set; }

    public override string ToString() => Node.ToString();
}

/// <summary>A new value, or a new quality, of a watched node.</summary>
public readonly record struct DataChange(MonitoredItem Item, DataValue Value);

/// <summary>Changes that the server told together.</summary>
/// <param name="Subscription">Whose.</param>
/// <param name="Changes">In the server's order; valid until the handler is done.</param>
/// <param name="PublishTime">By the server's clock.</param>
/// <param name="IsRepublished">Asked for again after it did not arrive the first time.</param>
public readonly record struct Notification(
    Subscription Subscription, ReadOnlyMemory<DataChange> Changes, DateTime PublishTime, bool IsRepublished);

/// <summary>Values that were lost, or may have been: what was watched between two times is not known from notifications.</summary>
/// <param name="Subscription">Whose.</param>
/// <param name="From">When the last one came, by our clock.</param>
/// <param name="To">When it was found out.</param>
/// <param name="Why">What happened.</param>
/// <param name="Last">The newest source time each item had before; what is missing of it came later.</param>
public readonly record struct SubscriptionGap(
    Subscription Subscription, DateTime From, DateTime To, string Why, IReadOnlyList<(MonitoredItem Item, DateTime Time)> Last);

/// <summary>Takes notifications, one after the other. The server is told that one arrived when this is done: until then it keeps
/// it.</summary>
public delegate ValueTask NotificationHandler(Notification notification, CancellationToken cancellationToken);

/// <summary>How a subscription publishes.</summary>
public sealed record SubscriptionOptions
{
    public static readonly SubscriptionOptions Default = new();

    public TimeSpan PublishingInterval { get; init; } = TimeSpan.FromMilliseconds(250);

    /// <summary>Silence after which the server says that it is still there.</summary>
    public TimeSpan KeepAlive { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The server keeps the subscription, and its queues, for this long without hearing of us.</summary>
    public TimeSpan Lifetime { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Changes in one notification at most; 0: as many as the server likes.</summary>
    public int MaxNotificationsPerPublish { get; init; }

    /// <summary>A node that the server does not know is asked for again this often.</summary>
    public TimeSpan RetryItems { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Called when values were lost.</summary>
    public Action<SubscriptionGap>? OnGap { get; init; }
}
