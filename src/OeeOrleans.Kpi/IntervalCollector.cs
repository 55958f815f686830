using OeeOrleans.Model;

namespace OeeOrleans.Kpi;

/// <summary>Gathers categories into maximal intervals. A stop becomes small or not when it ends, so the pieces of a stop wait for
/// each other; breaks inside a stop do not end it, only another state does.</summary>
internal sealed class IntervalCollector(long fromUs, long toUs)
{
    private readonly List<CategorySpan> _spans = [];
    private readonly List<int> _open = [];

    public void Add(long from, long to, StateCategory category)
    {
        from = Math.Max(from, fromUs);
        to = Math.Min(to, toUs);
        if (to <= from) return;
        // Two stops can touch when a break hid the run between them: only pieces of the same stop are joined.
        if (_spans.Count > 0
            && _spans[^1] is var last
            && last.ToUs == from
            && last.Category == category
            && (category != StateCategory.Stop || _open.Count > 0))
        {
            _spans[^1] = last with { ToUs = to };
            return;
        }

        _spans.Add(new CategorySpan(from, to, category));
        if (category == StateCategory.Stop) _open.Add(_spans.Count - 1);
    }

    /// <summary>The stop whose pieces were added last is over, or this is all that is known of it.</summary>
    public void CloseStop(bool small)
    {
        if (small)
        {
            foreach (var i in _open) _spans[i] = _spans[i] with { Category = StateCategory.SmallStop };
        }

        _open.Clear();
    }

    public IReadOnlyList<CategorySpan> Spans => _spans;
}
