using OeeOrleans.Kpi;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Kpi.Plant;

/// <summary>Everything OEE needs to know of a machine, over time.</summary>
/// <param name="Machine">The machine as the plant model has it now.</param>
/// <param name="Parameters">Its OEE parameters over time.</param>
/// <param name="Windows">Its windows, by its calendars over time.</param>
/// <param name="Reasons">Why it may stand.</param>
/// <param name="Stamps">When parameters or calendar changed, and a fingerprint of what they were from then on.</param>
public sealed record MachineModel(
    Machine Machine, ParameterTimeline Parameters, PlantWindows Windows, ReasonBook Reasons, IReadOnlyList<ModelStamp> Stamps)
{
    public string Id => Machine.Id;

    /// <summary>Limits of its signals and figures.</summary>
    public IReadOnlyList<Threshold> Thresholds { get; init; } = [];

    /// <summary>From when on two histories of the model differ; null when they say the same.</summary>
    public static long? DifferFrom(IReadOnlyList<ModelStamp> a, IReadOnlyList<ModelStamp> b)
    {
        foreach (var time in a.Concat(b).Select(s => s.FromUs).Distinct().Order())
        {
            if (At(a, time) != At(b, time)) return time;
        }

        return null;
    }

    private static string? At(IReadOnlyList<ModelStamp> stamps, long timeUs) => stamps.LastOrDefault(s => s.FromUs <= timeUs)?.Fingerprint;
}

/// <summary>A fingerprint of the model from an instant on.</summary>
public sealed record ModelStamp(long FromUs, string Fingerprint);
