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

    /// <summary>Devices that are no more, and the number below which their records are.</summary>
    private readonly List<(EdgeDevice Device, ulong Below)> _departed = [];
    private volatile EdgeLife _life;
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
        if (sources is null) _sources.Open(_told.All);
        else _sources.Hold(options.Speaking, sources);
        _writer = new PlcWriter(options, _queue, _wake, () => _life!.Loops, clock, log);
        _life = NewLife();
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

    /// <summary>New aliases are written first; a disk that is full now takes them later.</summary>
    private async Task BeginLifeAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                _life = NewLife();
                return;
            }
            catch (Exception error) when (error is IOException or RocksDbSharp.RocksDbException)
            {
                Log.NoLife(_log, $"{_options.Group}/{_options.Node}", error);
                await Task.Delay(TimeSpan.FromSeconds(1), _clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
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
        if (!stoppingToken.IsCancellationRequested) Log.Redescribed(_log, $"{_options.Group}/{_options.Node}");
        if (told.IsCompleted)
        {
            // Those that stay go on meanwhile.
            var leaving = life.Loops.Where(l => !_sources.Keeps(l.Id, _told.All)).ToList();
            foreach (var loop in leaving) await ends[loop].CancelAsync();
            await Task.WhenAll(leaving.Select(l => loops[l]));
            await HeardAsync(_queue.Next, stoppingToken);
        }

        await ended.CancelAsync();
        await Task.WhenAll(loops.Values.Append(linking));
        foreach (var end in ends.Values) end.Dispose();
        foreach (var source in _sources.Sources) await source.RestAsync();
        if (told.IsCompleted && !stoppingToken.IsCancellationRequested) await RenewAsync(life);
    }

    /// <summary>A device that goes has told all it had to tell, when there is somebody who listens.</summary>
    /// <param name="below">What was read until now.</param>
    private async Task HeardAsync(ulong below, CancellationToken stoppingToken)
    {
        var began = _clock.GetTimestamp();
        while (_queue.First < below && _clock.GetElapsedTime(began) < LastWords && !stoppingToken.IsCancellationRequested)
        {
            await Task.Delay(Moment, _clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task RenewAsync(EdgeLife life)
    {
        _told.See();
        await _sources.RenewAsync(_told.All);
        var devices = _sources.Sources.SelectMany(s => s.Tags).Select(t => t.Device).ToHashSet(StringComparer.Ordinal);
        _departed.RemoveAll(d => devices.Contains(d.Device.Id));
        var gone = life.Link.Definition.Devices.Where(d => !devices.Contains(d.Id) && !_departed.Exists(o => o.Device.Id == d.Id));
        _departed.AddRange(gone.ToList().Select(d => (d, _queue.Next)));
    }

    private EdgeLife NewLife()
    {
        var sources = _sources.Sources;
        foreach (var source in sources) source.Describe();
        _departed.RemoveAll(d => _queue.First >= d.Below);
        var definition = new EdgeNodeDefinition(
            _options.Group, _options.Node, [],
            [
                .. sources.SelectMany(s => s.Tags).GroupBy(t => t.Device).Select(d => new EdgeDevice(d.Key, [.. Metrics(d)])),
                // What they said and nobody heard is told when they are born once more, to tell that alone.
                .. _departed.Select(d => d.Device),
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
        if (_governor.Observe(_queue.Depth))
        {
            var fastest = _life.Loops.Select(l => l.OwnIntervalMs).DefaultIfEmpty(_options.SlowestIntervalMs).Min();
            Log.SamplingChanged(_log, _governor.IntervalMs(fastest), (int)(_queue.Depth * 100));
            foreach (var loop in _life.Loops) loop.SetPaused(_governor.Paused);
        }

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
