using Microsoft.Extensions.Logging;
using OeeOrleans.Sparkplug;

namespace OeeOrleans.Edge.Sources.Polling;

/// <summary>
/// A PLC whose tags are polled, whatever its protocol: keeps a connection, reads together what is due together, and shows every tag with
/// the quality it has. <see cref="SourceLoop"/> says when; each source has a loop of its own, so that a slow PLC holds up no other.
/// </summary>
internal sealed class PolledSource : ISource
{
    /// <summary>How often a PLC is looked after while nothing is due, or nothing may be read into the buffer.</summary>
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private readonly EdgeSource _settings;
    private readonly IPlcDriver _driver;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly int[][] _groups;
    private readonly PlcReadings _readings;
    private readonly string?[] _told;
    private readonly ReconnectPause _pause;
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _connecting;
    private readonly List<ValueTask> _reading = [];
    private volatile IPlcConnection? _connection;
    private volatile string _why;
    private volatile bool _paused;
    private volatile bool _tellAll = true;
    private TaskCompletionSource _redescribed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _typesVersion;
    private long _lookedAt;

    public PolledSource(EdgeSource settings, IPlcDriver driver, TimeProvider clock, ILogger log, ReconnectPause? pause = null)
    {
        (_settings, _driver, _clock, _log) = (settings, driver, clock, log);
        _pause = pause ?? new ReconnectPause(Random.Shared);
        Tags = Described();
        _groups =
        [
            .. Enumerable.Range(0, Tags.Count)
                .GroupBy(i => settings.IntervalOf(settings.Tags[i]))
                .OrderBy(g => g.Key)
                .Select(g => g.ToArray()),
        ];
        _readings = new PlcReadings(Tags.Count);
        _told = new string?[Tags.Count];
        _why = $"{settings.Url} is being connected";
        EdgeMetrics.PlcUp.WithLabels(Id).Set(0);
        EdgeMetrics.PlcReconnects.WithLabels(Id).IncTo(0);
        _connecting = Task.Run(KeepConnectedAsync);
    }

    public string Id => _settings.Id;

    public IReadOnlyList<SourceTag> Tags { get; private set; }

    public bool Reconnects => true;

    public Task Redescribed => Volatile.Read(ref _redescribed).Task;

    /// <summary>Reads the groups that are due, all of them at a time.</summary>
    /// <exception cref="PlcException">There is no connection, or the PLC refuses reading.</exception>
    public async Task ReadAsync(IReadOnlyList<int> tags, long timeMs, List<SourceValue> into, CancellationToken cancellationToken)
    {
        if (_connection is not { } connection) throw new PlcException(_why);
        CheckTypes();
        var isQuiet = _paused && !_tellAll;
        if ((isQuiet || tags.Count == 0) && _clock.GetElapsedTime(_lookedAt) < LookEvery) return;
        _lookedAt = _clock.GetTimestamp();
        // A value's time is when it was asked for, and not the instant on the grid before it.
        var askedMs = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        for (var i = 0; i < _groups.Length; i++)
        {
            // With nothing due the fastest group shows that the PLC is there.
            if (IsDue(_groups[i], tags) || (i == 0 && tags.Count == 0)) _reading.Add(connection.ReadAsync(i, _readings, cancellationToken));
        }

        await AllAsync();
        EdgeMetrics.PlcReadMs.WithLabels(Id).Observe(_clock.GetElapsedTime(_lookedAt).TotalMilliseconds);
        Tell();
        CheckTypes();
        if (isQuiet) return;
        foreach (var group in _groups)
        {
            if (!IsDue(group, tags)) continue;
            foreach (var tag in group) into.Add(new SourceValue(tag, askedMs, _readings.Values[tag], _readings.Qualities[tag]));
        }

        _tellAll = false;
    }

    /// <summary>Also while nothing more may be read into the buffer.</summary>
    public Task ReadNowAsync(long timeMs, List<SourceValue> into, CancellationToken cancellationToken)
    {
        _tellAll = true;
        return ReadAsync([.. Enumerable.Range(0, Tags.Count)], timeMs, into, cancellationToken);
    }

    public bool IsHere => _connection is not null;

    /// <summary>A device is born with what it shows, also while nothing more may be read into the buffer.</summary>
    public void Describe()
    {
        _typesVersion = _driver.TypesVersion;
        Tags = Described();
        _tellAll = true;
        if (Redescribed.IsCompleted) Volatile.Write(ref _redescribed, new(TaskCreationOptions.RunContinuationsAsynchronously));
    }

