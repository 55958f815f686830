using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OeeOrleans.Edge.Commands;
using OeeOrleans.Edge.Queue;
using OeeOrleans.Edge.Sessions;
using OeeOrleans.Edge.Sources;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Edge;

namespace OeeOrleans.Edge;

/// <summary>
/// An edge node: reads its sources, makes every value durable, and publishes it as Sparkplug B whenever there is somebody to publish to.
/// </summary>
public sealed class EdgeConnector : BackgroundService
{
    private static readonly TimeSpan FirstReading = TimeSpan.FromSeconds(5);

    /// <summary>In a later life others have spoken already: they are not kept silent for one that is new and does not answer.</summary>
    private static readonly TimeSpan NextReading = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(50);

    private readonly EdgeOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger<EdgeConnector> _log;
    private readonly RecordQueue _queue;
    private readonly WakeEvent _wake = new();
    private readonly SamplingGovernor _governor;
    private readonly PlcWriter _writer;
    private readonly ToldBook _told;
    private readonly SourceSet _sources;

    /// <summary>Devices that were read since this process began: of one that is no more something may still be to be told.</summary>
    private readonly HashSet<string> _devices = new(StringComparer.Ordinal);
    private volatile EdgeLife _life;
    private EdgeLife? _watched;
    private bool _isReborn;
    private long _toldDropped;

    /// <exception cref="ArgumentException">The options cannot be used; one sentence per mistake.</exception>
    public EdgeConnector(EdgeOptions options, TimeProvider clock, ILogger<EdgeConnector> log)
        : this(Checked(options), null, clock, log)
    {
    }

    /// <param name="sources">One for each of the options' speaking sources; null: as the options say.</param>
    internal EdgeConnector(EdgeOptions options, IReadOnlyList<ISource>? sources, TimeProvider clock, ILogger<EdgeConnector> log)
    {
        (_options, _clock, _log) = (options, clock, log);
        _queue = new RecordQueue(Path.Combine(options.DataDir, $"edge-{options.Group}-{options.Node}"), options.BufferMaxMb * 1_000_000L);
        Log.QueueOpened(log, _queue.Id, _queue.Count, _queue.First, _queue.Next - 1);
        _governor = new SamplingGovernor(options.SlowestIntervalMs);
        _told = new ToldBook(options, clock, log);
        _sources = new SourceSet(options, clock, log);
        _writer = new PlcWriter(options, _queue, _wake, () => _life!.Loops, Has, clock, log);
        if (sources is not null) _sources.Hold(_told.All, sources);
        _life = FirstLife(isOpen: sources is not null);
    }

    public EdgeState State => _life.Link.State;

    /// <summary>Why it is in this state.</summary>
    public string Why => _life.Link.Why;

    /// <summary>Records that wait for their acknowledgement.</summary>
    public int Buffered => _queue.Count;

    public override void Dispose()
    {
        base.Dispose();
        _queue.Dispose();
        _wake.Dispose();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var watching = WatchAsync(stoppingToken);
        var writing = _writer.RunAsync(stoppingToken);
        try
        {
            while (true)
            {
                await LiveAsync(_life, stoppingToken);
                if (stoppingToken.IsCancellationRequested) break;
                await BeginLifeAsync(stoppingToken);
            }

            await Task.WhenAll(watching, writing);
        }
        finally
        {
            await _sources.DisposeAsync();
        }
    }

    /// <summary>What the plant told and cannot be lived with, whatever is wrong with it, must not keep the node from reading its own.</summary>
    private EdgeLife FirstLife(bool isOpen)
    {
        try
        {
            if (!isOpen) _sources.Open(_told.All);
            return NewLife();
        }
        catch (ArgumentException error) when (!isOpen && _told.GiveUp(error.Message))
        {
            _sources.Open(_told.All);
            return NewLife();
        }
    }

