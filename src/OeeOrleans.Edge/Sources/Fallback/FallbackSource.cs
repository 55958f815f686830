using Microsoft.Extensions.Logging;
using OeeOrleans.Edge.Sources.Polling;
using OeeOrleans.Sparkplug;

namespace OeeOrleans.Edge.Sources.Fallback;

/// <summary>
/// Two sources of the same tags, of which one speaks: the first, and while it is down or late the second. Whoever begins to speak is read
/// anew, so that nobody's memory is told after the other's present; what the first remembers of the time in which the second spoke was told
/// already. `source.active` says who speaks.
/// </summary>
internal sealed class FallbackSource : ISource
{
    /// <summary>The metric that says which source speaks.</summary>
    public const string ActiveMetric = "source.active";

    /// <summary>A reading is waited for so long; then whoever waits looks at the time.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>What was under way when it changed hands has arrived by then: all is read once more.</summary>
    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan SaveEvery = TimeSpan.FromSeconds(5);

    /// <summary>A time from further ahead holds back no later one.</summary>
    private const long MaxAheadMs = 60_000;

    private readonly FallbackPart _first;
    private readonly FallbackPart _second;
    private readonly FallbackChoice _choice;
    private readonly FallbackPeriods _periods;
    private readonly FallbackTags _tags;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly string _device;

    /// <summary>By tag, milliseconds: up to where it was told; what the first said last by its own clock; and up to where the one told who
    /// spoke before, beyond which whoever speaks now must be.</summary>
    private long[] _toldMs = [];
    private long[] _firstMs = [];
    private long[] _floorMs = [];
    private TimeSpan? _readAgainAt;
    private bool _isTurnStored = true;
    private bool _isActiveTold;
    private bool _hasSpoken;
    private TimeSpan _savedAt;

    public FallbackSource(
        ISource first, EdgeSource firstSettings, ISource second, EdgeSource secondSettings, string file, TimeProvider clock, ILogger log)
    {
        (_clock, _log, _device) = (clock, log, firstSettings.Device);
        _first = new FallbackPart(first, firstSettings, firstSettings.FallbackAfter, clock);
        _second = new FallbackPart(second, secondSettings, firstSettings.FallbackAfter, clock);
        _choice = new FallbackChoice(firstSettings.FallbackAfter, firstSettings.HandBackAfter);
        _periods = new FallbackPeriods(file);
        if (_periods.IsLost is { } lost) Log.MemoryLost(log, Id, lost);
        _tags = new FallbackTags(first, second, firstSettings, secondSettings);
        EdgeMetrics.FallbackActive.WithLabels(_device).Set(0);
        EdgeMetrics.FallbackSwitches.WithLabels(_device).IncTo(0);
        Describe();
    }

    public string Id => _first.Id;

    public IReadOnlyList<SourceTag> Tags => _tags.All;

    public bool Reconnects => true;

    public Task Redescribed => Task.WhenAny(_first.Source.Redescribed, _second.Source.Redescribed);

    public void Describe()
    {
        _first.Source.Describe();
        _second.Source.Describe();
        _tags.Describe();
        Array.Resize(ref _toldMs, Tags.Count);
        Array.Resize(ref _firstMs, Tags.Count);
        Array.Resize(ref _floorMs, Tags.Count);
        (_isActiveTold, _hasSpoken) = (false, false);
        Active.TellAll();
    }

    /// <summary>Hands over what came from whoever speaks. Which tags are due each of the two knows by itself.</summary>
    /// <exception cref="PlcException">Neither of them answers.</exception>
    public async Task ReadAsync(IReadOnlyList<int> tags, long timeMs, List<SourceValue> into, CancellationToken cancellationToken)
    {
        _choice.Look(_first.Now);
        _first.Begin(timeMs, !_choice.IsOnSecond);
        _second.Begin(timeMs, _choice.IsOnSecond);
        await Active.WaitAsync(Patience, cancellationToken);
        Take(into);
        var now = _first.Now;
        var wantsSecond = _choice.WantsSecond(now, _first.Health, _second.Health);
        if (wantsSecond != _choice.IsOnSecond) await TurnAsync(wantsSecond, into, cancellationToken);
        else if ((!_isTurnStored || _readAgainAt <= now) && IsWell(Active)) await ReadAgainAsync(into, cancellationToken);
        ThrowIfSilent(into);
        if (_isActiveTold || into.Count == 0) return;
        into.Add(new SourceValue(_tags.ActiveTag, _clock.GetUtcNow().ToUnixTimeMilliseconds(), Active.Id));
        _isActiveTold = true;
    }

