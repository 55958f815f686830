using OeeOrleans.Kpi;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Storage;

namespace OeeOrleans.Grains.Machines;

/// <summary>A stored window that is not what its samples say.</summary>
public sealed record AuditDifference(OeeWindow Computed, OeeWindow Stored);

/// <summary>What an audit compared.</summary>
public sealed record AuditReport(IReadOnlyList<OeeWindow> Windows, IReadOnlyList<AuditDifference> Differences);

/// <summary>
/// The audit of the system by itself: windows recomputed from stored samples by the batch engine, against the windows the live engine
/// stored.
/// </summary>
public static class StoreAudit
{
    /// <summary>
    /// Compares every window of the machine that is stored as closed and lies in [from, to), as of <paramref name="nowUs"/>.
    /// </summary>
    public static async Task<AuditReport> RunAsync(
        IStore store, MachineModel model, long fromUs, long toUs, long nowUs, CancellationToken cancellationToken)
    {
        var stored = new List<OeeWindow>();
        foreach (var kind in OeeWindow.StoredKinds)
        {
            var ofKind = await store.ReadWindowsAsync([model.Id], kind, fromUs, toUs, cancellationToken);
            stored.AddRange(ofKind.Where(w => w.ToUs <= toUs && w.AsOfUs >= w.ToUs));
        }

        if (stored.Count == 0) return new AuditReport([], []);
        var history = new MachineHistory(store, model);
        var start = await history.StartAsync(stored.Min(w => w.FromUs), cancellationToken);
        var run = new KpiRun(
            model.Id, model.Parameters, model.Windows.Calendar, [.. stored.Select(w => new WindowSpan(w.FromUs, w.ToUs))],
            start.StartUs - 1);
        await foreach (var piece in history.ReadAsync(start, nowUs, cancellationToken))
        {
            foreach (var sample in piece)
            {
                if (sample.TimeUs <= nowUs) run.Apply(sample);
            }
        }

        var result = run.Finish(nowUs);
        var computed = stored.Zip(result.Windows, (w, r) => w with { Sums = r.Sums, Kpis = r.Kpis }).ToList();
        return new AuditReport(
            computed,
            [
                .. computed.Zip(stored, (c, s) => new AuditDifference(c, s)).Where(
                    d => !WindowLedger.SameSums(d.Computed.Sums, d.Stored.Sums)),
            ]);
    }
}
