using Microsoft.Extensions.Logging;
using OeeOrleans.OpcUa.Services;
using OeeOrleans.OpcUa.Sessions;
using OeeOrleans.OpcUa.Subscriptions;

namespace OeeOrleans.OpcUa;

/// <summary>
/// A subscription (OPC 10000-4, 5.13) that outlives connections, sessions and servers: what it watches, and the number of the last
/// notification that was handled. Made by <see cref="OpcUaClient.SubscribeAsync"/>. Safe for concurrent use.
/// </summary>
public sealed class Subscription : IAsyncDisposable
{
    private const uint MaxCount = 1_000_000;
    private static readonly TimeSpan LongestInterval = TimeSpan.FromDays(1);

    private readonly OpcUaClient _client;
    private readonly ILogger _log;
    private readonly TimeProvider _clock;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly Lock _itemsLock = new();

    /// <summary>By handle; read without a lock, replaced when it grows.</summary>
    private MonitoredItem?[] _items = new MonitoredItem?[16];
    private uint _handle;
    private long _lastHeard;
    private long _lastRetry;

    internal Subscription(OpcUaClient client, SubscriptionOptions options, NotificationHandler handler, TimeProvider clock, ILogger log)
    {
        (_client, Options, Handler, _clock, _log) = (client, options, handler, clock, log);
        _lastRetry = clock.GetTimestamp();
        Publishing = true;
        LastHeardUtc = clock.GetUtcNow().UtcDateTime;
    }

    public SubscriptionOptions Options { get; }

    /// <summary>The server's number of it; 0 while there is none.</summary>
    public uint Id { get; private set; }

    /// <summary>As the server granted it.</summary>
    public TimeSpan PublishingInterval { get; private set; }

    /// <summary>As the server granted it.</summary>
    public TimeSpan KeepAlive { get; private set; }

    /// <summary>As the server granted it.</summary>
    public TimeSpan Lifetime { get; private set; }

    public IReadOnlyList<MonitoredItem> Items
    {
        get
        {
            lock (_itemsLock) return [.. _items.OfType<MonitoredItem>()];
        }
    }

    /// <summary>
    /// Everything up to now was handled: an answer with nothing behind it came over the present connection. False from a lost connection
    /// on, until the server's queues are emptied.
    /// </summary>
    public bool IsCurrent { get; internal set; }

    internal NotificationHandler Handler { get; }

    /// <summary>Number of the last notification that was handled.</summary>
    internal uint LastNumber { get; set; }

    internal bool Publishing { get; private set; }

    internal DateTime LastHeardUtc { get; private set; }

    internal TimeSpan Silence => _clock.GetElapsedTime(Interlocked.Read(ref _lastHeard));

    /// <summary>Longer silence means that the server has forgotten it, or us: keep-alive, half as long again, and what a busy machine
    /// needs.</summary>
    internal TimeSpan MaxSilence => (KeepAlive * 1.5) + TimeSpan.FromSeconds(2);

    /// <summary>Watches more nodes; each item says how the server took it.</summary>
    /// <exception cref="OpcUaException">There is no connection; the items stay, and are watched when it is back.</exception>
    public async Task<IReadOnlyList<MonitoredItem>> AddAsync(
        IReadOnlyCollection<(ExpandedNodeId Node, MonitoredItemOptions Options, object? Context)> nodes,
            CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(nodes);
        List<MonitoredItem> items;
        lock (_itemsLock)
        {
            items = [.. nodes.Select(n => new MonitoredItem(n.Node, n.Options, n.Context, ++_handle))];
            if (_handle >= _items.Length)
            {
                var larger = new MonitoredItem?[Math.Max(_items.Length * 2, (int)_handle + 1)];
                _items.CopyTo(larger, 0);
                Volatile.Write(ref _items, larger);
            }

            foreach (var item in items) _items[item.Handle] = item;
        }

        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // Without an id it is about to be made anew, with these.
            if (Id != 0) await WatchAsync(_client.Current, items, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }

        return items;
    }

