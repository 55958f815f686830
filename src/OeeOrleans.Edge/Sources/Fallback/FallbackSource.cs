using Microsoft.Extensions.Logging;
using OeeOrleans.Edge.Sources.Polling;
using OeeOrleans.Sparkplug;

namespace OeeOrleans.Edge.Sources.Fallback;

/// <summary>
/// Two sources of the same tags, of which one speaks: the first, and while it is down or late the second. Both are told by the edge's
/// clock. Whoever begins to speak is asked for everything anew, so that nobody's memory is told after the other's present; what the first
/// still has of the past is told as history where nobody told it. `source.active` says who speaks.
/// </summary>
internal sealed class FallbackSource : ISource
{
    /// <summary>The metric that says which source speaks.</summary>
    public const string ActiveMetric = "source.active";

    /// <summary>A reading is waited for so long; then whoever waits looks at the time.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    /// <summary>Nobody speaks, though one of them may: longer than it may take to find that out, and its device is dead.</summary>
    private static readonly TimeSpan LongestWait = TimeSpan.FromSeconds(10);
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
    private readonly TimeSpan _mostWait;

    /// <summary>By tag, milliseconds by our clock: up to where it was told.</summary>
    private readonly long[] _toldMs;

    /// <summary>By tag: whoever speaks now is later than that.</summary>
    private readonly long[] _floorMs;

    /// <summary>By tag: the time of what the first showed when it began to speak; what is not later is of the past.</summary>
    private readonly long[] _sinceMs;

    /// <summary>By tag, by the clock of the first: the newest that came from it; durable, and with what is not yet.</summary>
    private readonly long[] _firstMs;
    private readonly long[] _takenMs;

    private bool _isPassStored = true;
    private long _secondMs;
    private long _lostMs;

    /// <summary>Everything must be shown, and was, in this pass.</summary>
    private bool _mustShow;
    private bool _isShown;
    private bool _isActiveTold;
    private bool _hasSpoken;
    private TimeSpan _spokeAt;
    private TimeSpan _savedAt;

    public FallbackSource(
        ISource first, EdgeSource firstSettings, ISource second, EdgeSource secondSettings, string file, TimeProvider clock, ILogger log)
    {
        (_clock, _log, _device) = (clock, log, firstSettings.Device);
        _mostWait = firstSettings.FallbackAfter + LongestWait;
        _first = new FallbackPart(first, firstSettings, firstSettings.FallbackAfter, clock);
        _second = new FallbackPart(second, secondSettings, firstSettings.FallbackAfter, clock);
        _choice = new FallbackChoice(firstSettings.FallbackAfter, firstSettings.HandBackAfter);
        _periods = new FallbackPeriods(file);
        if (_periods.IsLost is { } lost) Log.MemoryLost(log, Id, lost);
        _tags = new FallbackTags(first, second, firstSettings, secondSettings);
        EdgeMetrics.FallbackActive.WithLabels(_device).Set(0);
        EdgeMetrics.FallbackSwitches.WithLabels(_device).IncTo(0);
        Describe();
        var count = Tags.Count;
        (_toldMs, _floorMs, _firstMs, _takenMs) = (new long[count], new long[count], new long[count], new long[count]);
        _sinceMs = new long[count];
        Array.Fill(_sinceMs, _periods.LatestToMs);
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
        (_isActiveTold, _hasSpoken) = (false, false);
        // What the first remembers may be older than what the second told.
        _mustShow = !_periods.IsEmpty;
        Active.TellAll();
    }

    /// <summary>Hands over what came from whoever speaks. Which tags are due each of the two knows by itself.</summary>
    /// <exception cref="PlcException">Neither of them answers.</exception>
    public async Task ReadAsync(IReadOnlyList<int> tags, long timeMs, List<SourceValue> into, CancellationToken cancellationToken)
    {
        if (!_isPassStored) Forget();
        (_isPassStored, _isShown, _secondMs) = (false, false, 0);
        _choice.Look(_first.Now);
        _first.Begin(timeMs, !_choice.IsOnSecond);
        _second.Begin(timeMs, _choice.IsOnSecond);
        await Active.WaitAsync(Patience, cancellationToken);
        Take(into);
        var wantsSecond = _choice.WantsSecond(_first.Now, _first.Health, _second.Health);
        if (wantsSecond != _choice.IsOnSecond) await TurnAsync(wantsSecond, into, cancellationToken);
        else if (_mustShow && IsWell(Active)) await ShowAsync(into, cancellationToken);
        ThrowIfSilent(into);
        if (_isActiveTold || into.Count == 0) return;
        into.Add(new SourceValue(_tags.ActiveTag, _clock.GetUtcNow().ToUnixTimeMilliseconds(), Active.Id));
        _isActiveTold = true;
    }

