using Microsoft.Extensions.Logging;
using OeeOrleans.Edge.Queue;
using OeeOrleans.Edge.Sessions;
using OeeOrleans.Sparkplug;
using OeeOrleans.Sparkplug.Edge;
using OeeOrleans.Sparkplug.Payload;

namespace OeeOrleans.Edge.Sources;

/// <summary>Polls one source on a grid of its interval, and makes what is new durable before anybody hears of it.</summary>
internal sealed class SourceLoop
{
    private static readonly TimeSpan ReadTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan ShownWithin = TimeSpan.FromSeconds(2);

    /// <summary>A program that takes a value back does so within a few cycles.</summary>
    private static readonly TimeSpan ShownFor = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan BetweenLooks = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(1);
    private const int LookEveryMs = 1_000;
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    private readonly ISource _source;
    private readonly EdgeImage _image;
    private readonly RecordQueue _queue;
    private readonly SamplingGovernor _governor;
    private readonly WakeEvent _wake;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly TagFilter _filter;

    /// <summary>By tag; null for one whose type is not known yet.</summary>
    private readonly (EdgeDevice Device, EdgeMetric Metric)?[] _metrics;
    private readonly List<EdgeDevice> _devices;
    private readonly int[] _intervals;
    private readonly SparkplugPayloadWriter _writer = new();
    private long? _readAt;
    private string _failure = "";
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public SourceLoop(
        ISource source, EdgeSource settings, EdgeNodeDefinition definition, EdgeImage image, RecordQueue queue, SamplingGovernor governor,
        WakeEvent wake,
        TimeProvider clock, ILogger log)
    {
        (_source, _image, _queue, _governor, _wake, _clock, _log) = (source, image, queue, governor, wake, clock, log);
        _filter = new TagFilter(source.Tags);
        _devices = [.. definition.Devices.Where(d => source.Tags.Any(t => t.Device == d.Id))];
        _metrics =
        [
            .. source.Tags.Select(t => definition.Devices.First(d => d.Id == t.Device)).Zip(source.Tags, MetricOf),
        ];
        _intervals = [.. source.Tags.Select(t => settings.IntervalOf(t.Tag))];
        OwnIntervalMs = _intervals.Length > 0 ? _intervals.Min() : settings.IntervalMs;
        // Whoever looks after his connection is asked how it is, though nothing is due.
        if (source.Reconnects) OwnIntervalMs = Math.Min(OwnIntervalMs, LookEveryMs);
    }

    public string Id => _source.Id;

    /// <summary>The shortest interval of its tags.</summary>
    public int OwnIntervalMs { get; }

    /// <summary>Done when the source was read for the first time.</summary>
    public Task FirstReading => _first.Task;

    private static (EdgeDevice Device, EdgeMetric Metric)? MetricOf(EdgeDevice device, SourceTag tag) =>
        device.Metrics.FirstOrDefault(m => m.Name == tag.Tag.Metric) is { } metric ? (device, metric) : null;

    public void SetPaused(bool paused) => _source.SetPaused(paused);

    /// <summary>The address a metric comes from; null when it is none of this source.</summary>
    public string? AddressOf(string? device, EdgeMetric metric) => IndexOf(device, metric) is var index and >= 0
        ? _source.AddressOf(index)
        : null;

