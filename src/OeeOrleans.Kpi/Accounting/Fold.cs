using System.Globalization;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Kpi.Faults;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;

namespace OeeOrleans.Kpi.Accounting;

/// <summary>
/// The arithmetic of the specification as one left fold over samples in order of source time. Samples of one instant take effect
/// together: time only moves in <see cref="AdvanceTo"/>, and a change of state or fault settles when it does, so two samples of one
/// instant never make a stop of no length. A stop's time waits in its cells until the stop ends, because whether it was small is known only
/// then. </summary>
internal sealed class Fold
{
    private readonly ICalendar _calendar;
    private readonly ICellGrid _grid;
    private readonly ParameterTimeline _timeline;
    private OeeParameters _parameters;
    private long _parametersUntilUs;
    private long _microStopUs;
    private long _failureUs;
    private PlanSpan _span;
    private Cell _cell;
    private decimal? _idealS;

    public Fold(ParameterTimeline timeline, ICalendar calendar, ICellGrid grid, FoldState state, FaultLog faults)
    {
        _timeline = timeline;
        _parameters = timeline.Latest;
        _calendar = calendar;
        _grid = grid;
        State = state;
        TakeParameters();
        Faults = faults;
        if (state.Cells.Count == 0) state.Cells.Add(new Cell { FromUs = state.NowUs, ToUs = grid.Next(state.NowUs) });
        _cell = state.Cells[^1];
        _span = calendar.SpanAt(state.NowUs);
    }

    /// <summary>Told of every stretch of accounted time, if somebody listens (explanations, timelines).</summary>
    public Action<long, long, StateCategory>? Observer { get; set; }

    /// <summary>Told of every counter value that counts.</summary>
    public Action<CounterDelta>? CountObserver { get; set; }

    /// <summary>Told when a stop ends, and whether it was small.</summary>
    public Action<bool>? StopClosed { get; set; }

    public FoldState State { get; }

    public FaultLog Faults { get; }

    /// <summary>Where changes of state are noted; null where nobody draws a timeline.</summary>
    public StateHistory? History { get; init; }

    public bool IdealKnown => State.IdealReported || _parameters.KnowsAnIdealCycle;

    /// <summary>Whether the stop that is open now is small as far as is known.</summary>
    public bool OpenStopIsSmall => State.StopOpen && State.StopProductionUs < _microStopUs;

    /// <summary>The stop that is open now, as far as it lies in production time.</summary>
    public StopSpan? OpenStop =>
        State is { StopOpen: true, StopFirstUs: >= 0 } s
            ? new StopSpan(s.StopFirstUs, null, s.StopProductionUs, s.StopFault, OpenStopIsSmall)
            : null;

    /// <summary>Stops that are over and not released yet, and the one that is open.</summary>
    public IReadOnlyList<StopSpan> Stops => OpenStop is { } open ? [.. State.Stops, open] : State.Stops;

    /// <summary>Jobs that are over and not released yet, and the one under way.</summary>
    public IReadOnlyList<JobSpan> Jobs => State.Job is { } job ? [.. State.Jobs, job] : State.Jobs;

    /// <summary>A copy that may go its own way.</summary>
    public Fold Clone(ICellGrid? grid = null, StateHistory? history = null) =>
        new(_timeline, _calendar, grid ?? _grid, State.Clone(), Faults.Clone()) { History = history };

    /// <summary>Accounts for the time up to an instant. Going back is a mistake of the caller.</summary>
    public void AdvanceTo(long toUs)
    {
        var s = State;
        if (toUs <= s.NowUs) return;
        Settle();
        while (s.NowUs < toUs)
        {
            if (s.NowUs >= _span.ToUs) _span = _calendar.SpanAt(s.NowUs);
            var end = Math.Min(Math.Min(toUs, _parametersUntilUs), Math.Min(_span.ToUs, _cell.ToUs));
            Account(s.NowUs, end);
            s.NowUs = end;
            if (end == _cell.ToUs) OpenNextCell();
            if (end == _parametersUntilUs) ChangeParameters(settle: end < toUs);
        }
    }

    /// <summary>Makes the samples of this instant take effect: a new state closes or opens a stop, a new fault goes to the log.</summary>
    public void Settle()
    {
        var s = State;
        if (s.JobPending) LookAtJob();
        var fault = FaultNow();
        if (fault != s.ActiveFault)
        {
            Faults.Change(s.ActiveFault, fault, s.NowUs);
            s.ActiveFault = fault;
        }

        if (s.Held == s.Active) return;
        if (s.Active == HeldState.Stop) CloseStop();
        s.Active = s.Held;
        s.ActiveSinceUs = s.NowUs;
        s.StopOpen = s.Held == HeldState.Stop;
    }