    /// <summary>Writes by whoever speaks.</summary>
    /// <exception cref="PlcException">It does not answer, refuses, or does not have the tag.</exception>
    public async Task<object?> WriteAsync(int tag, object? value, CancellationToken cancellationToken)
    {
        var (part, index) = SpeakerOf(tag);
        var metric = Tags[tag].Tag.Metric;
        if (index < 0) throw new PlcException($"{metric} is none of {part.Id}, which speaks: {_first.Id}: {Reason(_first)}");
        var its = part.Source.Tags[index];
        if (!its.Tag.Writable) throw new PlcException($"{metric} is not writable at {part.Id}, which speaks");
        var before = await part.Source.WriteAsync(index, Scaling.Raw(its.Tag, value, its.Type), cancellationToken);
        return _tags.ToPublished(tag, its.Tag, before);
    }

    public string AddressOf(int tag)
    {
        var (part, index) = SpeakerOf(tag);
        return index < 0 ? Tags[tag].Tag.Address : $"{part.Id}: {part.Source.Tags[index].Tag.Address}";
    }

    public void SetPaused(bool paused)
    {
        _first.Source.SetPaused(paused);
        _second.Source.SetPaused(paused);
        // What is not read is not told: the first may remember it.
        if (paused) _periods.End();
    }

    public void Stored(long timeMs)
    {
        _first.Stored(timeMs);
        _second.Stored(timeMs);
        _takenMs.CopyTo(_firstMs, 0);
        _isPassStored = true;
        if (_isShown) _mustShow = false;
        if (_secondMs == 0) return;
        _periods.Extend(_secondMs);
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

    /// <summary>Whoever speaks, and its index of a tag, -1 when it has none. Looked at once: the loop may turn meanwhile.</summary>
    private (FallbackPart Part, int Index) SpeakerOf(int tag)
    {
        var isOnSecond = _choice.IsOnSecond;
        return (isOnSecond ? _second : _first, _tags.IndexAt(tag, isOnSecond));
    }

    /// <summary>What the pass before brought did not become durable: it is as if it had not been taken.</summary>
    private void Forget()
    {
        _firstMs.CopyTo(_takenMs, 0);
        _periods.End();
        if (_isShown) _isActiveTold = false;
    }

    /// <summary>
    /// Nobody speaks: its device dies. But when somebody did a moment ago, and the other one may take over, that is waited for.
    /// </summary>
    private void ThrowIfSilent(List<SourceValue> into)
    {
        var now = _first.Now;
        var other = _choice.IsOnSecond ? _first : _second;
        var isSpeaking = IsWell(Active) && (_hasSpoken || into.Count > 0);
        if (isSpeaking) _spokeAt = now;
        _hasSpoken = isSpeaking || (_hasSpoken && _choice.IsWell(now, other.Health) && now - _spokeAt <= _mostWait);
        if (_hasSpoken) return;
        // Whoever comes first shows everything, new or not.
        _mustShow = true;
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
            if (_choice.IsOnSecond && _tags.KnowsSecond(value.Tag)) TellOfSecond(value, into);
        }
    }

    private void TellOfFirst(in SourceValue raw, List<SourceValue> into)
    {
        var (value, tag) = (Real(raw), raw.Tag);
        var isCovered = _tags.HasSecond(tag) && _periods.Covers(value.TimeMs);
        var isNew = raw.Historical || raw.TimeMs > _takenMs[tag];
        if (!raw.Historical) _takenMs[tag] = Math.Max(_takenMs[tag], raw.TimeMs);
        // Nobody else speaks for a tag that only the first has: it is told as soon as it is there again.
        var isPast = _tags.HasSecond(tag) ? _choice.IsOnSecond || value.TimeMs <= _sinceMs[tag] : value.TimeMs <= _lostMs;
        if (!raw.Historical && !isPast) Tell(value, into);
        else if (isNew && !isCovered) into.Add(value with { Historical = true });
    }