    /// <summary>Writes a published value back to where it comes from.</summary>
    /// <param name="device">Of the metric.</param>
    /// <param name="metric">What is written to.</param>
    /// <param name="value">In published units.</param>
    /// <param name="readsBack">It is looked whether the PLC shows it and goes on showing it, which takes half a second at least.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task<WrittenValue> WriteAsync(
        string? device, EdgeMetric metric, object? value, bool readsBack, CancellationToken cancellationToken)
    {
        var index = IndexOf(device, metric);
        value = Scaling.Raw(_source.Tags[index].Tag, value, _source.Tags[index].Type);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ReadTimeout);
        var before = await _source.WriteAsync(index, value, limit.Token);
        var (after, isShown) = readsBack ? await ReadBackAsync(index, value, limit.Token) : (null, false);
        // In published units, as what is written.
        return new WrittenValue(Published(index, before), Published(index, after), isShown);
    }

    /// <summary>A PLC may take a cycle or two until it shows what it was given; and its program may have the last word.</summary>
    private async Task<(object? After, bool IsShown)> ReadBackAsync(int index, object? value, CancellationToken cancellationToken)
    {
        try
        {
            var began = _clock.GetTimestamp();
            long? shownAt = null;
            while (true)
            {
                var after = await _source.ReadBackAsync(index, cancellationToken);
                if (!Scaling.IsSame(after, value)) shownAt = null;
                else if (shownAt is { } since && _clock.GetElapsedTime(since) >= ShownFor) return (after, true);
                else shownAt ??= _clock.GetTimestamp();
                if (shownAt is null && _clock.GetElapsedTime(began) >= ShownWithin) return (after, false);
                await Task.Delay(BetweenLooks, _clock, cancellationToken);
            }
        }
        catch (Exception error)
        {
            // A boundary: it was written; that it cannot be seen is another matter, and is told as such.
            Log.NotReadBack(_log, Id, _source.AddressOf(index), error);
            return (null, false);
        }
    }

    private object? Published(int index, object? raw) => _filter.Convert(new SourceValue(index, 0, raw)).Value;

    private int IndexOf(string? device, EdgeMetric metric) =>
        Array.FindIndex(_metrics, m => m?.Device.Id == device && m?.Metric.Alias == metric.Alias);

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var due = new List<int>();
        var values = new List<SourceValue>();
        var pause = TimeSpan.Zero;
        // All is due at first, and after a failure: a device is born with what it shows then.
        var isAllDue = true;
        long last = 0;
        while (!cancellationToken.IsCancellationRequested)
        {
            try
            {
                var tick = await NextTickAsync(last, cancellationToken);
                Measure(tick, isAllDue);
                due.Clear();
                values.Clear();
                for (var i = 0; i < _intervals.Length; i++)
                {
                    if (isAllDue || tick / _governor.IntervalMs(_intervals[i]) != last / _governor.IntervalMs(_intervals[i])) due.Add(i);
                }

                await ReadAsync(due, tick, values, cancellationToken);
                Store(values, tick);
                (last, isAllDue) = (tick, false);
                pause = TimeSpan.Zero;
                Alive();
            }
            catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                // A boundary: a source may fail in any way; its devices die, the others go on, and it is tried again.
                _filter.Forget();
                (isAllDue, _readAt) = (true, null);
                Failed(error);
                pause = _source.Reconnects
                    ? ShortestPause
                    : TimeSpan.FromMilliseconds(
                        Math.Min(Math.Max(ShortestPause.TotalMilliseconds, pause.TotalMilliseconds * 2), LongestPause.TotalMilliseconds));
                await Task.Delay(pause, _clock, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        }
    }

    /// <exception cref="TimeoutException">The source did not answer.</exception>
    private async Task ReadAsync(List<int> due, long tick, List<SourceValue> values, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(ReadTimeout);
        try
        {
            await _source.ReadAsync(due, tick, values, limit.Token);
        }
        catch (OperationCanceledException error) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException($"it did not answer within {ReadTimeout.TotalSeconds} s", error);
        }
    }

    /// <summary>How well the grid is kept: by the stopwatch, because clocks step; a failure begins anew.</summary>
    private void Measure(long tick, bool isFirst)
    {
        var now = _clock.GetTimestamp();
        if (!isFirst && _readAt is { } before)
        {
            var missed = (int)Math.Round(_clock.GetElapsedTime(before, now).TotalMilliseconds / _governor.IntervalMs(OwnIntervalMs)) - 1;
            if (missed > 0) EdgeMetrics.CycleOverruns.WithLabels(Id).Inc(missed);
            EdgeMetrics.CycleDelayMs.WithLabels(Id).Observe(Math.Max(0, _clock.GetUtcNow().ToUnixTimeMilliseconds() - tick));
        }

        _readAt = now;
    }

    private async Task<long> NextTickAsync(long last, CancellationToken cancellationToken)
    {
        var interval = _governor.IntervalMs(OwnIntervalMs);
        var now = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        // A timer may fire a little early: the next instant on the grid is after the last one, whatever the clock says.
        var next = Math.Max(((now / interval) + (last == 0 ? 0 : 1)) * interval, ((last / interval) + 1) * interval);
        // A clock that went back: go on from here instead of waiting for it to catch up.
        if (next - now > 2 * interval) next = ((now / interval) + 1) * interval;
        if (next > now) await Task.Delay(TimeSpan.FromMilliseconds(next - now), _clock, cancellationToken);
        return next;
    }

    private void Store(List<SourceValue> values, long tick)
    {
        // Values of the past go past the filter: it compares with what came last, and they are older.
        var (past, published) = (new Dictionary<EdgeDevice, List<EdgeValue>>(), new Dictionary<EdgeDevice, List<EdgeValue>>());
        foreach (var raw in values)
        {
            if (_metrics[raw.Tag] is not var (device, metric)) continue;
            if ((raw.Historical ? _filter.Convert(raw) : _filter.Take(raw)) is not { } value) continue;
            var target = raw.Historical ? past : published;
            if (!target.TryGetValue(device, out var list)) target[device] = list = [];
            list.Add(new EdgeValue(metric, (ulong)value.TimeMs, value.Value, value.Quality));
        }

        if (past.Count + published.Count > 0)
        {
            var records = new List<(string, ReadOnlyMemory<byte>, int)>(past.Count + published.Count);
            foreach (var (device, list) in past) records.Add(Record(device, list, historical: true));
            foreach (var (device, list) in published) records.Add(Record(device, list, historical: false));
            // A device that returns is born before its first record is sent, and shows what is: a counter born with its old value would go
            // back, and seem to have been reset.
            foreach (var (device, list) in published.Where(p => !_image.IsOnline(p.Key.Id))) _image.Update(device.Id, list);
            Alive();
            _queue.Append(records);
            _filter.Remember();
            foreach (var (device, list) in published) _image.Update(device.Id, list);
            EdgeMetrics.Sampled.Inc(records.Sum(r => r.Item3));
        }

        _source.Stored(tick);
        _first.TrySetResult();
        _wake.Set();
    }

    private (string Device, ReadOnlyMemory<byte> Payload, int Values) Record(EdgeDevice device, List<EdgeValue> values, bool historical)
    {
        _writer.Begin((ulong)_clock.GetUtcNow().ToUnixTimeMilliseconds(), null);
        foreach (var value in values) value.WriteData(_writer, historical);
        return (device.Id, _writer.Written.ToArray(), values.Count);
    }

    private void Alive()
    {
        var news = false;
        foreach (var device in _devices) news |= _image.SetOnline(device, true);
        EdgeMetrics.SourceUp.WithLabels(Id).Set(1);
        if (!news) return;
        _failure = "";
        Log.SourceUp(_log, Id);
        _wake.Set();
    }

    private void Failed(Exception error)
    {
        var news = false;
        foreach (var device in _devices) news |= _image.SetOnline(device, false);
        EdgeMetrics.SourceUp.WithLabels(Id).Set(0);
        // Once for each reason: it is tried every second.
        if (news || _failure != error.Message) Log.SourceFailed(_log, Id, error.Message, error);
        _failure = error.Message;
        _wake.Set();
    }
}

/// <summary>What a write did, in published units.</summary>
/// <param name="Before">What stood there; null when it could not be read.</param>
/// <param name="After">What was read back; null when nothing was.</param>
/// <param name="IsShown">What was read back is what was written.</param>
internal sealed record WrittenValue(object? Before, object? After, bool IsShown);
