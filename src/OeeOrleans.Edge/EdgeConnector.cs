using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OeeOrleans.Edge.Commands;
using OeeOrleans.Edge.Queue;
using OeeOrleans.Edge.Sessions;
using OeeOrleans.Edge.Sources;
using OeeOrleans.Edge.Sources.Cip;
using OeeOrleans.Edge.Sources.Fallback;
using OeeOrleans.Edge.Sources.OpcUa;
using OeeOrleans.Edge.Sources.Polling;
using OeeOrleans.Edge.Sources.S7;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Edge;

namespace OeeOrleans.Edge;

/// <summary>
/// An edge node: reads its sources, makes every value durable, and publishes it as Sparkplug B whenever there is somebody to publish to.
/// </summary>
public sealed class EdgeConnector : BackgroundService
{
    private static readonly TimeSpan FirstReading = TimeSpan.FromSeconds(5);

    private readonly EdgeOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger<EdgeConnector> _log;
    private readonly RecordQueue _queue;
    private readonly WakeEvent _wake = new();
    private readonly SamplingGovernor _governor;
    private readonly PlcWriter _writer;
    private readonly IReadOnlyList<ISource> _sources;
    private volatile EdgeLife _life;
    private long _toldDropped;

    /// <exception cref="ArgumentException">The options cannot be used; one sentence per mistake.</exception>
    public EdgeConnector(EdgeOptions options, TimeProvider clock, ILogger<EdgeConnector> log)
        : this(Checked(options), [.. options.Speaking.Select(s => SourceOf(s, options, clock, log))], clock, log)
    {
    }

    /// <param name="sources">One for each of the options' speaking sources.</param>
    internal EdgeConnector(EdgeOptions options, IReadOnlyList<ISource> sources, TimeProvider clock, ILogger<EdgeConnector> log)
    {
        (_options, _clock, _log) = (options, clock, log);
        _queue = new RecordQueue(Path.Combine(options.DataDir, $"edge-{options.Group}-{options.Node}"), options.BufferMaxMb * 1_000_000L);
        Log.QueueOpened(log, _queue.Id, _queue.Count, _queue.First, _queue.Next - 1);
        _governor = new SamplingGovernor(options.SlowestIntervalMs);
        _sources = sources;
        _writer = new PlcWriter(options, sources.Select(s => s.Id), _queue, _wake, () => _life!.Loops, clock, log);
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
            foreach (var source in _sources) await source.DisposeAsync();
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

    /// <summary>Until it is asked to stop, or until a source's tags turn out to have other types than it was born with.</summary>
    private async Task LiveAsync(EdgeLife life, CancellationToken stoppingToken)
    {
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(stoppingToken);
        var sampling = Task.WhenAll(life.Loops.Select(l => l.RunAsync(ended.Token)));
        var redescribed = Task.WhenAny(_sources.Select(s => s.Redescribed));
        // A birth tells what everything shows: so every source is read once before it, or given up for now.
        await Task.WhenAny(
            Task.WhenAll(life.Loops.Select(l => l.FirstReading)), redescribed, Task.Delay(FirstReading, _clock, stoppingToken));
        var linking = redescribed.IsCompleted ? Task.CompletedTask : life.Link.RunAsync(ended.Token);
        await Task.WhenAny(linking, redescribed);
        if (!stoppingToken.IsCancellationRequested) Log.Redescribed(_log, $"{_options.Group}/{_options.Node}");
        await ended.CancelAsync();
        await Task.WhenAll(linking, sampling);
        foreach (var source in _sources) await source.RestAsync();
    }

    private static ISource SourceOf(EdgeSource source, EdgeOptions options, TimeProvider clock, ILogger log)
    {
        var first = PlainSourceOf(source, options, clock, log);
        if (options.Sources.FirstOrDefault(s => s.Id == source.Fallback) is not { } fallback) return first;
        // Where to publish is the first's affair.
        fallback = fallback with { Device = source.Device };
        var file = Path.Combine(options.DataDir, $"fallback-{options.Group}-{options.Node}-{source.Id}.json");
        return new FallbackSource(first, source, PlainSourceOf(fallback, options, clock, log), fallback, file, clock, log);
    }

    private static ISource PlainSourceOf(EdgeSource source, EdgeOptions options, TimeProvider clock, ILogger log) =>
        source.Url.Scheme switch
        {
            "opc.tcp" => new OpcUaSource(source, options, clock, log),
            "s7" => new PolledSource(source, new S7Driver(source), clock, log),
            "cip" => new PolledSource(source, new CipDriver(source, options, log), clock, log),
            _ => new SimSource(source),
        };

    private EdgeLife NewLife()
    {
        foreach (var source in _sources) source.Describe();
        var definition = new EdgeNodeDefinition(
            _options.Group, _options.Node, [],
            [.. _sources.SelectMany(s => s.Tags).GroupBy(t => t.Device).Select(d => new EdgeDevice(d.Key, [.. Metrics(d)]))]);
        var image = new EdgeImage(definition);
        List<SourceLoop> loops =
        [
            .. _sources.Zip(
                _options.Speaking,
                (source, settings) => new SourceLoop(source, settings, definition, image, _queue, _governor, _wake, _clock, _log)),
        ];
        return new EdgeLife(loops, new EdgeLink(_options, new EdgeNodeSession(definition), image, _queue, _wake, _clock, _log, _writer));
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
            Log.SamplingChanged(_log, _governor.IntervalMs(_life.Loops.Min(l => l.OwnIntervalMs)), (int)(_queue.Depth * 100));
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
