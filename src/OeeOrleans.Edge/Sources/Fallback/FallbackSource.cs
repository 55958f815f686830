using Microsoft.Extensions.Logging;
using OeeOrleans.Edge.Sources.Polling;
using OeeOrleans.Sparkplug;

namespace OeeOrleans.Edge.Sources.Fallback;

/// <summary>
/// Two sources of the same tags, of which one speaks: the first, and while it is down or late the second. Whoever begins to speak is asked
/// for everything anew, so that nobody's memory is told after the other's present. `source.active` says who speaks.
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

    /// <summary>A first that answers for so long is asked for the tags that only it has, while the second speaks.</summary>
    private static readonly TimeSpan SettledAfter = TimeSpan.FromSeconds(5);

    private readonly FallbackPart _first;
    private readonly FallbackPart _second;
    private readonly FallbackChoice _choice;
    private readonly FallbackPeriods _periods;
    private readonly FallbackTags _tags;
    private readonly FallbackTelling _telling;
    private readonly TimeProvider _clock;
    private readonly ILogger _log;
    private readonly string _device;
    private readonly TimeSpan _mostWait;

    private bool _isPassStored = true;

    /// <summary>Everything must be shown, and was, in this pass.</summary>
    private bool _mustShow;
    private bool _isShown;

    /// <summary>Whoever speaks showed everything once: what is told again later is not new to us.</summary>
    private bool _hasShown;
    private bool _isActiveTold;
    private bool _hasSpoken;
    private TimeSpan _spokeAt;
    private TimeSpan _savedAt;
    private volatile bool _isPaused;

    /// <summary>It was, since the pass before.</summary>
    private volatile bool _wasPaused;

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
        _telling = new FallbackTelling(first, _tags, _periods, clock);
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
        _mustShow |= _hasShown || !_periods.IsEmpty;
        Active.TellAll();
    }

    /// <summary>Hands over what came from whoever speaks. Which tags are due each of the two knows by itself.</summary>
    /// <exception cref="PlcException">Neither of them answers.</exception>
    public async Task ReadAsync(IReadOnlyList<int> tags, long timeMs, List<SourceValue> into, CancellationToken cancellationToken)
    {
        if (!_isPassStored) Forget();
        (_isPassStored, _isShown) = (false, false);
        if (_wasPaused)
        {
            // What was not read was not told: the first may remember it.
            _periods.End();
            _wasPaused = _isPaused;
        }

        _telling.BeginPass();
        _choice.Look(_first.Now);
        _first.Begin(timeMs, !_choice.IsOnSecond);
        _second.Begin(timeMs, _choice.IsOnSecond);
        await Active.WaitAsync(Patience, cancellationToken);
        Take(into);
        var wantsSecond = _choice.WantsSecond(_first.Now, _first.Health, _second.Health);
        if (wantsSecond != _choice.IsOnSecond) await TurnAsync(wantsSecond, into, cancellationToken);
        else if (_mustShow && IsWell(Active)) await ShowAsync(into, cancellationToken);
        if (_choice.IsOnSecond) await TellOnlyFirstAsync(into, cancellationToken);
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

    public async Task<object?> ReadBackAsync(int tag, CancellationToken cancellationToken)
    {
        var (part, index) = SpeakerOf(tag);
        if (index < 0) return null;
        return _tags.ToPublished(tag, part.Source.Tags[index].Tag, await part.Source.ReadBackAsync(index, cancellationToken));
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
        _isPaused = paused;
        if (paused) _wasPaused = true;
    }

    public void Stored(long timeMs)
    {
        _first.Stored(timeMs);
        _second.Stored(timeMs);
        _telling.Stored();
        _isPassStored = true;
        if (_isShown) _mustShow = false;
        if (_telling.SecondMs == 0) return;
        _periods.Extend(_telling.SecondMs);
        if (_isPaused) _periods.End();
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
        _telling.Forget();
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
        foreach (var value in _first.Take()) _telling.OfFirst(value, into);
        foreach (var value in _second.Take())
        {
            if (_choice.IsOnSecond) _telling.OfSecond(value, into);
        }
    }

    /// <summary>The other one speaks from now on, if it can be read now.</summary>
    private async Task TurnAsync(bool toSecond, List<SourceValue> into, CancellationToken cancellationToken)
    {
        var part = toSecond ? _second : _first;
        if (await AskAsync(part, into, cancellationToken) is not { } values) return;
        var why = Reason(toSecond ? _first : _second);
        var isForced = !toSecond && !_second.Health.IsAnswering;
        _choice.Turned(toSecond, part.Now);
        _telling.IsOnSecond = toSecond;
        if (!toSecond) _periods.End();
        (_mustShow, _isActiveTold) = (true, false);
        Show(part, values, into);
        Save();
        EdgeMetrics.FallbackActive.WithLabels(_device).Set(toSecond ? 1 : 0);
        EdgeMetrics.FallbackSwitches.WithLabels(_device).Inc();
        if (toSecond) Log.FallbackBegins(_log, _device, _second.Id, _first.Id, why);
        else Log.FallbackEnds(_log, _device, _first.Id, _second.Id, isForced ? why : "the first is well again");
    }

    /// <summary>Tags that only the first has, while the second speaks: as long as the first is there, it tells them.</summary>
    private async Task TellOnlyFirstAsync(List<SourceValue> into, CancellationToken cancellationToken)
    {
        var now = _first.Now;
        var isThere = _choice.IsWell(now, _first.Health);
        if (!isThere && !_telling.IsLostTold) _telling.TellLost(into);
        if (!isThere || !_telling.IsLostTold || !_tags.HasOnlyFirst) return;
        // One that comes and goes is not asked each time: whoever speaks would wait for it.
        if (!_first.Health.IsAnswering || now - (_first.Health.Unwell ?? TimeSpan.Zero) < SettledAfter) return;
        if (await AskAsync(_first, into, cancellationToken) is { } values) _telling.ShowOnlyFirst(values, into);
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
        (_isShown, _hasShown) = (true, true);
        _telling.BeginShow();
        foreach (var raw in values)
        {
            if (part == _first) _telling.ShowOfFirst(raw, into);
            else _telling.OfSecond(raw, into);
        }

        if (part == _second) _telling.TellLost(into);
    }

    private void Save()
    {
        _savedAt = _first.Now;
        DurableFile.TrySave(_periods.Save, _log, Id);
    }
}