    /// <summary>Applies a sample of the current instant (call <see cref="AdvanceTo"/> first).</summary>
    public void Apply(in MachineSample sample)
    {
        var s = State;
        // Before anything is counted at this instant: a delta belongs to the job of its own instant.
        if (s.JobPending && sample.Kind > SignalKind.OrderId) LookAtJob();
        switch (sample.Kind)
        {
            case SignalKind.StateRun or SignalKind.StateCode:
                s.Held = StateReading.Of(sample, _parameters);
                (
                    s.HeldKind, s.HeldValue, s.HeldText, s.Quality) = (
                        sample.Kind, double.IsFinite(sample.Value) ? sample.Value : 0, sample.Text, sample.Quality);
                NoteChange();
                break;
            case SignalKind.StateMode:
                s.Mode = sample.HasValue ? StateReading.TextOf(sample) : null;
                s.ModePlanned = s.Mode is not null && _parameters.PlannedStopModes.Contains(s.Mode);
                NoteChange();
                break;
            case SignalKind.FaultCode:
                s.FaultCode = sample.HasValue ? StateReading.TextOf(sample) : null;
                break;
            case SignalKind.FaultActive:
                s.FaultFlag = sample.HasValue ? sample.Value != 0 : null;
                break;
            case SignalKind.ProductCode:
                s.Product = sample.HasValue ? StateReading.TextOf(sample) : null;
                s.JobPending = true;
                SelectIdeal();
                break;
            case SignalKind.OrderId:
                s.Order = sample.HasValue ? StateReading.TextOf(sample) : null;
                s.JobPending = true;
                break;
            case SignalKind.CycleIdeal:
                s.ReportedIdealS = sample.HasValue && sample.Value > 0 && sample.Value < 1e9 ? (decimal)sample.Value : null;
                s.IdealReported |= s.ReportedIdealS is not null;
                SelectIdeal();
                break;
            case SignalKind.CycleTime:
                s.CycleS = sample.HasValue ? sample.Value : null;
                break;
            case SignalKind.Rate:
                s.RatePerHour = sample.HasValue ? sample.Value : null;
                break;
            case SignalKind.CounterGood:
                Count(sample, ref s.Good, ref _cell.Good);
                break;
            case SignalKind.CounterReject:
                Count(sample, ref s.Reject, ref _cell.Reject);
                break;
            case SignalKind.CounterTotal:
                Count(sample, ref s.Total, ref _cell.Total);
                break;
            default:
                break;
        }
    }

    /// <summary>Sums of [from, to): both must be cell boundaries or the present.</summary>
    public OeeSums Sums(long fromUs, long toUs)
    {
        var s = State;
        var small = OpenStopIsSmall;
        var times = default(OeeSums);
        var tallies = new CounterSums();
        foreach (var cell in s.Cells)
        {
            if (cell.FromUs < fromUs || cell.FromUs >= toUs) continue;
            times += cell.Times(small, s.StopFault is not null);
            tallies.Add(cell);
        }

        var sums = tallies.Combine(times, s.Good.Present, s.Reject.Present, s.Total.Present);
        // An open stop that already is a failure has started, and has not ended.
        return OpenStopIsFailure && s.StopFirstUs >= fromUs && s.StopFirstUs < toUs
            ? sums with { FailuresStarted = sums.FailuresStarted + 1 }
            : sums;
    }

    private bool OpenStopIsFailure =>
        State is { StopOpen: true, StopFault: not null, StopFirstUs: >= 0 } && State.StopProductionUs >= _failureUs;

    private void Account(long from, long to)
    {
        var s = State;
        var length = to - from;
        var stopped = s.Active == HeldState.Stop;
        if (stopped) s.StopFault ??= s.ActiveFault;
        // What a counter did while nobody knew the machine's state is a gap delta, whatever the calendar says.
        if (s.Active == HeldState.Unknown) s.UnknownUs += length;
        StateCategory category;
        if (_span.Kind == PlanKind.NotScheduled)
        {
            category = StateCategory.NotScheduled;
            _cell.NotScheduledUs += length;
        }
        else if (_span.Kind == PlanKind.PlannedStop || s.ModePlanned)
        {
            category = StateCategory.PlannedStop;
            _cell.PlannedStopUs += length;
        }
        else if (s.Active == HeldState.Unknown)
        {
            category = StateCategory.Unknown;
            _cell.UnknownUs += length;
        }
        else if (!stopped)
        {
            category = StateCategory.Run;
            _cell.RunUs += length;
        }
        else
        {
            category = StateCategory.Stop;
            _cell.PendingUs += length;
            s.StopProductionUs += length;
            if (s.StopFirstUs < 0) s.StopFirstUs = from;
            s.StopLastEndUs = to;
        }

        Observer?.Invoke(from, to, category);
    }

    private void OpenNextCell()
    {
        _cell = new Cell { FromUs = State.NowUs, ToUs = _grid.Next(State.NowUs) };
        State.Cells.Add(_cell);
    }