    /// <summary>New aliases are written first; a disk that is full now takes them later.</summary>
    private async Task BeginLifeAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await _sources.RenewAsync(_told.All);
                _life = NewLife();
                return;
            }
            catch (Exception error) when (error is IOException or RocksDbSharp.RocksDbException)
            {
                Log.NoLife(_log, $"{_options.Group}/{_options.Node}", error);
                await Task.Delay(TimeSpan.FromSeconds(1), _clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (ArgumentException error) when (_told.GiveUp(error.Message))
            {
                // Without them, then.
            }
        }
    }

    /// <summary>
    /// Until it is asked to stop, until a source's tags turn out to have other types than it was born with, or other sources are to be read.
    /// </summary>
    private async Task LiveAsync(EdgeLife life, CancellationToken stoppingToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var ends = life.Loops.ToDictionary(l => l, _ => CancellationTokenSource.CreateLinkedTokenSource(ended.Token));
        var loops = life.Loops.ToDictionary(l => l, l => l.RunAsync(ends[l].Token));
        var told = _told.Changed;
        var redescribed = Task.WhenAny(_sources.Sources.Select(s => s.Redescribed).Append(told));
        // A birth tells what everything shows: so every source is read once before it, or given up for now.
        await Task.WhenAny(
            Task.WhenAll(life.Loops.Select(l => l.FirstReading)), redescribed,
            Task.Delay(_isReborn ? NextReading : FirstReading, _clock, stoppingToken));
        _isReborn = true;
        var linking = redescribed.IsCompleted ? Task.CompletedTask : life.Link.RunAsync(ended.Token);
        await Task.WhenAny(linking, redescribed);
        if (told.IsCompleted)
        {
            _told.See();
            await PartAsync(life, loops, ends, stoppingToken);
        }
        else if (!stoppingToken.IsCancellationRequested)
        {
            Log.Redescribed(_log, $"{_options.Group}/{_options.Node}");
        }

        await ended.CancelAsync();
        await Task.WhenAll(loops.Values.Append(linking));
        foreach (var end in ends.Values) end.Dispose();
        foreach (var source in _sources.Sources) await source.RestAsync();
    }

    /// <summary>
    /// Sources that are no more, or others than before, are closed; those that stay go on meanwhile. A device that goes has told all it
    /// had to tell, when there is somebody who listens; otherwise it is born once more for that, whenever there is.
    /// </summary>
    private async Task PartAsync(
        EdgeLife life, Dictionary<SourceLoop, Task> loops, Dictionary<SourceLoop, CancellationTokenSource> ends,
        CancellationToken stoppingToken)
    {
        var leaving = life.Loops.Where(l => !_sources.Keeps(l.Id, _told.All)).ToList();
        foreach (var loop in leaving) await ends[loop].CancelAsync();
        await Task.WhenAll(leaving.Select(l => loops[l]));
        var staying = SourceRules.Speaking(_told.All).Select(s => s.Device).ToHashSet(StringComparer.Ordinal);
        var goes = _sources.Settings.Any(s => leaving.Exists(l => l.Id == s.Id) && !staying.Contains(s.Device));
        await _sources.CloseAsync([.. leaving.Select(l => l.Id)]);
        if (goes) await HeardAsync(_queue.Next, stoppingToken);
    }

    /// <param name="below">What was read until now.</param>
    private async Task HeardAsync(ulong below, CancellationToken stoppingToken)
    {
        var began = _clock.GetTimestamp();
        while (_queue.First < below && _clock.GetElapsedTime(began) < LastWords && !stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(Moment, _clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Whether a device was ever read here.</summary>
    private bool Has(string device)
    {
        lock (_devices) return _devices.Contains(device);
    }

    /// <summary>Those that are read no more, and have something to tell or may have.</summary>
    private IReadOnlyList<EdgeDevice> Departed(IReadOnlyList<ISource> sources)
    {
        var now = sources.SelectMany(s => s.Tags).Select(t => t.Device).ToHashSet(StringComparer.Ordinal);
        lock (_devices)
        {
            _devices.UnionWith(now);
            return AliasBook.DevicesOf(_devices.Union(_queue.Devices()).Where(d => !now.Contains(d)), _queue);
        }
    }

    private EdgeLife NewLife()
    {
        var sources = _sources.Sources;
        foreach (var source in sources) source.Describe();
        var definition = new EdgeNodeDefinition(
            _options.Group, _options.Node, [],
            [
                .. sources.SelectMany(s => s.Tags).GroupBy(t => t.Device).Select(d => new EdgeDevice(d.Key, [.. Metrics(d)])),
                // What they said and nobody heard is told when they are born once more, to tell that alone.
                .. Departed(sources),
            ]);
        var image = new EdgeImage(definition);
        List<SourceLoop> loops =
        [
            .. sources.Zip(
                _sources.Settings,
                (source, settings) => new SourceLoop(source, settings, definition, image, _queue, _governor, _wake, _clock, _log)),
        ];
        return new EdgeLife(
            loops, new EdgeLink(_options, new EdgeNodeSession(definition), image, _queue, _wake, _clock, _log, _writer, _told));
    }

    private IEnumerable<EdgeMetric> Metrics(IEnumerable<SourceTag> tags) =>
        tags.Where(t => t.Type != SparkplugDataType.Unknown).Select(Metric);

    private static EdgeOptions Checked(EdgeOptions options) => options.Validate().ToList() is { Count: > 0 } mistakes
        ? throw new ArgumentException(string.Join("; ", mistakes), nameof(options))
        : options;

    private EdgeMetric Metric(SourceTag tag)
    {
        var type = Scaling.TypeOf(tag.Tag, tag.Type);
        return new EdgeMetric(
            tag.Tag.Metric, type, _queue.AliasOf(AliasBook.Describe(tag.Device, tag.Tag.Metric, type)), tag.Tag.Unit, tag.Tag.Writable);
    }

    /// <summary>Once a second: how full is the queue, and what does that mean for sampling.</summary>
    private async Task WatchAsync(CancellationToken cancellationToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), _clock);
        EdgeMetrics.Dropped.WithLabels("buffer_full").IncTo(0);
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                Watch();
                await timer.WaitForNextTickAsync(cancellationToken);
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                // A boundary: a look that failed must not be the last one.
                Log.WatchFailed(_log, error);
                await Task.Delay(TimeSpan.FromSeconds(1), _clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    private void Watch()
    {
        EdgeMetrics.BufferBytes.Set(_queue.Bytes);
        EdgeMetrics.BufferRecords.Set(_queue.Count);
        EdgeMetrics.BufferOldestSeconds.Set(OldestSeconds());
        var life = _life;
        var isNews = _governor.Observe(_queue.Depth);
        if (isNews)
        {
            var fastest = life.Loops.Select(l => l.OwnIntervalMs).DefaultIfEmpty(_options.SlowestIntervalMs).Min();
            Log.SamplingChanged(_log, _governor.IntervalMs(fastest), (int)(_queue.Depth * 100));
        }

        // Sources that were opened since were not told.
        if (isNews || (_governor.Paused && !ReferenceEquals(life, _watched)))
        {
            foreach (var loop in life.Loops) loop.SetPaused(_governor.Paused);
        }

        _watched = life;
        foreach (var loop in _life.Loops) EdgeMetrics.SamplingIntervalMs.WithLabels(loop.Id).Set(_governor.IntervalMs(loop.OwnIntervalMs));
        if (_queue.TakeWriteError() is { } reason) Log.BufferNotWritten(_log, reason);
        if (_queue.DroppedValues <= _toldDropped) return;
        EdgeMetrics.Dropped.WithLabels("buffer_full").IncTo(_queue.DroppedRecords);
        _toldDropped = _queue.DroppedValues;
        Log.Dropping(_log, _options.BufferMaxMb, _toldDropped);
    }

    private double OldestSeconds()
    {
        if (_queue.ReadFrom(_queue.First, 1) is not [var oldest]) return 0;
        var sent = new Sparkplug.Payload.SparkplugPayloadReader(oldest.Payload).Timestamp ?? 0;
        return Math.Max(0, (_clock.GetUtcNow().ToUnixTimeMilliseconds() - (long)sent) / 1000.0);
    }
}

/// <summary>What one definition of the edge node needs; a node whose tags change begins another.</summary>
internal sealed record EdgeLife(IReadOnlyList<SourceLoop> Loops, EdgeLink Link);