    public async Task ReadNowAsync(long timeMs, List<SourceValue> into, CancellationToken cancellationToken)
    {
        await Active.RestAsync();
        if (!await TellNowAsync(Active, into, cancellationToken)) throw Silence();
    }

    /// <summary>Writes by whoever speaks.</summary>
    /// <exception cref="PlcException">It does not answer, refuses, or does not have the tag.</exception>
    public async Task<object?> WriteAsync(int tag, object? value, CancellationToken cancellationToken)
    {
        var (part, index) = (Active, _tags.IndexAt(tag, _choice.IsOnSecond));
        if (index < 0) throw new PlcException($"{Tags[tag].Tag.Metric} is none of {part.Id}, which speaks: {_first.Id}: {_first.Why}");
        var its = part.Source.Tags[index];
        var before = await part.Source.WriteAsync(index, Scaling.Raw(its.Tag, value, its.Type), cancellationToken);
        return _tags.ToPublished(tag, its.Tag, before);
    }

    public string AddressOf(int tag) => _tags.IndexAt(tag, _choice.IsOnSecond) is var index and >= 0
        ? $"{Active.Id}: {Active.Source.Tags[index].Tag.Address}"
        : Tags[tag].Tag.Address;

    public void SetPaused(bool paused)
    {
        _first.Source.SetPaused(paused);
        _second.Source.SetPaused(paused);
    }

    public void Stored(long timeMs)
    {
        _first.Stored(timeMs);
        _second.Stored(timeMs);
        _isTurnStored = true;
        if (!_choice.IsOnSecond) return;
        _periods.Extend(timeMs);
        if (_first.Now - _savedAt >= SaveEvery) Save();
    }

