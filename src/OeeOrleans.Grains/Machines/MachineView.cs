using OeeOrleans.Kpi;
using OeeOrleans.Kpi.Accounting;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Kpi.Faults;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;

namespace OeeOrleans.Grains.Machines;

/// <summary>What is said of a machine's account: its windows and its status, with what must be said besides the figures.</summary>
internal sealed class MachineView(MachineModel model, MachineLedger ledger)
{
    /// <summary>So long after the last sample of the past its end is believed.</summary>
    private const long HistorySettlesUs = 5 * UnixMicros.PerSecond;

    private readonly PlantWindows _windows = model.Windows;

    /// <summary>The window of a kind; null when none is open.</summary>
    /// <exception cref="ArgumentException">There is no such kind.</exception>
    public OeeWindow? WindowOf(string kind, AccountView view)
    {
        var window = PlainWindowOf(kind, view);
        var incoming = ledger.DirtyFromUs is not null || view.AsOfUs - ledger.PastIngestUs < HistorySettlesUs;
        if (window is null || !incoming) return window;
        return window with { Kpis = window.Kpis with { Flags = [.. window.Kpis.Flags, KpiFlags.HistoryIncoming] } };
    }

    /// <param name="view">The account at an instant.</param>
    /// <param name="shift">The window of the shift then; null when there is none.</param>
    /// <param name="connected">Whether the machine's device is alive.</param>
    /// <param name="lastSeenUs">Newest source time of anything it said.</param>
    public MachineStatus StatusOf(AccountView view, OeeWindow? shift, bool connected, long? lastSeenUs)
    {
        var state = view.State;
        var faults = ledger.Account.Faults;
        var fault = faults.LastOrDefault(f => f.EndUs is null);
        return new MachineStatus
        {
            MachineId = model.Id,
            State = state.Active,
            Category = view.CategoryIn(_windows.Calendar),
            SinceUs = state.ActiveSinceUs,
            Fault = fault?.Code,
            FaultSinceUs = fault?.StartUs,
            FaultOccurrences = fault is null
                ? 0
                : faults.Where(f => f.Code == fault.Code && (shift is null || f.StartUs >= shift.FromUs)).Sum(f => f.Occurrences),
            Product = state.Product,
            Good = shift?.Sums.Good ?? 0,
            Reject = shift?.Sums.Reject ?? 0,
            Speed = state.RatePerHour ?? (state.CycleS > 0 ? 3600 / state.CycleS : null),
            CycleS = state.CycleS ?? (shift is { Sums: { Total: > 0, RunUs: > 0 } } ? shift.Sums.RunUs / 1e6 / shift.Sums.Total : null),
            IdealCycleS = (double?)view.IdealCycleS,
            OeeShift = shift?.Kpis.Oee,
            Quality = state.Quality,
            Connected = connected,
            LastSeenUs = lastSeenUs,
            AsOfUs = view.AsOfUs,
            Recomputing = ledger.DirtyFromUs is not null,
            FaultFlood = FaultLog.IsFlood(faults, view.AsOfUs),
            Flags = [.. shift?.Kpis.Flags ?? []],
        };
    }

    private OeeWindow? PlainWindowOf(string kind, AccountView view)
    {
        if (kind == PlantWindows.RollingKind)
        {
            var fromUs = view.AsOfUs - PlantWindows.RollingUs;
            return ledger.Account.Span(fromUs, view.AsOfUs) is not { } span ? null : new OeeWindow
            {
                Id = model.Id, Kind = kind, FromUs = fromUs, ToUs = view.AsOfUs, AsOfUs = view.AsOfUs, Sums = span.Sums, Kpis = span.Kpis,
            };
        }

        PlantWindow? window = kind switch
        {
            PlantWindows.JobKind => view.State.Job is { } job ? PlantWindow.Of(job) : null,
            PlantWindows.HourKind => PlantWindows.Hour(view.AsOfUs),
            PlantWindows.DayKind => _windows.Day(view.AsOfUs),
            PlantWindows.ShiftKind => _windows.Shift(view.AsOfUs),
            _ => throw new ArgumentException($"window '{kind}' is unknown; shift, hour, day, rolling_5m and job are", nameof(kind)),
        };
        return window is { } known ? view.Window(model.Id, known) with { Revision = ledger.RevisionOf(known) } : null;
    }
}
