using System.Collections.Concurrent;
using OeeOrleans.Gateway.Api;
using OeeOrleans.Kpi;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage;

namespace OeeOrleans.Gateway.GraphQl;

/// <summary>What a query reads of many machines at once: one statement each, however many machines. Of one request.</summary>
internal sealed class PlantLoads
{
    /// <summary>The longest window that is open now began within this.</summary>
    private const long OpenUs = 26 * UnixMicros.PerHour;

    /// <summary>An order may take weeks.</summary>
    private const long OpenJobUs = 31 * UnixMicros.PerDay;

    private readonly ConcurrentDictionary<(string Kind, long FromUs, long ToUs), BatchLoader<string, List<OeeWindow>>> _windows = new();
    private readonly IStore _store;

    /// <summary>Of one instant, so that all machines of a query share a statement.</summary>
    private readonly long _nowUs;

    public PlantLoads(IStore store, PlantDirectory plant, TimeProvider clock)
    {
        (_store, _nowUs) = (store, UnixMicros.Now(clock));
        ActiveFaults = new BatchLoader<string, List<FaultDocument>>(async (machines, cancellationToken) =>
        {
            var faults = await store.ReadActiveFaultsAsync(machines, cancellationToken);
            return faults.GroupBy(f => f.Machine).ToDictionary(g => g.Key, g => g.Select(f => FaultDocument.Of(f, plant)).ToList());
        });
    }

    /// <summary>The instant of the question.</summary>
    public long NowUs => _nowUs;

    /// <summary>Faults of machines that have not ended.</summary>
    public BatchLoader<string, List<FaultDocument>> ActiveFaults { get; }

    /// <summary>Stored windows of machines, or of lines, that begin in [from, to).</summary>
    public BatchLoader<string, List<OeeWindow>> Windows(string kind, long fromUs, long toUs) => _windows.GetOrAdd(
        (kind, fromUs, toUs), key => new BatchLoader<string, List<OeeWindow>>(async (machines, cancellationToken) =>
        {
            var windows = await _store.ReadWindowsAsync(machines, key.Kind, key.FromUs, key.ToUs, cancellationToken);
            return windows.GroupBy(w => w.Id).ToDictionary(g => g.Key, g => g.ToList());
        }));

    /// <summary>Windows that may be open now.</summary>
    public BatchLoader<string, List<OeeWindow>> Recent(string kind) =>
        Windows(kind, _nowUs - (kind == PlantWindows.JobKind ? OpenJobUs : OpenUs), _nowUs + 1);

    /// <summary>The one that is open now; null: there is none.</summary>
    public OeeWindow? Open(IEnumerable<OeeWindow>? windows) => windows?.LastOrDefault(w => w.FromUs <= _nowUs && _nowUs < w.ToUs);

    /// <summary>A line's window of its machines' open ones.</summary>
    public OeeWindow? Open(Line line, IEnumerable<List<OeeWindow>?> machines)
    {
        var open = machines.Select(Open).OfType<OeeWindow>().ToList();
        if (open.Count == 0) return null;
        // At a change of windows some machines are in the new one before the others.
        var newest = open.Max(w => w.FromUs);
        return LineMerge.Merge(line, [.. open.Where(w => w.FromUs == newest)]);
    }
}
