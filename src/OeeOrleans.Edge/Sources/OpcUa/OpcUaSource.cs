using System.Buffers;
using Microsoft.Extensions.Logging;
using OeeOrleans.OpcUa;
using OeeOrleans.Sparkplug;

namespace OeeOrleans.Edge.Sources.OpcUa;

/// <summary>
/// `opc.tcp://host:port/path`: a source whose server tells what changes. One subscription watches all tags, each with its own sampling
/// interval; a reading hands over what came since the last one. The client looks after its connection; what a lost one made us miss is
/// fetched from the server's history, where it keeps one.
/// </summary>
internal sealed class OpcUaSource : ISource
{
    /// <summary>Values in memory at most; beyond it the server keeps them, as far as its queues reach.</summary>
    private const int Capacity = 200_000;

    /// <summary>A connection away for less than this is no death: its device keeps its last values meanwhile.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(5);

    /// <summary>For the first values to come, so that they are in the birth.</summary>
    private static readonly TimeSpan FirstValues = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan SaveEvery = TimeSpan.FromSeconds(5);

    private readonly EdgeSource _settings;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly OpcUaClient _client;
    private readonly SourceMemory _memory;
    private readonly PendingValues _pending = new(Capacity);
    private readonly GapFiller _gaps;
    private readonly SourceTag[] _tags;
    private readonly BuiltInType[] _builtIn;

    /// <summary>By tag: what it shows now, and what was said of it when it cannot be watched.</summary>
    private readonly SourceValue?[] _latest;
    private readonly StatusCode[] _refused;
    private TaskCompletionSource _redescribed = NewSource();
    private Subscription? _subscription;
    private IReadOnlyList<MonitoredItem> _items = [];
    private bool _tellAll;
    private volatile bool _described;
    private bool _wasConnected;
    private bool _first = true;
    private volatile bool _wantPaused;
    private bool _paused;
    private long _newestMs;
    private long _savedAt;

    public OpcUaSource(EdgeSource settings, EdgeOptions options, TimeProvider clock, ILogger log)
    {
        (_settings, _clock, _log) = (settings, clock, log);
        _memory = new SourceMemory(Path.Combine(options.DataDir, $"opcua-{options.Group}-{options.Node}-{settings.Id}.json"));
        _tags = [.. settings.Tags.Select(t => new SourceTag(settings.Device, t, _memory.TypeOf(t.Address)))];
        _latest = new SourceValue?[_tags.Length];
        _refused = new StatusCode[_tags.Length];
        _builtIn = new BuiltInType[_tags.Length];
        var security = settings.OpcUa ?? new OpcUaSettings();
        _client = OpcUaClient.Start(security.ToOptions(settings.Url, Path.Combine(options.DataDir, "pki")), log, clock);
        _client.StateChanged += Follow;
        _gaps = new GapFiller(settings.Id, _client, _pending, (tag, value) => Convert(tag, value, historical: true), clock, log);
        _savedAt = clock.GetTimestamp();
        Tags = [.. _tags];
    }

    public string Id => _settings.Id;

    public IReadOnlyList<SourceTag> Tags { get; private set; }

    public bool Reconnects => true;

    public Task Redescribed => Volatile.Read(ref _redescribed).Task;

    public void Describe()
    {
        Tags = [.. _tags];
        (_tellAll, _first) = (true, true);
        if (Volatile.Read(ref _redescribed).Task.IsCompleted) Volatile.Write(ref _redescribed, NewSource());
    }

    /// <summary>Hands over what came; which tags are due is the server's business.</summary>
    /// <exception cref="OpcUaException">There is no connection, and has not been for a while.</exception>
    public async Task ReadAsync(IReadOnlyList<int> tags, long timeMs, List<SourceValue> into, CancellationToken cancellationToken)
    {
        Report();
        if (_client.State != ConnectionState.Connected)
        {
            if (_wasConnected && _clock.GetUtcNow() - _client.Since < Grace) return;
            throw new OpcUaException(StatusCodes.BadNotConnected, _client.Why.Length > 0 ? _client.Why
                : $"{_settings.Url} is being connected");
        }

        _wasConnected = true;
        if (!_described) await DescribeTagsAsync(cancellationToken);
        // The edge node is about to be born anew, and asks again.
        if (Redescribed.IsCompleted) return;
        if (_subscription is null) await SubscribeAsync(cancellationToken);
        if (_paused != _wantPaused) await PauseAsync(_wantPaused, cancellationToken);
        if (_first) await WaitForFirstAsync(cancellationToken);
        TellRefused(timeMs, into);
        _pending.Offer(into);
        if (_tellAll) TellAll(into);
    }

