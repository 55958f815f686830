namespace OeeOrleans.Edge.Sources.Fallback;

/// <summary>
/// What of two sources' values is told, and when: by the edge's clock, later than what the one who spoke before told, and once. What the
/// first still has of the past is told as history where nobody told it.
/// </summary>
internal sealed class FallbackTelling
{
    /// <summary>A time from further ahead holds back no later one.</summary>
    private const long MaxAheadMs = 60_000;

    /// <summary>The difference of the clocks is followed when it is off by more.</summary>
    private const long ClockNoiseMs = 20;

    private readonly ISource _first;
    private readonly FallbackTags _tags;
    private readonly FallbackPeriods _periods;
    private readonly TimeProvider _clock;

    /// <summary>By tag, milliseconds by our clock: up to where it was told.</summary>
    private readonly long[] _toldMs;

    /// <summary>By tag: whoever speaks now is later than that.</summary>
    private readonly long[] _floorMs;

    /// <summary>By tag, by the clock of the first: what it showed when it began to speak; what is not later is of the past.</summary>
    private readonly long[] _shownMs;

    /// <summary>By tag, by the clock of the first: the newest that came from it; durable, and with what is not yet.</summary>
    private readonly long[] _firstMs;
    private readonly long[] _takenMs;

    /// <summary>Up to where the second of a life before told, by our clock.</summary>
    private readonly long _startMs;
    private long _aheadMs;
    private long _lostMs;

    public FallbackTelling(ISource first, FallbackTags tags, FallbackPeriods periods, TimeProvider clock)
    {
        (_first, _tags, _periods, _clock) = (first, tags, periods, clock);
        var count = tags.All.Count;
        (_toldMs, _floorMs, _firstMs, _takenMs) = (new long[count], new long[count], new long[count], new long[count]);
        _shownMs = new long[count];
        _startMs = periods.LatestToMs;
    }

    /// <summary>The second speaks.</summary>
    public bool IsOnSecond { get; set; }

    /// <summary>Of the tags that only the first has it was said that they are not known.</summary>
    public bool IsLostTold { get; private set; }

    /// <summary>Up to where the second told in this pass; 0 when it did not.</summary>
    public long SecondMs { get; private set; }

    private long NowMs => _clock.GetUtcNow().ToUnixTimeMilliseconds();

    public void BeginPass()
    {
        SecondMs = 0;
        var aheadMs = _first.ClockAheadMs;
        if (Math.Abs(aheadMs - _aheadMs) <= ClockNoiseMs) return;
        // Times of the first are others than a moment ago: they stay behind what it told.
        _aheadMs = aheadMs;
        var mostMs = NowMs + MaxAheadMs;
        for (var i = 0; i < _floorMs.Length; i++) _floorMs[i] = Math.Max(_floorMs[i], Math.Min(_toldMs[i], mostMs));
    }

    /// <summary>What the pass before told did not become durable.</summary>
    public void Forget()
    {
        _firstMs.CopyTo(_takenMs, 0);
        IsLostTold = false;
    }

    public void Stored() => _takenMs.CopyTo(_firstMs, 0);

    public void OfFirst(in SourceValue raw, List<SourceValue> into)
    {
        var (value, tag) = (ByOurClock(raw), raw.Tag);
        var isCovered = _tags.HasSecond(tag) && _periods.Covers(value.TimeMs);
        // What it showed when it began to speak its queue may bring once more.
        var isNew = raw.Historical || (raw.TimeMs > _takenMs[tag] && raw.TimeMs != _shownMs[tag]);
        if (!raw.Historical) _takenMs[tag] = Math.Max(_takenMs[tag], raw.TimeMs);
        if (!raw.Historical && !IsPast(raw, value.TimeMs)) TellPresent(value, into);
        else if (isNew && !isCovered) into.Add(value with { Historical = true });
    }

    public void OfSecond(in SourceValue raw, List<SourceValue> into)
    {
        if (!_tags.KnowsSecond(raw.Tag)) return;
        SecondMs = Math.Max(SecondMs, raw.TimeMs);
        if (!_periods.IsOpen) _periods.Begin(raw.TimeMs);
        Tell(_tags.OfSecond(raw), into);
    }

    /// <summary>Whoever speaks shows everything: later than all that was told.</summary>
    public void BeginShow()
    {
        var mostMs = NowMs + MaxAheadMs;
        for (var i = 0; i < _floorMs.Length; i++) _floorMs[i] = Math.Min(_toldMs[i], mostMs);
    }

    public void ShowOfFirst(in SourceValue raw, List<SourceValue> into)
    {
        _shownMs[raw.Tag] = raw.TimeMs;
        TellPresent(ByOurClock(raw), into);
    }

    /// <summary>The first is there again while the second speaks: nobody else speaks for the tags that only the first has.</summary>
    public void ShowOnlyFirst(IEnumerable<SourceValue> values, List<SourceValue> into)
    {
        IsLostTold = false;
        foreach (var raw in values.Where(v => !_tags.HasSecond(v.Tag)))
        {
            _floorMs[raw.Tag] = Math.Min(_toldMs[raw.Tag], NowMs + MaxAheadMs);
            ShowOfFirst(raw, into);
        }
    }

    /// <summary>Says that tags that only the first has are not known.</summary>
    public void TellLost(List<SourceValue> into)
    {
        (_lostMs, IsLostTold) = (NowMs, true);
        for (var i = 0; i < _tags.ActiveTag; i++)
        {
            if (!_tags.HasSecond(i)) Tell(new SourceValue(i, _lostMs, null, 0), into);
        }
    }

    /// <summary>Not of now, though the first tells it as that.</summary>
    private bool IsPast(in SourceValue raw, long timeMs)
    {
        if (!_tags.HasSecond(raw.Tag)) return timeMs <= _lostMs;
        return IsOnSecond || raw.TimeMs <= _shownMs[raw.Tag] || timeMs <= _startMs;
    }

    /// <summary>A value of the first as published, by our clock.</summary>
    private SourceValue ByOurClock(in SourceValue raw) => _tags.OfFirst(raw) with { TimeMs = raw.TimeMs - _aheadMs };

    private void TellPresent(in SourceValue value, List<SourceValue> into)
    {
        if (!_tags.HasSecond(value.Tag)) IsLostTold = false;
        Tell(value, into);
    }

    /// <summary>A value of now, not before what was told by the one who spoke before.</summary>
    private void Tell(in SourceValue value, List<SourceValue> into)
    {
        var (tag, timeMs) = (value.Tag, value.TimeMs);
        if (timeMs <= _floorMs[tag])
        {
            // Our clock may have been set back since.
            _floorMs[tag] = Math.Min(_floorMs[tag], NowMs + MaxAheadMs);
            timeMs = Math.Max(timeMs, ++_floorMs[tag]);
        }

        _toldMs[tag] = timeMs;
        into.Add(value with { TimeMs = timeMs });
    }
}