    /// <summary>Changes how nodes are watched; each item says how the server took it.</summary>
    public async Task ModifyAsync(
        IReadOnlyCollection<MonitoredItem> items, MonitoredItemOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        if (items.Any(i =>
            (i.Options.Attribute, i.Options.IndexRange, i.Options.Mode) != (options.Attribute, options.IndexRange, options.Mode)))
        {
            throw new ArgumentException("attribute, index range and mode stay as they are; remove the items and add others",
                nameof(options));
        }

        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            foreach (var item in items) (item.Options, item.WithoutFilter) = (options, false);
            List<MonitoredItem> there = [.. items.Where(i => i.ServerId != 0)];
            if (Id == 0 || there.Count == 0) return;
            var refused = await ModifyAtServerAsync(there, cancellationToken).ConfigureAwait(false);
            foreach (var item in refused) item.WithoutFilter = true;
            if (refused.Count > 0) await ModifyAtServerAsync(refused, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <returns>Items whose deadband the server does not take. What is refused for another reason stays watched as it was.</returns>
    private async Task<List<MonitoredItem>> ModifyAtServerAsync(List<MonitoredItem> items, CancellationToken cancellationToken)
    {
        var refused = new List<MonitoredItem>();
        var link = _client.Current;
        await link.InBatchesAsync(items, link.Limits.MonitoredItemsPerCall, async batch =>
        {
            var answers = await link.CallAsync(
                new ModifyMonitoredItemsRequest(Id, batch), ModifyMonitoredItemsRequest.Read, cancellationToken).ConfigureAwait(false);
            for (var i = 0; i < batch.Count && i < answers.Count; i++)
            {
                if (IsFilterRefused(answers[i].Status)) refused.Add(batch[i]);
                else if (answers[i].Status.IsBad) batch[i].Status = answers[i].Status;
                else Note(batch[i], answers[i] with { Id = batch[i].ServerId });
            }
        }).ConfigureAwait(false);
        return refused;
    }

    /// <summary>Watches nodes no more.</summary>
    public async Task RemoveAsync(IReadOnlyCollection<MonitoredItem> items, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        lock (_itemsLock)
        {
            foreach (var item in items) _items[item.Handle] = null;
        }

        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            List<uint> ids = [.. items.Where(i => i.ServerId != 0).Select(i => i.ServerId)];
            if (Id == 0 || ids.Count == 0) return;
            var link = _client.Current;
            await link.InBatchesAsync(ids, link.Limits.MonitoredItemsPerCall, batch => link.CallAsync(
                new DeleteMonitoredItemsRequest(Id, batch), DeleteMonitoredItemsRequest.Read, cancellationToken)).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Stops or resumes notifications; the server's queues go on filling meanwhile.</summary>
    public async Task SetPublishingAsync(bool enabled, CancellationToken cancellationToken = default)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            Publishing = enabled;
            if (Id == 0) return;
            await _client.Current.CallAsync(
                new SetPublishingModeRequest(enabled, Id), SetPublishingModeRequest.Read, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        // The gate is not disposed of: a retry may stand in it.
        await _client.RemoveAsync(this).ConfigureAwait(false);
    }

    internal MonitoredItem? Find(uint handle)
    {
        var items = Volatile.Read(ref _items);
        return handle < items.Length ? items[handle] : null;
    }

    internal void Heard()
    {
        Interlocked.Exchange(ref _lastHeard, _clock.GetTimestamp());
        LastHeardUtc = _clock.GetUtcNow().UtcDateTime;
    }

    /// <summary>The newest source time of each item that had one.</summary>
    internal List<(MonitoredItem Item, DateTime Time)> LastTimes() =>
        [.. Items.Where(i => i.LastSourceTime > DateTime.MinValue).Select(i => (i, i.LastSourceTime))];

    /// <param name="from">When it was heard of last.</param>
    /// <param name="last">What the items had then.</param>
    internal void Lost(DateTime from, IReadOnlyList<(MonitoredItem Item, DateTime Time)> last, string what, string why)
    {
        var gap = new SubscriptionGap(this, from, _clock.GetUtcNow().UtcDateTime, why, last);
        Log.Gap(_log, _client.Url, what, gap.From, gap.To, why);
        try
        {
            Options.OnGap?.Invoke(gap);
        }
        catch (Exception error)
        {
            // A boundary: the owner's own code must not end the connection.
            Log.HandlerFailed(_log, _client.Url, error);
        }
    }

    /// <summary>The server has it no more.</summary>
    internal void Forget()
    {
        (Id, LastNumber) = (0, 0);
        lock (_itemsLock)
        {
            foreach (var item in _items.OfType<MonitoredItem>()) item.ServerId = 0;
        }
    }

    /// <summary>Makes it at the server, with all its items.</summary>
    internal async Task CreateAsync(ServerLink link, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            // Somebody else was faster.
            if (Id != 0) return;
            var interval = Options.PublishingInterval.TotalMilliseconds;
            var keepAlive = (uint)Math.Max(1, Options.KeepAlive.TotalMilliseconds / interval);
            // OPC 10000-4, 5.13.2.2: the lifetime is three keep-alives at least.
            var lifetime = (uint)Math.Max(keepAlive * 3, Options.Lifetime.TotalMilliseconds / interval);
            var answer = await link.CallAsync(
                new CreateSubscriptionRequest(interval, lifetime, keepAlive, (uint)Options.MaxNotificationsPerPublish, Publishing, 0),
                CreateSubscriptionAnswer.Read, cancellationToken).ConfigureAwait(false);
            PublishingInterval = Revised(answer.IntervalMs);
            KeepAlive = PublishingInterval * Math.Clamp(answer.KeepAliveCount, 1, MaxCount);
            Lifetime = PublishingInterval * Math.Clamp(answer.LifetimeCount, 1, MaxCount);
            LastNumber = 0;
            Heard();
            Id = answer.Id;
            await WatchAsync(link, Items, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            // Half a subscription is none: what is left of it at the server goes when it speaks up.
            Forget();
            throw;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Asks again for what the server did not know, when it is time to.</summary>
    internal async Task RetryAsync(ServerLink link, CancellationToken cancellationToken)
    {
        if (Id == 0 || _clock.GetElapsedTime(_lastRetry) < Options.RetryItems) return;
        _lastRetry = _clock.GetTimestamp();
        var missing = Items.Where(i => i.ServerId == 0).ToList();
        if (missing.Count == 0) return;
        // A namespace that was added meanwhile.
        if (missing.Exists(i => link.Resolve(i) is null)) await link.ReadNamespacesAsync(cancellationToken).ConfigureAwait(false);
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (Id != 0) await WatchAsync(link, missing, cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _gate.Release();
        }
    }

    internal async Task DeleteAsync(CancellationToken cancellationToken)
    {
        var id = Id;
        Forget();
        if (id == 0) return;
        await _client.Current.CallAsync(
            new DeleteSubscriptionsRequest(id), DeleteSubscriptionsRequest.Read, cancellationToken).ConfigureAwait(false);
    }

    private async Task WatchAsync(ServerLink link, IReadOnlyList<MonitoredItem> items, CancellationToken cancellationToken)
    {
        var found = new List<MonitoredItem>(items.Count);
        // Another call may have made them while this one waited; and they may have been removed.
        foreach (var item in items.Where(i => i.ServerId == 0 && Find(i.Handle) is not null))
        {
            if (link.Resolve(item) is not null) found.Add(item);
            else Note(item, new MonitoredItemAnswer(StatusCodes.BadNodeIdUnknown, 0, 0, 0));
        }

        var withoutFilter = new List<MonitoredItem>();
        await link.InBatchesAsync(found, link.Limits.MonitoredItemsPerCall, async batch =>
        {
            List<NodeId> nodes = [.. batch.Select(i => link.Resolve(i)!.Value)];
            var answers = await link.CallAsync(
                new CreateMonitoredItemsRequest(Id, batch, nodes), CreateMonitoredItemsRequest.Read, cancellationToken)
                    .ConfigureAwait(false);
            for (var i = 0; i < batch.Count; i++)
            {
                var answer = i < answers.Count ? answers[i] : new MonitoredItemAnswer(StatusCodes.BadUnknownResponse, 0, 0, 0);
                if (IsFilterRefused(answer.Status) && !batch[i].WithoutFilter)
                {
                    Log.FilterRefused(_log, _client.Url, batch[i].ToString(), answer.Status.Name);
                    batch[i].WithoutFilter = true;
                    withoutFilter.Add(batch[i]);
                    continue;
                }

                Note(batch[i], answer);
            }
        }).ConfigureAwait(false);
        if (withoutFilter.Count > 0) await WatchAsync(link, withoutFilter, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>A server may say anything; not a number and what is no interval become the nearest that is one.</summary>
    private static TimeSpan Revised(double milliseconds)
    {
        if (!(milliseconds >= 1)) return TimeSpan.FromMilliseconds(1);
        return milliseconds > LongestInterval.TotalMilliseconds ? LongestInterval : TimeSpan.FromMilliseconds(milliseconds);
    }

    private static bool IsFilterRefused(StatusCode status) => status.Code is StatusCodes.BadMonitoredItemFilterUnsupported
        or StatusCodes.BadMonitoredItemFilterInvalid or StatusCodes.BadFilterNotAllowed or StatusCodes.BadDeadbandFilterInvalid;

    private void Note(MonitoredItem item, in MonitoredItemAnswer answer)
    {
        var before = item.Status;
        item.Status = answer.Status;
        if (!answer.Status.IsBad)
        {
            item.ServerId = answer.Id;
            item.SamplingInterval = answer.SamplingMs == 0 ? TimeSpan.Zero : Revised(answer.SamplingMs);
            item.QueueSize = (int)Math.Min(answer.QueueSize, int.MaxValue);
            if (before.IsBad && before.Code != StatusCodes.BadWaitingForInitialData) Log.ItemBack(_log, _client.Url, item.ToString());
            return;
        }

        item.ServerId = 0;
        if (before != answer.Status) Log.ItemRefused(_log, _client.Url, item.ToString(), answer.Status.Name,
            Options.RetryItems.TotalSeconds);
    }
}