    /// <summary>Writes, and says what stood there before.</summary>
    /// <exception cref="OpcUaException">There is no connection, or the server refuses.</exception>
    public async Task WriteAsync(int tag, object? value, CancellationToken cancellationToken)
    {
        var address = _tags[tag].Tag.Address;
        var node = _client.Resolve(ExpandedNodeId.Parse(address))
            ?? throw new OpcUaException(StatusCodes.BadNodeIdUnknown, $"{address}: the server has no such namespace");
        var variant = OpcUaValues.ToVariant(value, _builtIn[tag]);
        var before = await _client.ReadAsync(node, cancellationToken);
        var status = await _client.WriteAsync(node, variant, cancellationToken);
        if (status.IsBad)
        {
            throw new OpcUaException(status, $"{_settings.Url} refuses to write {variant} to {address}: "
                + $"{status.Name}{OpcUaTags.Advice(status)}");
        }

        Log.Written(_log, Id, address, before.Value.Value, variant.Value);
    }

    public void SetPaused(bool paused) => _wantPaused = paused;

    public void Stored(long timeMs)
    {
        _pending.Stored();
        _memory.NewestMs = Math.Max(_memory.NewestMs, Interlocked.Read(ref _newestMs));
        if (_clock.GetElapsedTime(_savedAt) < SaveEvery) return;
        _savedAt = _clock.GetTimestamp();
        Save();
    }

    public async ValueTask DisposeAsync()
    {
        await _gaps.DisposeAsync();
        await _client.DisposeAsync();
        Save();
    }

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private void Follow(ConnectionChange change)
    {
        // Another server may be there by now, with other types.
        if (change.To == ConnectionState.Connected) _described = false;
    }

    private void Save()
    {
        try
        {
            _memory.Save();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Log.BufferNotWritten(_log, error.Message);
        }
    }

    /// <summary>Asks for the types of all tags; when they are others than published, the edge node must be born anew.</summary>
    private async Task DescribeTagsAsync(CancellationToken cancellationToken)
    {
        var nodes = _tags.Select(t => _client.Resolve(ExpandedNodeId.Parse(t.Tag.Address)) ?? default).ToList();
        var asked = await _client.ReadAsync(
            [.. nodes.SelectMany(n => new[] { new ReadNode(n, AttributeId.DataType), new ReadNode(n, AttributeId.ValueRank) })],
                cancellationToken);
        var changed = false;
        for (var i = 0; i < _tags.Length; i++)
        {
            var type = await TypeOfAsync(i, asked[2 * i], asked[(2 * i) + 1], cancellationToken);
            if (type == _tags[i].Type) continue;
            _tags[i] = _tags[i] with { Type = type };
            _memory.SetType(_tags[i].Tag.Address, type);
            changed = true;
        }

        _described = true;
        if (!changed) return;
        Save();
        Volatile.Read(ref _redescribed).TrySetResult();
    }

    private async Task<SparkplugDataType> TypeOfAsync(int tag, DataValue dataType, DataValue rank, CancellationToken cancellationToken)
    {
        if (dataType.Value.Value is NodeId type && await _client.BuiltInTypeOfAsync(type, cancellationToken) is { } builtIn)
        {
            _builtIn[tag] = builtIn;
            return OpcUaValues.TypeOf(builtIn, rank.Value.AsDouble() >= 0);
        }

        // Not there now: as it was, or as most are, so that it is seen to be bad.
        if (_tags[tag].Type != SparkplugDataType.Unknown) return _tags[tag].Type;
        Log.TypeUnknown(_log, Id, _tags[tag].Tag.Address, dataType.Status.Name);
        return SparkplugDataType.Double;
    }

    private async Task SubscribeAsync(CancellationToken cancellationToken)
    {
        var shortest = _tags.Length == 0 ? _settings.IntervalMs : _tags.Min(IntervalMs);
        var options = SubscriptionOptions.Default with
        {
            PublishingInterval = TimeSpan.FromMilliseconds(shortest), OnGap = _gaps.Found,
            KeepAlive = _settings.OpcUa?.KeepAlive ?? SubscriptionOptions.Default.KeepAlive,
            Lifetime = _settings.OpcUa?.Lifetime ?? SubscriptionOptions.Default.Lifetime,
        };
        var nodes = _tags
            .Select((t, i) => (ExpandedNodeId.Parse(t.Tag.Address), Watching(t), (object?)i))
            .ToList();
        _gaps.SinceMs(_memory.NewestMs, _tags);
        _subscription = await _client.SubscribeAsync(options, TakeAsync, nodes, cancellationToken);
        _items = _subscription.Items;
    }

    private int IntervalMs(SourceTag tag) => tag.Tag.IntervalMs > 0 ? tag.Tag.IntervalMs : _settings.IntervalMs;

