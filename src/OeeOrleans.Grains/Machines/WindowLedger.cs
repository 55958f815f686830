using OeeOrleans.Model;

namespace OeeOrleans.Grains.Machines;

/// <summary>What is stored of a machine's recent windows, so that only what changed is written and a closed window that changes gets its next revision.</summary>
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
        // A window that was open goes on under its revision; one that was closed and says something else now is a new revision.
        var closed = stored.AsOfUs >= stored.ToUs;
        if (Same(stored, computed)) return null;
        return computed with { Revision = closed ? stored.Revision + 1 : stored.Revision };
    }

    public void Written(OeeWindow window) => _stored[(window.Kind, window.FromUs)] = window;

    public int RevisionOf(string kind, long fromUs) => _stored.TryGetValue((kind, fromUs), out var stored) ? stored.Revision : 1;

    public void ForgetBefore(long timeUs)
    {
        foreach (var key in _stored.Where(w => w.Value.ToUs < timeUs).Select(w => w.Key).ToList()) _stored.Remove(key);
    }

    /// <summary>Ideal times are stored as doubles; everything else is compared exactly.</summary>
    public static bool SameSums(in OeeSums a, in OeeSums b) =>
        a with { IdealTotalS = 0, IdealGoodS = 0 } == b with { IdealTotalS = 0, IdealGoodS = 0 }
        && Math.Abs(a.IdealTotalS - b.IdealTotalS) < 0.000001m && Math.Abs(a.IdealGoodS - b.IdealGoodS) < 0.000001m;

    private static bool Same(OeeWindow a, OeeWindow b) =>
        a.ToUs == b.ToUs && a.AsOfUs == b.AsOfUs && SameSums(a.Sums, b.Sums) && a.Kpis.Oee.HasValue == b.Kpis.Oee.HasValue;
}
