namespace OeeOrleans.Edge.Sources;

/// <summary>From raw values to published ones: scale, offset, deadband, report by exception (tck-id-principles-rbe-recommended).</summary>
internal sealed class TagFilter(IReadOnlyList<SourceTag> tags)
{
    private readonly SourceValue?[] _last = new SourceValue?[tags.Count];

    /// <summary>The value as published; null when it says nothing new.</summary>
    public SourceValue? Take(in SourceValue raw)
    {
        var tag = tags[raw.Tag].Tag;
        var value = raw;
        if (tag.Scale != 1 || tag.Offset != 0)
        {
            double? number = raw.Value switch { long whole => whole, double real => real, _ => null };
            if (number is { } known) value = raw with { Value = (known * tag.Scale) + tag.Offset };
        }

        if (_last[raw.Tag] is { } last && last.Quality == value.Quality && !Differs(last.Value, value.Value, tag.Deadband)) return null;
        _last[raw.Tag] = value;
        return value;
    }

    /// <summary>What is shown now, for births.</summary>
    public IEnumerable<SourceValue> Shown() => _last.OfType<SourceValue>();

    private static bool Differs(object? a, object? b, double deadband)
    {
        if (Equals(a, b)) return false;
        if (deadband <= 0) return true;
        double? x = a switch { long whole => whole, double real => real, _ => null }, y = b switch { long whole => whole, double real => real, _ => null };
        return x is null || y is null || Math.Abs(x.Value - y.Value) >= deadband;
    }
}