    private MonitoredItemOptions Watching(SourceTag tag)
    {
        var deadband = OeeOrleans.OpcUa.Deadband.None;
        // The tag's deadband counts after its scale, the server's before.
        if (tag.Tag.DeadbandPercent > 0) deadband = OeeOrleans.OpcUa.Deadband.Percent(tag.Tag.DeadbandPercent);
        else if (tag.Tag.Deadband > 0) deadband = OeeOrleans.OpcUa.Deadband.Absolute(tag.Tag.Deadband / Math.Abs(tag.Tag.Scale));
        // A deadband on what is no number is refused, and on a text by some servers taken for "never".
        if (tag.Type is SparkplugDataType.String or SparkplugDataType.Boolean) deadband = OeeOrleans.OpcUa.Deadband.None;
        return MonitoredItemOptions.Default with
        {
            SamplingInterval = TimeSpan.FromMilliseconds(IntervalMs(tag)), QueueSize = tag.Tag.QueueSize, Deadband = deadband,
        };
    }

    private async ValueTask TakeAsync(Notification notification, CancellationToken cancellationToken)
    {
        var values = ArrayPool<SourceValue>.Shared.Rent(notification.Changes.Length);
        try
        {
            var count = 0;
            foreach (var change in notification.Changes.Span)
            {
                var tag = (int)change.Item.Context!;
                var value = Convert(tag, change.Value, historical: false);
                // What is asked for again is older than what came since.
                if (!(_latest[tag]?.TimeMs > value.TimeMs)) _latest[tag] = value;
                values[count++] = value;
            }

            await _pending.AddAsync(values.AsSpan(0, count), cancellationToken);
        }
        finally
        {
            ArrayPool<SourceValue>.Shared.Return(values, clearArray: true);
        }
    }

    private SourceValue Convert(int tag, in DataValue value, bool historical)
    {
        var now = _clock.GetUtcNow();
        var timeMs = OpcUaValues.TimeMs(value, now);
        if (timeMs > _newestMs) Interlocked.Exchange(ref _newestMs, timeMs);
        EdgeMetrics.IngestLagMs.WithLabels(Id).Set(now.ToUnixTimeMilliseconds() - timeMs);
        return new SourceValue(tag, timeMs, OpcUaValues.Convert(value, _tags[tag].Type), OpcUaValues.QualityOf(value.Status), historical);
    }

    /// <summary>A tag that the server does not watch is bad, and says so once.</summary>
    private void TellRefused(long timeMs, List<SourceValue> into)
    {
        foreach (var item in _items)
        {
            var tag = (int)item.Context!;
            if (item.Status == _refused[tag]) continue;
            _refused[tag] = item.Status;
            if (!item.Status.IsBad || item.Status.Code == StatusCodes.BadWaitingForInitialData) continue;
            var bad = new SourceValue(tag, timeMs, null, OpcUaValues.QualityOf(item.Status));
            _latest[tag] = bad;
            into.Add(bad);
        }
    }

    /// <summary>A new birth has nothing yet: everything says again what it shows.</summary>
    private void TellAll(List<SourceValue> into)
    {
        var told = into.Select(v => v.Tag).ToHashSet();
        for (var i = 0; i < _latest.Length; i++)
        {
            if (_latest[i] is { } latest && !told.Contains(i)) into.Add(latest);
        }

        _tellAll = false;
    }

    private async Task WaitForFirstAsync(CancellationToken cancellationToken)
    {
        var until = _clock.GetUtcNow() + FirstValues;
        while (_clock.GetUtcNow() is var now && now < until && _items.Any(i => !i.Status.IsBad && _latest[(int)i.Context!] is null))
        {
            await Task.WhenAny(_pending.Arrived, Task.Delay(until - now, _clock, cancellationToken));
        }

        _first = false;
    }

    private async Task PauseAsync(bool paused, CancellationToken cancellationToken)
    {
        await _subscription!.SetPublishingAsync(!paused, cancellationToken);
        _paused = paused;
    }

    private void Report()
    {
        var counters = _client.Counters;
        EdgeMetrics.OpcUaSessionUp.WithLabels(Id).Set(_client.State == ConnectionState.Connected ? 1 : 0);
        EdgeMetrics.OpcUaReconnects.WithLabels(Id).IncTo(counters.Reconnects);
        EdgeMetrics.OpcUaSilent.WithLabels(Id).IncTo(counters.Silent);
        EdgeMetrics.MonitoredItems.WithLabels(Id).Set(_items.Count(i => !i.Status.IsBad));
        EdgeMetrics.BadItems.WithLabels(Id).Set(_items.Count(i => i.Status.IsBad));
    }
}