    private void TellOfSecond(in SourceValue raw, List<SourceValue> into)
    {
        _secondMs = Math.Max(_secondMs, raw.TimeMs);
        if (!_periods.IsOpen) _periods.Begin(raw.TimeMs);
        Tell(_tags.OfSecond(raw), into);
    }

    /// <summary>A value of the first as published, by our clock.</summary>
    private SourceValue Real(in SourceValue raw) => _tags.OfFirst(raw) with { TimeMs = raw.TimeMs - _first.Source.ClockAheadMs };

    /// <summary>A value of now, not before what was told by the one who spoke before.</summary>
    private void Tell(in SourceValue value, List<SourceValue> into)
    {
        var (tag, timeMs) = (value.Tag, value.TimeMs);
        if (timeMs <= _floorMs[tag])
        {
            // Our clock may have been set back since.
            var mostMs = _clock.GetUtcNow().ToUnixTimeMilliseconds() + MaxAheadMs;
            _floorMs[tag] = Math.Min(_floorMs[tag], mostMs);
            timeMs = Math.Max(timeMs, ++_floorMs[tag]);
        }

        _toldMs[tag] = timeMs;
        into.Add(value with { TimeMs = timeMs });
    }

    /// <summary>The other one speaks from now on, if it can be read now.</summary>
    private async Task TurnAsync(bool toSecond, List<SourceValue> into, CancellationToken cancellationToken)
    {
        var part = toSecond ? _second : _first;
        if (await AskAsync(part, into, cancellationToken) is not { } values) return;
        var why = Reason(toSecond ? _first : _second);
        var isForced = !toSecond && !_second.Health.IsAnswering;
        _choice.Turned(toSecond, part.Now);
        if (!toSecond) _periods.End();
        (_mustShow, _isActiveTold) = (true, false);
        Show(part, values, into);
        Save();
        EdgeMetrics.FallbackActive.WithLabels(_device).Set(toSecond ? 1 : 0);
        EdgeMetrics.FallbackSwitches.WithLabels(_device).Inc();
        if (toSecond) Log.FallbackBegins(_log, _device, _second.Id, _first.Id, why);
        else Log.FallbackEnds(_log, _device, _first.Id, _second.Id, isForced ? why : "the first is well again");
    }

    private async Task ShowAsync(List<SourceValue> into, CancellationToken cancellationToken)
    {
        var part = Active;
        if (await AskAsync(part, into, cancellationToken) is { } values) Show(part, values, into);
    }

    /// <summary>What it shows now, after what it brought before was taken; null when it does not answer.</summary>
    private async Task<IReadOnlyList<SourceValue>?> AskAsync(
        FallbackPart part, List<SourceValue> into, CancellationToken cancellationToken)
    {
        await part.RestAsync();
        Take(into);
        return await part.ReadNowAsync(cancellationToken);
    }

    /// <summary>Everything as it is now, later than all that was told.</summary>
    private void Show(FallbackPart part, IReadOnlyList<SourceValue> values, List<SourceValue> into)
    {
        _isShown = true;
        var mostMs = _clock.GetUtcNow().ToUnixTimeMilliseconds() + MaxAheadMs;
        for (var i = 0; i < _floorMs.Length; i++) _floorMs[i] = Math.Min(_toldMs[i], mostMs);
        foreach (var raw in values)
        {
            if (part == _first) ShowOfFirst(raw, into);
            else if (_tags.KnowsSecond(raw.Tag)) TellOfSecond(raw, into);
        }

        if (part == _second) TellLost(into);
    }

    private void ShowOfFirst(in SourceValue raw, List<SourceValue> into)
    {
        var value = Real(raw);
        _sinceMs[raw.Tag] = value.TimeMs;
        _takenMs[raw.Tag] = Math.Max(_takenMs[raw.Tag], raw.TimeMs);
        Tell(value, into);
    }

    /// <summary>Tags that only the first has.</summary>
    private void TellLost(List<SourceValue> into)
    {
        _lostMs = _clock.GetUtcNow().ToUnixTimeMilliseconds();
        for (var i = 0; i < _tags.ActiveTag; i++)
        {
            if (!_tags.HasSecond(i)) Tell(new SourceValue(i, _lostMs, null, 0), into);
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
