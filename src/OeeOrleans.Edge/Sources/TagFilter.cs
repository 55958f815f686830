namespace OeeOrleans.Edge.Sources;

/// <summary>From raw values to published ones: scale, offset, deadband, report by exception (tck-id-principles-rbe-recommended). What was
/// taken is remembered when it is durable, not before: a value that a full disk refused is new again.</summary>
internal sealed class TagFilter(IReadOnlyList<SourceTag> tags)
{
    private readonly SourceValue?[] _last = new SourceValue?[tags.Count];

    /// <summary>Taken, and not durable yet.</summary>
    private readonly Dictionary<int, SourceValue> _taken = [];

    /// <summary>The value as published; null when it says nothing new.</summary>
    public SourceValue? Take(in SourceValue raw)
    {
        var value = Convert(raw);
        SourceValue? before = _taken.TryGetValue(raw.Tag, out var taken) ? taken : _last[raw.Tag];
        if (before is { } last && last.Quality == value.Quality
            && !Differs(last.Value, value.Value, tags[raw.Tag].Tag.Deadband)) return null;
        _taken[raw.Tag] = value;
        return value;
    }

    /// <summary>The value with scale and offset, new or not.</summary>
    public SourceValue Convert(in SourceValue raw) => raw with { Value = Scaling.Published(tags[raw.Tag].Tag, raw.Value) };

    /// <summary>What was taken is durable.</summary>
    public void Remember()
    {
        foreach (var (tag, value) in _taken) _last[tag] = value;
        _taken.Clear();
    }

    /// <summary>What was taken is lost: the next reading says it again.</summary>
    public void Forget() => _taken.Clear();

    private static bool Differs(object? a, object? b, double deadband)
    {
        if (Equals(a, b)) return false;
        if (deadband <= 0) return true;
        return Scaling.NumberOf(a) is not { } x || Scaling.NumberOf(b) is not { } y || Math.Abs(x - y) >= deadband;
    }
}