    /// <summary>Writes, and says what stood there before.</summary>
    /// <exception cref="PlcException">There is no connection, or the PLC refuses.</exception>
    public async Task<object?> WriteAsync(int tag, object? value, CancellationToken cancellationToken)
    {
        var connection = _connection ?? throw new PlcException(_why);
        return await connection.WriteAsync(tag, value, cancellationToken);
    }

    /// <exception cref="PlcException">There is no connection.</exception>
    public Task<object?> ReadBackAsync(int tag, CancellationToken cancellationToken) =>
        (_connection ?? throw new PlcException(_why)).ReadBackAsync(tag, cancellationToken);

    /// <summary>At the buffer's high mark nothing more is read into it; the PLC is only looked after.</summary>
    public void SetPaused(bool paused) => _paused = paused;

    public void Stored(long timeMs)
    {
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _connecting;
        _ended.Dispose();
    }

    private IReadOnlyList<SourceTag> Described() =>
        [.. _settings.Tags.Select((t, i) => new SourceTag(_settings.Device, t, _driver.TypeOf(i)))];

    /// <summary>Its devices are not alive with types that are no more: the edge node is born anew, and asks again.</summary>
    private void CheckTypes()
    {
        if (_driver.TypesVersion == _typesVersion) return;
        Volatile.Read(ref _redescribed).TrySetResult();
        throw new PlcException($"{_settings.Url}: its tags have other types than its devices were born with; they are born anew");
    }

    /// <summary>Tags of one interval are due together, so the first speaks for all.</summary>
    private static bool IsDue(int[] group, IReadOnlyList<int> due)
    {
        var (low, high) = (0, due.Count - 1);
        while (low <= high)
        {
            var middle = (low + high) / 2;
            if (due[middle] == group[0]) return true;
            if (due[middle] < group[0]) low = middle + 1;
            else high = middle - 1;
        }

        return false;
    }

    /// <summary>Every reading is waited for, also after one failed: the next must not begin before.</summary>
    private async ValueTask AllAsync()
    {
        Exception? failure = null;
        ValueTask[] readings = [.. _reading];
        _reading.Clear();
        foreach (var reading in readings)
        {
            try
            {
                await reading;
            }
            catch (Exception error)
            {
                failure ??= error;
            }
        }

        if (failure is not null) System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
    }

    /// <summary>A tag that turns bad, or good again, is said once.</summary>
    private void Tell()
    {
        var bad = 0;
        for (var i = 0; i < _told.Length; i++)
        {
            var error = _readings.Errors[i];
            if (error is not null) bad++;
            if (ReferenceEquals(error, _told[i]) || error == _told[i]) continue;
            _told[i] = error;
            if (error is not null) Log.TagBad(_log, Id, Tags[i].Tag.Address, error);
            else Log.TagGood(_log, Id, Tags[i].Tag.Address);
        }

        EdgeMetrics.PlcBadTags.WithLabels(Id).Set(bad);
    }

    private async Task KeepConnectedAsync()
    {
        var any = false;
        while (!_ended.IsCancellationRequested)
        {
            TimeSpan pause;
            try
            {
                var since = _clock.GetTimestamp();
                await using (var connection = await _driver.ConnectAsync(_groups, _ended.Token))
                {
                    if (any) EdgeMetrics.PlcReconnects.WithLabels(Id).Inc();
                    any = true;
                    Log.PlcConnected(_log, Id, _settings.Url);
                    EdgeMetrics.PlcUp.WithLabels(Id).Set(1);
                    _connection = connection;
                    _why = await connection.Closed.WaitAsync(_ended.Token);
                    Disconnected();
                }

                pause = _pause.AfterLoss(_clock.GetElapsedTime(since));
                Log.PlcLost(_log, Id, _why);
            }
            catch (OperationCanceledException) when (_ended.IsCancellationRequested)
            {
                break;
            }
            catch (PlcException error)
            {
                pause = _pause.AfterFailure(error.IsAway);
                if (_why != error.Message) Log.PlcAway(_log, Id, error.Message, pause.TotalSeconds);
                _why = error.Message;
            }
            catch (Exception error)
            {
                // A boundary: an error of ours must not be the end of a source.
                pause = _pause.AfterFailure(isAway: false);
                Log.PlcBroke(_log, Id, error);
                _why = $"an error of ours: {error.Message}";
            }

            Disconnected();
            await Task.Delay(pause, _clock, _ended.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        Disconnected();
    }

    private void Disconnected()
    {
        _connection = null;
        EdgeMetrics.PlcUp.WithLabels(Id).Set(0);
        EdgeMetrics.PlcBadTags.WithLabels(Id).Set(0);
    }
}
