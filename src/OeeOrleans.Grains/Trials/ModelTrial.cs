using OeeOrleans.Grains.Machines;
using OeeOrleans.Kpi;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Storage;

namespace OeeOrleans.Grains.Trials;

/// <summary>What a machine's stored samples say under a model.</summary>
/// <param name="Whole">All of the span.</param>
/// <param name="Shifts">Each shift that begins in the span, by the model's calendar; the last one may be under way.</param>
/// <param name="Losses">Lost time of the span by reason.</param>
public sealed record TrialFigures(OeeWindow Whole, IReadOnlyList<OeeWindow> Shifts, LossReport Losses);

/// <summary>
/// The figures that a model would have given, computed by the batch engine from stored samples; nothing is written. Memory is bounded by a
/// piece of the samples, as everywhere where history is read.
/// </summary>
public static class ModelTrial
{
    /// <param name="store">With the machine's samples.</param>
    /// <param name="model">The model to try, over time.</param>
    /// <param name="fromUs">Where the span begins.</param>
    /// <param name="toUs">Where it ends, which is also as of when things are known.</param>
    public static async Task<TrialFigures> ComputeAsync(
        IStore store, MachineModel model, long fromUs, long toUs, CancellationToken cancellationToken)
    {
        var shifts = model.Windows.Overlapping(fromUs, toUs).Where(w => w.Kind == PlantWindows.ShiftKind && w.FromUs >= fromUs).ToList();
        var history = new MachineHistory(store, model);
        var start = await history.StartAsync(fromUs, cancellationToken);
        var run = new KpiRun(
            model.Id, model.Parameters, model.Windows.Calendar,
            [new WindowSpan(fromUs, toUs), .. shifts.Select(s => new WindowSpan(s.FromUs, Math.Min(s.ToUs, toUs)))], start.StartUs - 1);
        await foreach (var piece in history.ReadAsync(start, toUs, cancellationToken))
        {
            foreach (var sample in piece)
            {
                if (sample.TimeUs <= toUs) run.Apply(sample);
            }
        }

        var result = run.Finish(toUs).Windows;
        var whole = new PlantWindow("span", "", fromUs, toUs);
        var explanation = await history.ExplainAsync(fromUs, toUs, toUs, cancellationToken);
        return new TrialFigures(
            Of(whole, result[0]), [.. shifts.Zip(result.Skip(1), Of)], explanation.Losses);

        OeeWindow Of(PlantWindow window, WindowResult figures) => new()
        {
            Id = model.Id, Kind = window.Kind, Name = window.Name, FromUs = window.FromUs, ToUs = window.ToUs, AsOfUs = toUs,
            Sums = figures.Sums, Kpis = figures.Kpis,
        };
    }
}