    public async Task RestAsync()
    {
        await _first.RestAsync();
        await _second.RestAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_choice.IsOnSecond) Save();
        await _first.DisposeAsync();
        await _second.DisposeAsync();
    }

    private FallbackPart Active => _choice.IsOnSecond ? _second : _first;

    /// <summary>
    /// Nobody speaks: its device dies. But when somebody did a moment ago, and the other one may take over, that is waited for.
    /// </summary>
    private void ThrowIfSilent(List<SourceValue> into)
    {
        var other = _choice.IsOnSecond ? _first : _second;
        var isWaiting = _hasSpoken && _choice.IsWell(_first.Now, other.Health);
        _hasSpoken = (IsWell(Active) && (_hasSpoken || into.Count > 0)) || isWaiting;
        if (_hasSpoken) return;
        // Whoever comes first shows everything, new or not.
        _isTurnStored = false;
        throw Silence();
    }

    private bool IsWell(FallbackPart part) => part.Health.IsAnswering && _choice.IsWell(part.Now, part.Health);

    private PlcException Silence() => new(
        $"neither {_first.Id} ({Reason(_first)}) nor {_second.Id} ({Reason(_second)}) answers");

    private static string Reason(FallbackPart part) => part.Why.Length > 0 ? part.Why : "it is being connected";

    private void Take(List<SourceValue> into)
    {
        foreach (var value in _first.Take()) TellOfFirst(value, into);
        foreach (var value in _second.Take())
        {
            if (_choice.IsOnSecond && _tags.KnowsSecond(value.Tag)) Tell(_tags.OfSecond(value), into);
        }
    }

    private void TellOfFirst(in SourceValue raw, List<SourceValue> into)
    {
        var value = _tags.OfFirst(raw);
        var realMs = raw.TimeMs - _first.Source.ClockAheadMs;
        var isNew = raw.TimeMs > _firstMs[raw.Tag];
        if (!raw.Historical) _firstMs[raw.Tag] = Math.Max(_firstMs[raw.Tag], raw.TimeMs);
        if (!_tags.HasSecond(raw.Tag))
        {
            // Nobody else speaks for it.
            into.Add(value);
        }
        else if (raw.Historical)
        {
            if (!_periods.Covers(realMs)) into.Add(value);
        }
        else if (_choice.IsOnSecond || (_readAgainAt is not null && realMs < _periods.LatestToMs))
        {
            // It waited in a queue until the first was there again. What the second told, and what was told before, is not told twice.
            if (isNew && realMs < _periods.LatestFromMs && !_periods.Covers(realMs)) into.Add(value with { Historical = true });
        }
        else
        {
            Tell(value, into);
        }
    }

    /// <summary>A value of now, not before what was told by the one who spoke before.</summary>
    private void Tell(in SourceValue value, List<SourceValue> into)
    {
        var timeMs = value.TimeMs;
        if (timeMs <= _floorMs[value.Tag]) timeMs = ++_floorMs[value.Tag];
        _toldMs[value.Tag] = Math.Max(_toldMs[value.Tag], timeMs);
        into.Add(value with { TimeMs = timeMs });
    }

    /// <summary>The other one speaks from now on, if it can be read now.</summary>
    private async Task TurnAsync(bool toSecond, List<SourceValue> into, CancellationToken cancellationToken)
    {
        var part = toSecond ? _second : _first;
        await part.RestAsync();
        Take(into);
        if (await part.ReadNowAsync(cancellationToken) is not { } reading) return;
        var why = toSecond ? Reason(_first) : Reason(_second);
        var isForced = !toSecond && !_second.Health.IsAnswering;
        _choice.Turned(toSecond, part.Now);
        if (toSecond) _periods.Begin(reading.AskedMs);
        else _periods.End(reading.AskedMs);
        Save();
        Tell(part, reading.AskedMs, reading.Values, into);
        if (toSecond) TellLost(reading.AskedMs, into);
        (_isTurnStored, _isActiveTold) = (false, false);
        _readAgainAt = part.Now + Settle;
        EdgeMetrics.FallbackActive.WithLabels(_device).Set(toSecond ? 1 : 0);
        EdgeMetrics.FallbackSwitches.WithLabels(_device).Inc();
        if (toSecond) Log.FallbackBegins(_log, _device, _second.Id, _first.Id, why);
        else Log.FallbackEnds(_log, _device, _first.Id, _second.Id, isForced ? why : "the first is well again");
    }

    private async Task ReadAgainAsync(List<SourceValue> into, CancellationToken cancellationToken)
    {
        await Active.RestAsync();
        Take(into);
        if (!await TellNowAsync(Active, into, cancellationToken)) return;
        if (!_isTurnStored)
        {
            if (_choice.IsOnSecond) TellLost(_clock.GetUtcNow().ToUnixTimeMilliseconds(), into);
            _isActiveTold = false;
        }

        if (_readAgainAt <= Active.Now) _readAgainAt = null;
    }

    private async Task<bool> TellNowAsync(FallbackPart part, List<SourceValue> into, CancellationToken cancellationToken)
    {
        if (await part.ReadNowAsync(cancellationToken) is not var (askedMs, values)) return false;
        Tell(part, askedMs, values, into);
        return true;
    }

    private void Tell(FallbackPart part, long askedMs, IReadOnlyList<SourceValue> values, List<SourceValue> into)
    {
        // Later than all that was told, also by the other one's clock.
        for (var i = 0; i < _floorMs.Length; i++) _floorMs[i] = Math.Max(_floorMs[i], Math.Min(_toldMs[i], askedMs + MaxAheadMs));
        foreach (var raw in values)
        {
            var now = raw with { TimeMs = askedMs };
            if (part == _first) Tell(_tags.OfFirst(now), into);
            else if (_tags.KnowsSecond(raw.Tag)) Tell(_tags.OfSecond(now), into);
        }
    }

    /// <summary>Tags that only the first has.</summary>
    private void TellLost(long timeMs, List<SourceValue> into)
    {
        for (var i = 0; i < _tags.ActiveTag; i++)
        {
            if (!_tags.HasSecond(i)) Tell(new SourceValue(i, timeMs, null, 0), into);
        }
    }

    private void Save()
    {
        _savedAt = _first.Now;
        try
        {
            _periods.Save();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            Log.MemoryNotWritten(_log, Id, error);
        }
    }
}
