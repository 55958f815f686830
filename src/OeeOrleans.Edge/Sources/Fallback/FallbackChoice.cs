namespace OeeOrleans.Edge.Sources.Fallback;

/// <summary>How a source does.</summary>
/// <param name="Well">When it last answered as it should; null before it ever did.</param>
/// <param name="Unwell">When it last did not; null if it always did.</param>
internal readonly record struct Health(TimeSpan? Well, TimeSpan? Unwell)
{
    /// <summary>The last thing it did was to answer.</summary>
    public bool IsAnswering => Well is not null && !(Unwell > Well);
}

/// <summary>
/// Which of two sources speaks: the second when the first was not well for a while and the second is, and the first again when it was well
/// for a longer while. All times are those of a stopwatch, since the choice was made.
/// </summary>
/// <param name="after">The first may be silent for so long.</param>
/// <param name="handBackAfter">It must have been well for so long before it speaks again.</param>
internal sealed class FallbackChoice(TimeSpan after, TimeSpan handBackAfter)
{
    /// <summary>Nobody looked for so long: the silence was ours, and nobody is blamed for it.</summary>
    private static readonly TimeSpan Stall = TimeSpan.FromSeconds(3);

    private TimeSpan? _begun;
    private TimeSpan _looked;

    /// <summary>Between the two looks before: when the buffer fills, looks are seldom.</summary>
    private TimeSpan _gap;
    private TimeSpan _excused;
    private TimeSpan _turned;

    public bool IsOnSecond { get; private set; }

    private TimeSpan Lately => _gap > after ? _gap + after : after;

    /// <summary>Must be called whenever the sources are looked at.</summary>
    public void Look(TimeSpan now)
    {
        _begun ??= now;
        var gap = now - _looked;
        if (gap >= Stall && gap > 2 * _gap) _excused = now;
        (_looked, _gap) = (now, gap);
    }

    /// <summary>It answered lately; where it is asked seldom, when it was asked last.</summary>
    public bool IsWell(TimeSpan now, Health source) => source.Well is { } well && now - Later(well, _excused) <= Lately;

    /// <summary>Whether the second should speak.</summary>
    public bool WantsSecond(TimeSpan now, Health first, Health second)
    {
        // The first may take its time for its first answer, too.
        var isFirstWell = first.Well is null ? now - Later(_begun ?? now, _excused) <= after : IsWell(now, first);
        if (!IsOnSecond) return !isFirstWell && IsWell(now, second);
        if (!isFirstWell || !first.IsAnswering) return true;
        if (!IsWell(now, second)) return false;
        return now - Later(_turned, first.Unwell ?? TimeSpan.Zero) < handBackAfter;
    }

    public void Turned(bool toSecond, TimeSpan now) => (IsOnSecond, _turned) = (toSecond, now);

    private static TimeSpan Later(TimeSpan a, TimeSpan b) => a > b ? a : b;
}
