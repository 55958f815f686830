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
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan SaveEvery = TimeSpan.FromSeconds(5);

    /// <summary>A value from further ahead, by the server's clock, does not say up to where all is complete.</summary>
    private static readonly TimeSpan Ahead = TimeSpan.FromMinutes(1);

    /// <summary>The server's clock; every server has it (OPC UA part 5, 6.3.1).</summary>
    private static readonly NodeId CurrentTime = NodeId.Parse("i=2258");

    private readonly EdgeSource _settings;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly OpcUaClient _client;
    private readonly SourceMemory _memory;
    private readonly PendingValues _pending = new(Capacity);
    private readonly GapFiller _gaps;
    private readonly ServerClock _serverClock;
    private readonly CancellationTokenSource _ended = new();

    /// <summary>With the types as they are at the server now.</summary>
    private readonly SourceTag[] _tags;
    private readonly BuiltInType[] _builtIn;

    /// <summary>Tags whose type was guessed, because their node is not there.</summary>
    private readonly bool[] _guessed;

    private readonly List<PendingValue> _offered = [];
    private readonly Lock _latestLock = new();

    /// <summary>By tag: what it shows now, under its lock; and what was said of it when it cannot be watched.</summary>
    private readonly PendingValue?[] _latest;
    private readonly StatusCode[] _refused;
    private TaskCompletionSource _redescribed = NewSource();
    private Task<Subscription>? _subscribing;
    private Subscription? _subscription;
    private IReadOnlyList<MonitoredItem> _items = [];
    private bool _tellAll;
    private bool _toldAll;
    private volatile bool _described;
    private volatile bool _returned;
    private bool _wasConnected;

    /// <summary>It was away for so long that its device died: what comes before it is back and current would be told as what is.</summary>
    private bool _isAway;
    private bool _first = true;
    private volatile bool _wantPaused;
    private bool _paused;
    private long _savedAt;

    public OpcUaSource(EdgeSource settings, EdgeOptions options, TimeProvider clock, ILogger log)
    {
        (_settings, _clock, _log) = (settings, clock, log);
        _memory = new SourceMemory(Path.Combine(options.DataDir, $"opcua-{options.Group}-{options.Node}-{settings.Id}.json"));
        if (_memory.IsLost is { } lost) Log.MemoryLost(log, settings.Id, lost);
        _tags = [.. settings.Tags.Select(t => new SourceTag(settings.Device, t, _memory.TypeOf(t.Address)))];
        _latest = new PendingValue?[_tags.Length];
        _refused = new StatusCode[_tags.Length];
        _builtIn = new BuiltInType[_tags.Length];
        _guessed = new bool[_tags.Length];
        var security = settings.OpcUa ?? new OpcUaSettings();
        _client = OpcUaClient.Start(security.ToOptions(settings.Url, Path.Combine(options.DataDir, "pki")), log, clock);
        _client.StateChanged += Follow;
        _gaps = new GapFiller(settings.Id, _client, NodeOf, _pending, _memory, clock, log);
        _serverClock = new ServerClock(clock);
        _savedAt = clock.GetTimestamp();
        Tags = [.. _tags];
    }

    public string Id => _settings.Id;

    public IReadOnlyList<SourceTag> Tags { get; private set; }

    public bool Reconnects => true;

    public bool IsHere => _client.State == ConnectionState.Connected && _subscription is not null;

    /// <summary>As it was measured when it was probed last; 0 before.</summary>
    public long ClockAheadMs => _serverClock.AheadMs;

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
        _pending.BeginReading();
        Report();
        if (_client.State == ConnectionState.Connected) await LookAfterAsync(timeMs, cancellationToken);
        else _isAway |= !_wasConnected || (_pending.Count == 0 && _clock.GetUtcNow() - _client.Since > Grace);
        if (_isAway && _client.State != ConnectionState.Connected) throw Away();
        _isAway = false;
        // The edge node is about to be born anew, and asks again.
        if (Redescribed.IsCompleted) return;
        _offered.Clear();
        _pending.Offer(_offered);
        foreach (var value in _offered.Where(v => v.Kind != PendingKind.GapEnd)) into.Add(Convert(value));
        if (_tellAll) TellAll(into);
    }

    /// <summary>Asks for the server's clock.</summary>
    /// <exception cref="OpcUaException">It does not answer.</exception>
    public async Task ProbeAsync(CancellationToken cancellationToken)
    {
        if (_client.State != ConnectionState.Connected) return;
        var asked = _clock.GetTimestamp();
        var values = await _client.ReadAsync([new ReadNode(CurrentTime, AttributeId.Value)], cancellationToken);
        if (values[0].Value.Value is DateTime server) _serverClock.Take(server, asked);
    }

    /// <summary>Asks the server, not the subscription: what that has still to bring is older.</summary>
    /// <exception cref="OpcUaException">There is no connection.</exception>
    public async Task ReadNowAsync(long timeMs, List<SourceValue> into, CancellationToken cancellationToken)
    {
        var nodes = Enumerable.Range(0, _tags.Length).Select(i => new ReadNode(NodeOf(i) ?? default, AttributeId.Value)).ToList();
        var values = await _client.ReadAsync(nodes, cancellationToken);
        var now = ServerNow();
        for (var i = 0; i < values.Count; i++) into.Add(Convert(new PendingValue(i, OpcUaValues.TimeMs(values[i], now), values[i])));
    }

    /// <summary>Writes, and says what stood there before.</summary>
    /// <exception cref="OpcUaException">There is no connection, or the server refuses.</exception>
    public async Task<object?> WriteAsync(int tag, object? value, CancellationToken cancellationToken)
    {
        var address = _tags[tag].Tag.Address;
        var node = NodeOf(tag)
            ?? throw new OpcUaException(StatusCodes.BadNodeIdUnknown, $"{address}: the server has no such namespace");
        var variant = OpcUaValues.ToVariant(value, _builtIn[tag]);
        var before = await _client.ReadAsync(node, cancellationToken);
        var status = await _client.WriteAsync(node, variant, cancellationToken);
        if (status.IsBad)
        {
            throw new OpcUaException(status, $"{_settings.Url} refuses to write {variant} to {address}: {status.Name}{status.Advice}");
        }

        Log.Written(_log, Id, address, before.Status.IsBad ? before.Status : before.Value, variant);
        return OpcUaValues.Convert(before, _tags[tag].Type);
    }

    /// <exception cref="OpcUaException">There is no connection.</exception>
    public async Task<object?> ReadBackAsync(int tag, CancellationToken cancellationToken) => NodeOf(tag) is { } node
        ? OpcUaValues.Convert(await _client.ReadAsync(node, cancellationToken), _tags[tag].Type)
        : null;

    public void SetPaused(bool paused) => _wantPaused = paused;

    public void Stored(long timeMs)
    {
        var latest = _clock.GetUtcNow() + _client.ClockSkew + Ahead;
        _pending.Stored(value => Note(value, latest.ToUnixTimeMilliseconds()));
        if (_toldAll) (_tellAll, _toldAll) = (false, false);
        if (_clock.GetElapsedTime(_savedAt) < SaveEvery) return;
        _savedAt = _clock.GetTimestamp();
        Save();
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _gaps.DisposeAsync();
        await _client.DisposeAsync();
        Save();
        _ended.Dispose();
    }

    /// <summary>What has no time of the server's is stamped as the server would, as far as its clock is known.</summary>
    private DateTimeOffset ServerNow() => _clock.GetUtcNow().AddMilliseconds(ClockAheadMs);

    private static TaskCompletionSource NewSource() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private OpcUaException Away() =>
        new(StatusCodes.BadNotConnected, _client.Why.Length > 0 ? _client.Why : $"{_settings.Url} is being connected");

    /// <summary>What is durable says up to where all is complete.</summary>
    private void Note(in PendingValue value, long latestMs)
    {
        var address = _tags[value.Tag].Tag.Address;
        if (value.Kind == PendingKind.GapEnd) _memory.Close(address);
        else if (value.TimeMs <= latestMs) _memory.Durable(address, value.TimeMs);
    }

    private void Follow(ConnectionChange change)
    {
        // Another server may be there by now, with other types.
        if (change.To == ConnectionState.Connected) (_described, _returned) = (false, true);
    }

    private void Save() => DurableFile.TrySave(_memory.Save, _log, Id);

    /// <summary>While there is a connection: types, subscription, pauses.</summary>
    private async Task LookAfterAsync(long timeMs, CancellationToken cancellationToken)
    {
        _wasConnected = true;
        if (!_described) await DescribeTagsAsync(cancellationToken);
        if (Redescribed.IsCompleted) return;
        if (_subscription is null) await SubscribeAsync(cancellationToken);
        if (_paused != _wantPaused) await PauseAsync(_wantPaused, cancellationToken);
        if (_first) await WaitForFirstAsync(cancellationToken);
        NoteRefused(timeMs);
        // A device that returns shows what is, not what was when it was lost: the server's queues come first.
        if (_returned || _isAway) await WaitUntilCurrentAsync(cancellationToken);
    }

    /// <summary>The node of a tag now: by the namespace its index meant when it was watched first.</summary>
    private NodeId? NodeOf(int tag) => tag < _items.Count
        ? _client.Resolve(_items[tag])
        : _client.Resolve(ExpandedNodeId.Parse(_tags[tag].Tag.Address));

    /// <summary>Asks for the types of all tags; when they are others than published, the edge node must be born anew.</summary>
    private async Task DescribeTagsAsync(CancellationToken cancellationToken)
    {
        // Before it is asked: a connection that is made anew meanwhile is asked again.
        _described = true;
        try
        {
            var nodes = Enumerable.Range(0, _tags.Length).Select(i => NodeOf(i) ?? default).ToList();
            var asked = await _client.ReadAsync(
                [.. nodes.SelectMany(n => new[] { new ReadNode(n, AttributeId.DataType), new ReadNode(n, AttributeId.ValueRank) })],
                cancellationToken);
            var changed = false;
            for (var i = 0; i < _tags.Length; i++)
            {
                var type = await TypeOfAsync(i, asked[2 * i], asked[(2 * i) + 1], cancellationToken);
                if (!_guessed[i]) _memory.SetType(_tags[i].Tag.Address, type);
                changed |= type != Tags[i].Type;
                _tags[i] = _tags[i] with { Type = type };
            }

            if (changed) Volatile.Read(ref _redescribed).TrySetResult();
        }
        catch
        {
            _described = false;
            throw;
        }
    }

    private async Task<SparkplugDataType> TypeOfAsync(int tag, DataValue dataType, DataValue rank, CancellationToken cancellationToken)
    {
        if (dataType.Value.Value is NodeId type && await _client.BuiltInTypeOfAsync(type, cancellationToken) is { } builtIn)
        {
            (_builtIn[tag], _guessed[tag]) = (builtIn, false);
            return OpcUaValues.TypeOf(builtIn, rank.Value.AsDouble() >= 0);
        }

        // Not there now: as it was, or as most are, so that it is seen to be bad.
        _guessed[tag] = true;
        if (_tags[tag].Type != SparkplugDataType.Unknown) return _tags[tag].Type;
        Log.TypeUnknown(_log, Id, _tags[tag].Tag.Address, dataType.Status.Name);
        return SparkplugDataType.Double;
    }

    /// <summary>Takes as long as it takes: a reading that has no time for it leaves it under way, for the next.</summary>
    private async Task SubscribeAsync(CancellationToken cancellationToken)
    {
        var subscribing = _subscribing ??= MakeSubscriptionAsync();
        try
        {
            _subscription = await subscribing.WaitAsync(cancellationToken);
            _items = _subscription.Items;
        }
        catch when (subscribing.IsCompleted)
        {
            _subscribing = null;
            throw;
        }

        // Nobody was there since; once, and when the values of now are on their way.
        _gaps.Add(
            _tags.Select((t, i) => (t.Tag.Address, Index: i, Ms: _memory.CompleteToMs(t.Tag.Address)))
                .Where(t => t.Ms > 0)
                .Select(t => new TagGap(t.Index, t.Address, DateTimeOffset.FromUnixTimeMilliseconds(t.Ms).UtcDateTime)));
    }

    private Task<Subscription> MakeSubscriptionAsync()
    {
        var shortest = _tags.Length == 0 ? _settings.IntervalMs : _tags.Min(t => _settings.IntervalOf(t.Tag));
        var options = SubscriptionOptions.Default with
        {
            PublishingInterval = TimeSpan.FromMilliseconds(shortest),
            OnGap = Lost,
            KeepAlive = _settings.OpcUa?.KeepAlive ?? SubscriptionOptions.Default.KeepAlive,
            Lifetime = _settings.OpcUa?.Lifetime ?? SubscriptionOptions.Default.Lifetime,
        };
        var nodes = _tags.Select((t, i) => (ExpandedNodeId.Parse(t.Tag.Address), Watching(t), (object?)i)).ToList();
        return _client.SubscribeAsync(options, TakeAsync, nodes, _ended.Token);
    }

    private MonitoredItemOptions Watching(SourceTag tag)
    {
        var deadband = Deadband.None;
        // The tag's deadband counts after its scale, the server's before.
        if (tag.Tag.DeadbandPercent > 0) deadband = Deadband.Percent(tag.Tag.DeadbandPercent);
        else if (tag.Tag.Deadband > 0) deadband = Deadband.Absolute(tag.Tag.Deadband / Math.Abs(tag.Tag.Scale));
        // A deadband on what is no number is refused, and on a text by some servers taken for "never".
        if (tag.Type is SparkplugDataType.String or SparkplugDataType.Boolean) deadband = Deadband.None;
        return MonitoredItemOptions.Default with
        {
            SamplingInterval = TimeSpan.FromMilliseconds(_settings.IntervalOf(tag.Tag)),
            QueueSize = tag.Tag.QueueSize,
            Deadband = deadband,
        };
    }

    private void Lost(SubscriptionGap gap) =>
        _gaps.Add(gap.Last.Select(l => new TagGap((int)l.Item.Context!, _tags[(int)l.Item.Context!].Tag.Address, l.Time)));

    private async ValueTask TakeAsync(Notification notification, CancellationToken cancellationToken)
    {
        var values = ArrayPool<PendingValue>.Shared.Rent(notification.Changes.Length);
        try
        {
            var count = Take(notification.Changes.Span, values);
            await _pending.AddAsync(values.AsMemory(0, count), cancellationToken);
        }
        finally
        {
            ArrayPool<PendingValue>.Shared.Return(values, clearArray: true);
        }
    }

    private int Take(ReadOnlySpan<DataChange> changes, PendingValue[] values)
    {
        var now = ServerNow();
        List<TagGap>? overflowed = null;
        var count = 0;
        lock (_latestLock)
        {
            foreach (var change in changes)
            {
                var tag = (int)change.Item.Context!;
                var value = new PendingValue(tag, OpcUaValues.TimeMs(change.Value, now), change.Value);
                // The server's queue was too short: what lay between this one and the one before is gone there.
                if (change.Value.Status.HasOverflow && _latest[tag] is { Value.SourceTime: var before } && before > DateTime.MinValue)
                {
                    (overflowed ??= []).Add(new TagGap(tag, _tags[tag].Tag.Address, before));
                }

                // What is asked for again is older than what came since.
                if (!(_latest[tag]?.TimeMs > value.TimeMs)) _latest[tag] = value;
                values[count++] = value;
            }
        }

        if (overflowed is not null) _gaps.Add(overflowed);
        if (count > 0) EdgeMetrics.IngestLagMs.WithLabels(Id).Set(_clock.GetUtcNow().ToUnixTimeMilliseconds() - values[count - 1].TimeMs);
        return count;
    }

    /// <summary>As published: a value that is none of the published type is bad, and never made up.</summary>
    private SourceValue Convert(in PendingValue value)
    {
        var published = OpcUaValues.Convert(value.Value, Tags[value.Tag].Type);
        var quality = OpcUaValues.QualityOf(value.Value.Status);
        if (published is null && !value.Value.Value.IsNull) quality = Math.Min(quality, 0);
        return new SourceValue(value.Tag, value.TimeMs, published, quality, value.Kind == PendingKind.Historical);
    }

    /// <summary>A tag that the server does not watch is bad, and says so once; one that is back may be of another type.</summary>
    private void NoteRefused(long timeMs)
    {
        foreach (var item in _items)
        {
            var tag = (int)item.Context!;
            if (item.Status == _refused[tag]) continue;
            _refused[tag] = item.Status;
            if (!item.Status.IsBad && _guessed[tag]) _described = false;
            if (!item.Status.IsBad || item.Status.Code == StatusCodes.BadWaitingForInitialData) continue;
            var bad = new PendingValue(tag, timeMs + ClockAheadMs, new DataValue(Variant.Null, item.Status));
            lock (_latestLock) _latest[tag] = bad;
            _pending.Add(bad);
        }
    }

    /// <summary>A new birth has nothing yet: everything says again what it shows.</summary>
    private void TellAll(List<SourceValue> into)
    {
        var told = into.Select(v => v.Tag).ToHashSet();
        lock (_latestLock)
        {
            for (var i = 0; i < _latest.Length; i++)
            {
                if (_latest[i] is { } latest && !told.Contains(i)) into.Add(Convert(latest));
            }
        }

        _toldAll = true;
    }

    private async Task WaitForFirstAsync(CancellationToken cancellationToken)
    {
        var until = _clock.GetUtcNow() + FirstValues;
        while (_clock.GetUtcNow() is var now && now < until && MissesFirst())
        {
            await Task.WhenAny(_pending.Arrived, Task.Delay(until - now, _clock, cancellationToken));
            cancellationToken.ThrowIfCancellationRequested();
        }

        _first = false;
    }

    private async Task WaitUntilCurrentAsync(CancellationToken cancellationToken)
    {
        _returned = false;
        var until = _clock.GetUtcNow() + (_isAway ? Grace : FirstValues);
        while (_clock.GetUtcNow() < until && !_subscription!.IsCurrent) await Task.Delay(Look, _clock, cancellationToken);
    }

    private bool MissesFirst()
    {
        lock (_latestLock) return _items.Any(i => !i.Status.IsBad && _latest[(int)i.Context!] is null);
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
        EdgeMetrics.OpcUaClockSkew.WithLabels(Id).Set(_client.ClockSkew.TotalSeconds);
    }
}
