using OeeOrleans.Kpi.Accounting;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Kpi;

/// <summary>An account advanced to an instant: a private copy that may be asked for the sums of any of the plant's windows.</summary>
public sealed class AccountView
{
    private readonly Fold _fold;
    private readonly ParameterTimeline _parameters;

    internal AccountView(Fold fold, ParameterTimeline parameters)
    {
        _fold = fold;
        _parameters = parameters;
    }

    public long AsOfUs => _fold.State.NowUs;

    public FoldState State => _fold.State;

    public bool IdealKnown => _fold.IdealKnown;

    /// <summary>The category of this instant, the one an operator sees: an open stop below the threshold is a small stop.</summary>
    public StateCategory CategoryIn(ICalendar calendar)
    {
        var kind = calendar.SpanAt(AsOfUs).Kind;
        if (kind == PlanKind.NotScheduled) return StateCategory.NotScheduled;
        if (kind == PlanKind.PlannedStop || State.ModePlanned) return StateCategory.PlannedStop;
        return State.Active switch
        {
            HeldState.Run => StateCategory.Run,
            HeldState.Stop => _fold.OpenStopIsSmall ? StateCategory.SmallStop : StateCategory.Stop,
            _ => StateCategory.Unknown,
        };
    }

    /// <summary>The ideal cycle in force, seconds; null when unknown.</summary>
    public decimal? IdealCycleS => State.ReportedIdealS ?? _parameters.At(AsOfUs).IdealCycleOf(State.Product);

    /// <summary>Stops that are over and not released yet, and the one that is open.</summary>
    public IReadOnlyList<StopSpan> Stops => _fold.Stops;

    /// <summary>Jobs that are over and not released yet, and the one under way.</summary>
    public IEnumerable<PlantWindow> Jobs => _fold.Jobs.Select(j => PlantWindow.Of(j));

    /// <summary>Sums of a window up to the present.</summary>
    public OeeSums Sums(PlantWindow window) => _fold.Sums(window.FromUs, Math.Min(window.ToUs, Math.Max(window.FromUs, AsOfUs)));

    public OeeWindow Window(string id, PlantWindow window)
    {
        var sums = Sums(window);
        return new OeeWindow
        {
            Id = id,
            Kind = window.Kind,
            Name = window.Name,
            FromUs = window.FromUs,
            ToUs = window.ToUs,
            AsOfUs = Math.Min(window.ToUs, AsOfUs),
            Sums = sums,
            Kpis = Ratios.Of(sums, _parameters.At(Math.Max(window.FromUs, Math.Min(window.ToUs, AsOfUs) - 1)), IdealKnown),
        };
    }
}
