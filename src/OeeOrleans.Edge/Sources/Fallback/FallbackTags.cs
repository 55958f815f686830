using OeeOrleans.Sparkplug;

namespace OeeOrleans.Edge.Sources.Fallback;

/// <summary>
/// The tags of two sources as one, by their metrics: in the order of the first, in published units, and the one that says who speaks.
/// </summary>
internal sealed class FallbackTags(ISource first, ISource second, EdgeSource firstSettings, EdgeSource secondSettings)
{
    /// <summary>By tag: its index in the second source; -1 where that has none.</summary>
    private int[] _toSecond = [];

    /// <summary>By tag of the second source.</summary>
    private int[] _fromSecond = [];

    public IReadOnlyList<SourceTag> All { get; private set; } = [];

    /// <summary>Of the tag that says who speaks: behind all others.</summary>
    public int ActiveTag => All.Count - 1;

    public bool HasSecond(int tag) => _toSecond[tag] >= 0;

    /// <summary>There are tags that the second does not have.</summary>
    public bool HasOnlyFirst => Array.Exists(_toSecond, i => i < 0);

    /// <summary>A tag of the second that the first has too.</summary>
    public bool KnowsSecond(int tag) => _fromSecond[tag] >= 0;

    /// <summary>The types may be others than before.</summary>
    public void Describe()
    {
        _toSecond = [.. first.Tags.Select(t => IndexOf(second.Tags, t.Tag.Metric))];
        _fromSecond = [.. second.Tags.Select(t => IndexOf(first.Tags, t.Tag.Metric))];
        All =
        [
            .. first.Tags.Select(Merged),
            new SourceTag(firstSettings.Device, new EdgeTag("", FallbackSource.ActiveMetric), SparkplugDataType.String),
        ];
    }

    /// <summary>Its index in the first or the second source; -1 where that has none.</summary>
    public int IndexAt(int tag, bool second)
    {
        if (tag == ActiveTag) return -1;
        return second ? _toSecond[tag] : tag;
    }

    /// <summary>A value of the first source as published.</summary>
    public SourceValue OfFirst(in SourceValue raw) => Published(raw, raw.Tag, first.Tags[raw.Tag].Tag);

    /// <summary>A value of the second source as published, under the index of the first.</summary>
    public SourceValue OfSecond(in SourceValue raw) => Published(raw, _fromSecond[raw.Tag], second.Tags[raw.Tag].Tag);

    public object? ToPublished(int tag, EdgeTag its, object? raw) => Scaling.Fit(Scaling.Published(its, raw), All[tag].Type);

    private static int IndexOf(IReadOnlyList<SourceTag> tags, string metric)
    {
        for (var i = 0; i < tags.Count; i++)
        {
            if (tags[i].Tag.Metric == metric) return i;
        }

        return -1;
    }

    /// <summary>What is none of the published type is bad, and never made up.</summary>
    private SourceValue Published(in SourceValue raw, int tag, EdgeTag its)
    {
        var value = ToPublished(tag, its, raw.Value);
        return raw with { Tag = tag, Value = value, Quality = value is null && raw.Value is not null ? 0 : raw.Quality };
    }

    private SourceTag Merged(SourceTag mine, int index)
    {
        var its = _toSecond[index] >= 0 ? second.Tags[_toSecond[index]] : mine;
        // Whoever speaks keeps to his own intervals: the loop must come as often as the faster one needs it.
        var interval = Math.Min(firstSettings.IntervalOf(mine.Tag), (its == mine ? firstSettings : secondSettings).IntervalOf(its.Tag));
        var type = TypeOf(Scaling.TypeOf(mine.Tag, mine.Type), Scaling.TypeOf(its.Tag, its.Type));
        return new SourceTag(firstSettings.Device, mine.Tag with { IntervalMs = interval, Scale = 1, Offset = 0 }, type);
    }

    /// <summary>Of two: that of the first, or the one that both can be told in.</summary>
    private static SparkplugDataType TypeOf(SparkplugDataType first, SparkplugDataType second)
    {
        if (first == SparkplugDataType.Unknown) return second;
        var isMixed = first != second && (IsReal(first) || IsReal(second)) && IsNumber(first) && IsNumber(second);
        return isMixed ? SparkplugDataType.Double : first;
    }

    private static bool IsReal(SparkplugDataType type) => type is SparkplugDataType.Float or SparkplugDataType.Double;

    private static bool IsNumber(SparkplugDataType type) => IsReal(type) || type is SparkplugDataType.Int64 or SparkplugDataType.UInt64;
}