    /// <summary>
    /// The stop is over: its time goes where its length says, and if it was a failure it is counted where it began and where it ended.
    /// </summary>
    private void CloseStop()
    {
        var s = State;
        StopClosed?.Invoke(OpenStopIsSmall);
        if (s.StopProductionUs > 0)
        {
            var small = OpenStopIsSmall;
            var failure = OpenStopIsFailure;
            s.Stops.Add(new StopSpan(s.StopFirstUs, s.StopLastEndUs, s.StopProductionUs, s.StopFault, small));
            for (var i = s.Cells.Count - 1; i >= 0 && s.Cells[i].ToUs > s.StopFirstUs; i--)
            {
                var cell = s.Cells[i];
                if (small)
                {
                    cell.RunUs += cell.PendingUs;
                    cell.SmallStopUs += cell.PendingUs;
                }
                else
                {
                    cell.StopUs += cell.PendingUs;
                    if (s.StopFault is not null) cell.FaultStopUs += cell.PendingUs;
                }

                cell.PendingUs = 0;
                if (!failure) continue;
                if (cell.FromUs <= s.StopFirstUs) cell.FailuresStarted++;
                // from < end <= to, so the last instant before the end decides.
                if (cell.FromUs < s.StopLastEndUs && s.StopLastEndUs <= cell.ToUs)
                {
                    cell.FailuresEnded++;
                    cell.RepairUs += s.StopProductionUs;
                }
            }
        }

        s.StopProductionUs = 0;
        s.StopFirstUs = s.StopLastEndUs = -1;
        s.StopFault = null;
        s.StopOpen = false;
    }

    /// <summary>A job ends where a known order or product follows another; a bad sample says nothing about it.</summary>
    private void LookAtJob()
    {
        var s = State;
        s.JobPending = false;
        var (order, product) = (s.Order ?? s.JobOrder, s.Product ?? s.JobProduct);
        if (order == s.JobOrder && product == s.JobProduct) return;
        if (s.Job is { } job && s.NowUs > job.FromUs) s.Jobs.Add(job with { ToUs = s.NowUs });
        (s.JobOrder, s.JobProduct) = (order, product);
        s.JobFromUs = string.IsNullOrEmpty(order) && string.IsNullOrEmpty(product) ? -1 : s.NowUs;
        if (_cell.FromUs == s.NowUs) return;
        _cell.ToUs = s.NowUs;
        OpenNextCell();
    }

    private void TakeParameters()
    {
        _parameters = _timeline.At(State.NowUs);
        _parametersUntilUs = _timeline.NextChange(State.NowUs);
        _microStopUs = UnixMicros.FromSeconds(_parameters.MicroStopS);
        _failureUs = Math.Max(_microStopUs, UnixMicros.FromSeconds(_parameters.FailureMinS));
        SelectIdeal();
    }

    /// <summary>
    /// The plant model says something else from this instant on: what is held is read anew. A stop under way is judged by the parameters in
    /// force when it ends.
    /// </summary>
    private void ChangeParameters(bool settle)
    {
        TakeParameters();
        var s = State;
        if (s.HeldKind != SignalKind.Other)
        {
            s.Held = StateReading.Of(new MachineSample(s.HeldKind, s.NowUs, s.HeldValue, s.HeldText, s.Quality), _parameters);
        }

        s.ModePlanned = s.Mode is not null && _parameters.PlannedStopModes.Contains(s.Mode);
        NoteChange();
        if (settle) Settle();
    }

    private void Count(in MachineSample sample, ref CounterPosition position, ref CounterTally tally)
    {
        if (!sample.HasValue || !TryCounterValue(sample, out var value)) return;
        var baseline = !position.Present;
        var previous = position.Value;
        var delta = position.Next(value, _parameters.CounterModulus, _parameters.CounterMaxDelta, out var step);
        var gap = !baseline && position.UnknownUs != State.UnknownUs;
        position.UnknownUs = State.UnknownUs;
        if (step == CounterStep.Jump) tally.Jumps++;
        CountObserver?.Invoke(
            new CounterDelta(sample.TimeUs, sample.Kind, previous, value, delta, step, gap, gap ? null : _idealS, State.Product));
        if (delta == 0) return;
        tally.Delta += delta;
        if (gap) tally.Gap += delta;
        else if (_idealS is { } ideal) tally.IdealS += ideal * delta;
        else tally.NoIdeal += delta;
    }

    private static bool TryCounterValue(in MachineSample sample, out long value)
    {
        // A counter beyond 2^53 travels as text, in full.
        if (sample.Text is { } text && long.TryParse(text, NumberStyles.Integer, CultureInfo.InvariantCulture, out value)) return true;
        value = 0;
        if (!double.IsFinite(sample.Value) || Math.Abs(sample.Value) > 9.2e18) return false;
        value = (long)Math.Round(sample.Value);
        return true;
    }

    private void SelectIdeal() => _idealS = State.ReportedIdealS ?? _parameters.IdealCycleOf(State.Product);

    private string? FaultNow()
    {
        var s = State;
        var code = s.FaultCode is null or "" or "0" ? null : s.FaultCode;
        if (s.FaultFlag == false) return null;
        return code ?? (s.FaultFlag == true ? "active" : null);
    }

    private void NoteChange()
    {
        History?.Note(new StateChange(State.NowUs, State.Held, State.ModePlanned));
    }
}
