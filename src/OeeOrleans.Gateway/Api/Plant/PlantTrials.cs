using OeeOrleans.Access.Grants;
using OeeOrleans.Configuration;
using OeeOrleans.Configuration.Document;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Grains.Trials;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Storage;

namespace OeeOrleans.Gateway.Api.Plant;

/// <summary>Tries changes against what was. One trial at a time, within a time: it reads days of samples.</summary>
internal sealed class PlantTrials(IStore store, TimeProvider clock) : IDisposable
{
    private const int MaxMachines = 20;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    /// <summary>How long a trial waits for the one before it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly SemaphoreSlim _one = new(1);

    /// <param name="plant">The configuration.</param>
    /// <param name="before">The plant as it is.</param>
    /// <param name="edits">What would be made another.</param>
    /// <param name="caller">Who asks; sees the machines that it administers.</param>
    /// <param name="fromUs">From when on the changes would have held.</param>
    /// <param name="toUs">Until when; now.</param>
    /// <param name="only">One machine; null: all that are changed, at most <see cref="MaxMachines"/>.</param>
    /// <exception cref="TimeoutException">Another trial takes long.</exception>
    public async Task<TrialDocument> RunAsync(
        PlantConfiguration plant, PlantState before, IReadOnlyList<(PlantEdit Edit, string? Tag)> edits, Caller caller, long fromUs,
        long toUs, string? only, CancellationToken cancellationToken)
    {
        // What says a time of its own is tried from then on, as it would be made.
        var (document, times) = plant.Edited(
            before, [.. edits.Select(e => e.Edit)], new Dictionary<(PlantPart, string), string>(), fromUs);
        var models = ModelHistory.Change(before.Models, before.Plant, document.Read(), times, toUs);
        var was = new PlantIndex(before.Plant, before.Models, before.Revision.Revision);
        var would = new PlantIndex(document.Read(), models, before.Revision.Revision + 1, was);
        var changed = would.Plant.Machines
            .Where(m => was.FindMachine(m.Id) is not null && !ReferenceEquals(was.FindModel(m.Id), would.FindModel(m.Id)))
            .Select(m => m.Id)
            .Where(m => caller.Scope.Allows(Permission.Administer, m) && (only is null || m == only))
            .ToList();
        if (!await _one.WaitAsync(Patience, cancellationToken))
        {
            throw new TimeoutException("another trial takes long; ask again in a while");
        }

        try
        {
            var started = clock.GetTimestamp();
            var tried = new List<MachineTrialDocument>();
            foreach (var id in changed.Take(MaxMachines))
            {
                if (clock.GetElapsedTime(started) > Limit) break;
                var now = await ModelTrial.ComputeAsync(store, was.FindModel(id)!, fromUs, toUs, cancellationToken);
                var then = await ModelTrial.ComputeAsync(store, would.FindModel(id)!, fromUs, toUs, cancellationToken);
                tried.Add(MachineTrialDocument.Of(id, now, then));
            }

            return new TrialDocument(
                UnixMicros.ToDateTimeOffset(fromUs), UnixMicros.ToDateTimeOffset(toUs), tried, [.. changed.Skip(tried.Count)],
                clock.GetElapsedTime(started).TotalSeconds);
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();
}

/// <summary>What [from, to) would have read: machines that were tried, and those there was no time or room for.</summary>
internal sealed record TrialDocument(
    DateTimeOffset From, DateTimeOffset To, IReadOnlyList<MachineTrialDocument> Machines, IReadOnlyList<string> NotTried, double TookS);

/// <summary>A machine as it read and as it would have; of shifts that only one of the two calendars has the other side is null.</summary>
internal sealed record MachineTrialDocument(
    string MachineId, SidesDocument<KpiDocument> Whole, IReadOnlyList<SidesDocument<KpiDocument>> Shifts,
    IReadOnlyList<SidesDocument<LossItemDocument>> Losses)
{
    public static MachineTrialDocument Of(string id, TrialFigures before, TrialFigures after)
    {
        var shifts = before.Shifts.Concat(after.Shifts).Select(s => (s.FromUs, s.ToUs, s.Name)).Distinct().Order();
        var losses = after.Losses.Items.Concat(before.Losses.Items).Select(i => (i.Kind, i.Reason)).Distinct();
        KpiDocument? Shift(TrialFigures side, (long FromUs, long ToUs, string Name) key) =>
            side.Shifts.FirstOrDefault(s => (s.FromUs, s.ToUs, s.Name) == key) is { } found ? KpiDocument.Of("machine", found) : null;
        LossItemDocument? Loss(TrialFigures side, (Kpi.LossItemKind Kind, string? Reason) key) =>
            side.Losses.Items.FirstOrDefault(i => (i.Kind, i.Reason) == key) is { } found ? LossItemDocument.Of(found) : null;
        return new MachineTrialDocument(
            id, new(KpiDocument.Of("machine", before.Whole), KpiDocument.Of("machine", after.Whole)),
            [.. shifts.Select(s => new SidesDocument<KpiDocument>(Shift(before, s), Shift(after, s)))],
            [.. losses.Select(l => new SidesDocument<LossItemDocument>(Loss(before, l), Loss(after, l)))]);
    }
}

/// <summary>The same as it is and as it would be.</summary>
internal sealed record SidesDocument<T>(T? Before, T? After)
    where T : class;
