using OeeOrleans.Kpi.Accounting;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Kpi;

/// <summary>The strip of a machine: categories over time from the changes of its state alone.</summary>
public static class Timeline
{
    public static IReadOnlyList<CategorySpan> Of(
        IReadOnlyList<StateChange> changes, ParameterTimeline parameters, ICalendar calendar, long fromUs, long toUs)
    {
        const string Planned = "planned";
        var samples = new List<MachineSample>(changes.Count * 2);
        foreach (var change in changes)
        {
            samples.Add(
                new MachineSample(SignalKind.StateMode, change.TimeUs, double.NaN, change.ModePlanned ? Planned : "", Quality.Good));
            var (run, quality) = change.State switch
            {
                HeldState.Run => (1.0, Quality.Good),
                HeldState.Stop => (0.0, Quality.Good),
                _ => (double.NaN, Quality.Bad),
            };
            samples.Add(new MachineSample(SignalKind.StateRun, change.TimeUs, run, null, quality));
        }

        var rules = new OeeParameters { MicroStopS = parameters.Latest.MicroStopS, PlannedStopModes = new HashSet<string> { Planned } };
        return KpiBatch.Evaluate("", rules, calendar, samples, [new WindowSpan(fromUs, toUs)], toUs, intervals: true).Intervals;
    }
}
