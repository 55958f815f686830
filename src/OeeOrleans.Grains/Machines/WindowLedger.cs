using OeeOrleans.Model;

namespace OeeOrleans.Grains.Machines;

/// <summary>What is stored of a machine's recent windows, so that only what changed is written, a closed window that changes gets its next
/// revision, and one that is no window any more is withdrawn.</summary>
internal sealed class WindowLedger
{
    private readonly Dictionary<(string Kind, long FromUs), OeeWindow> _stored = [];

    public void Load(IEnumerable<OeeWindow> stored)
    {
        foreach (var window in stored) _stored[(window.Kind, window.FromUs)] = window;
    }

    /// <summary>The window to write, in its revision; null when the store already says the same.</summary>
    public OeeWindow? Next(OeeWindow computed)
    {
        if (!_stored.TryGetValue((computed.Kind, computed.FromUs), out var stored)) return computed;
        if (Same(stored, computed)) return null;
        // A window that was open goes on under its revision; one that was closed and says something else now is a new revision.
        var closed = stored.AsOfUs >= stored.ToUs || stored.Withdrawn;
        return computed with { Revision = closed ? stored.Revision + 1 : stored.Revision };
    }

    /// <summary>
    /// Withdrawals of stored windows that begin in [from, to), end after <paramref name="endAfterUs"/>, and are not among
    /// <paramref name="windows"/>.
    /// </summary>
    public List<OeeWindow> Withdrawals(long fromUs, long toUs, long endAfterUs, IEnumerable<(string Kind, long FromUs)> windows)
    {
        var known = windows.ToHashSet();
        return [.. _stored.Values
            .Where(w => !w.Withdrawn && w.FromUs >= fromUs && w.FromUs < toUs && w.ToUs > endAfterUs && !known.Contains((w.Kind, w.FromUs)))
            .Select(w => w with { Revision = w.Revision + 1, Withdrawn = true })];
    }

    public void Written(OeeWindow window) => _stored[(window.Kind, window.FromUs)] = window;

    public int RevisionOf(string kind, long fromUs) => _stored.TryGetValue((kind, fromUs), out var stored) ? stored.Revision : 1;

    public void ForgetBefore(long timeUs)
    {
        // Removing does not disturb the enumeration of a dictionary.
        foreach (var (key, window) in _stored)
        {
            if (window.ToUs <= timeUs) _stored.Remove(key);
        }
    }

    /// <summary>Ideal times are stored as doubles; everything else is compared exactly.</summary>
    public static bool SameSums(in OeeSums a, in OeeSums b) =>
        a with { IdealTotalS = 0, IdealGoodS = 0 } == b with { IdealTotalS = 0, IdealGoodS = 0 }
        && Math.Abs(a.IdealTotalS - b.IdealTotalS) < 0.000001m && Math.Abs(a.IdealGoodS - b.IdealGoodS) < 0.000001m;

    private static bool Same(OeeWindow a, OeeWindow b) =>
        a.ToUs == b.ToUs
            && a.AsOfUs == b.AsOfUs
            && a.Name == b.Name
            && a.Withdrawn == b.Withdrawn
            && SameSums(a.Sums, b.Sums)
            && SameRatio(a.Kpis.Oee, b.Kpis.Oee);

    /// <summary>The same sums make another ratio when the rules changed (performance basis, unknown policy).</summary>
    private static bool SameRatio(double? a, double? b) =>
        a.HasValue == b.HasValue && (a is not { } x || b is not { } y || Math.Abs(x - y) <= 1e-9 * Math.Max(1, Math.Abs(x)));
}
