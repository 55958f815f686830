using System.Diagnostics;
using Microsoft.Extensions.Logging;
using OeeOrleans.Grains.Live;
using OeeOrleans.Kpi;
using OeeOrleans.Kpi.Accounting;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Kpi.Faults;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Sink;

namespace OeeOrleans.Grains.Machines;

/// <summary>One machine, live. Everything it knows can be rebuilt from stored samples; it only keeps it at hand.</summary>
internal sealed class MachineGrain(
    IStore store, ICommitSink sink, PlantDirectory plant, TimeProvider clock, ILogger<MachineGrain> log) : Grain, IMachineGrain
{
    private static readonly TimeSpan Tick = TimeSpan.FromSeconds(1);

    /// <summary>Open windows go to the store this often; the API answers from memory meanwhile.</summary>
    private static readonly TimeSpan FlushEvery = TimeSpan.FromSeconds(10);

    /// <summary>A recomputation waits until late samples stop coming, but not longer than <see cref="MaxSettle"/>.</summary>
    private static readonly TimeSpan Settle = TimeSpan.FromMilliseconds(800);
    private static readonly TimeSpan MaxSettle = TimeSpan.FromSeconds(10);

    /// <summary>So long after the last sample of the past its end is believed.</summary>
    private const long HistorySettlesUs = 5 * UnixMicros.PerSecond;

    private Machine? _machine;
    private MachineModel? _model;
    private PlantWindows? _windows;
    private MachineLedger? _ledger;
    private Task<MachineLedger>? _opening;
    private bool _connected;
    private long? _lastSeenUs;
    private (HeldState State, StateCategory Category, string? Fault, bool Connected)? _told;
    private bool _changed = true;
    private long _flushedAt;
    private long _toldAt;
    private long _lateSince;
    private long _lateAt;
    private bool _flushSoon;

    /// <summary>
    /// Samples that were shown or applied are not stored (they came to nothing, or are refused): no figure with them may be stored until
    /// all is computed anew, and that does not wait until late samples stop coming.
    /// </summary>
    private bool _takenBack;

    /// <summary>Samples that are ahead of the store: figures with them may not be stored before they are.</summary>
    private readonly AheadBook _ahead = new(clock);
    private IReadOnlyList<OeeWindow> _revised = [];

    private string Id => this.GetPrimaryKeyString();

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        _machine = plant.FindMachine(Id);
        if (_machine is null) return Task.CompletedTask;
        _model = plant.ModelOf(_machine);
        _windows = _model.Windows;
        _flushedAt = clock.GetTimestamp();
        // Interleaved: while the store is slow, calls are answered from memory.
        this.RegisterGrainTimer(
            WorkAsync, new GrainTimerCreationOptions { DueTime = Tick, Period = Tick, KeepAlive = true, Interleave = true });
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (_ledger is null || !_ahead.IsEmpty || _takenBack) return;
        try
        {
            await _ledger.FlushAsync(UnixMicros.Now(clock), cancellationToken);
        }
        catch (Exception error)
        {
            // Nothing is lost: the next activation computes the same from the samples.
            Log.MachineWorkFailed(log, Id, "the last flush", error.Message, BugOf(error));
        }
    }

    public async Task Apply(MachineBatch batch)
    {
        if (_machine is null) return;
        // Opening reads the samples of this batch too, because they are committed; applying them again has no effect.
        var ledger = await LedgerAsync();
        var wasDirty = ledger.DirtyFromUs;
        NoteAhead(ledger, batch);
        ledger.Apply(batch);
        if (batch.LacksRows) Owe(ledger, OldestUs(batch));
        if (ledger.DirtyFromUs != wasDirty || (ledger.DirtyFromUs is not null && batch.Samples.Length > 0)) NoteLate(wasDirty);
        _connected = batch.Connected;
        _lastSeenUs = Math.Max(_lastSeenUs ?? 0, batch.LastSeenUs);
        _changed = true;
        var state = ledger.Account.Latest;
        var fault = ledger.Account.Faults.LastOrDefault(f => f.EndUs is null)?.Code;
        // A change of state, fault or connection is told at once; everything else with the next tick.
        if (_told is not { } told || (told.State, told.Fault, told.Connected) != (state.Held, fault, _connected))
        {
            _flushSoon = true;
            await TryTellAsync();
        }
    }

    public async Task TakeBack(string delivery)
    {
        if (_machine is null || _ahead.TakenBack(delivery) is not { } oldestUs) return;
        Owe(await LedgerAsync(), oldestUs);
    }

    public async Task<MachineStatus?> GetStatus()
    {
        if (_machine is null) return null;
        return StatusOf((await LedgerAsync()).Account.At(UnixMicros.Now(clock)));
    }

    public async Task<OeeWindow?> GetWindow(string kind)
    {
        if (_machine is null) return null;
        var ledger = await LedgerAsync();
        var started = Stopwatch.GetTimestamp();
        var window = WindowOf(kind, ledger.Account.At(UnixMicros.Now(clock)));
        GrainMetrics.OeeCalcLatencyMs.Observe(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        return window;
    }

    public async Task<MachineTimeline?> GetTimeline()
    {
        if (_machine is null) return null;
        var view = (await LedgerAsync()).Account.At(UnixMicros.Now(clock));
        if (_windows!.Shift(view.AsOfUs) is not { } shift) return null;
        var spans = Timeline.Of(
            _ledger!.Account.Changes, _model!.Parameters, _windows.Calendar, shift.FromUs, Math.Min(shift.ToUs, view.AsOfUs));
        return new MachineTimeline
        {
            MachineId = Id, ShiftName = shift.Name, FromUs = shift.FromUs, ToUs = shift.ToUs,
            Segments = [.. spans.Select(s => new TimelineSegment(s.FromUs, s.ToUs, s.Category))],
        };
    }

    public async Task<Explanation?> Explain(long fromUs, long toUs)
    {
        if (_machine is null) return null;
        var ledger = await LedgerAsync();
        return await ledger.ExplainAsync(fromUs, toUs, UnixMicros.Now(clock), CancellationToken.None);
    }

    public async Task<LossReport?> GetLosses(long fromUs, long toUs) => (await Explain(fromUs, toUs))?.Losses;

    public async Task<ExplainedStop?> GiveReason(long stopUs, long? atUs, string? reason, string? comment, string by)
    {
        if (_machine is null) return null;
        var stop = await (await LedgerAsync()).GiveReasonAsync(
            stopUs, atUs, reason, comment, by, UnixMicros.Now(clock), CancellationToken.None);
        _changed = true;
        return stop;
    }

    private void NoteAhead(MachineLedger ledger, MachineBatch batch)
    {
        if (batch.Delivery.Length == 0) return;
        if (!batch.Ahead)
        {
            _ahead.Committed(batch.Delivery);
            return;
        }

        if (_ahead.Shown(batch.Delivery, OldestUs(batch)) is { } endedUs) Owe(ledger, endedUs);
    }

    private static long OldestUs(MachineBatch batch) => batch.Samples.Length > 0 ? batch.Samples.Min(s => s.TimeUs) : long.MaxValue;

    /// <summary>What was shown from an instant on is not stored: everything from there is computed anew from what is.</summary>
    private void Owe(MachineLedger ledger, long fromUs)
    {
        if (fromUs == long.MaxValue) return;
        var wasDirty = ledger.DirtyFromUs;
        ledger.Owe(fromUs);
        _takenBack = true;
        NoteLate(wasDirty);
        _changed = true;
    }

    private void NoteLate(long? wasDirty)
    {
        _lateAt = clock.GetTimestamp();
        if (wasDirty is null) _lateSince = _lateAt;
    }

    private static Exception? BugOf(Exception error) => error is StoreUnavailableException or OperationCanceledException ? null : error;

    /// <summary>Opened once, however many calls and ticks ask for it meanwhile; tried again after a failure.</summary>
    private async ValueTask<MachineLedger> LedgerAsync()
    {
        if (_ledger is not null) return _ledger;
        var opening = _opening ??= OpenAsync();
        try
        {
            return _ledger = await opening;
        }
        finally
        {
            if (ReferenceEquals(_opening, opening)) _opening = null;
        }
    }

    private async Task<MachineLedger> OpenAsync()
    {
        var ledger = await MachineLedger.OpenAsync(_model!, store, sink, UnixMicros.Now(clock), CancellationToken.None);
        _lastSeenUs = await store.LastSeenAsync(Id, CancellationToken.None);
        // Whether its device lives is not stored with the machine: a good state says so until a death says otherwise.
        _connected = ledger.Account.Latest.Held != HeldState.Unknown;
        if (ledger.DirtyFromUs is not null) _lateSince = _lateAt = clock.GetTimestamp();
        return ledger;
    }

    /// <summary>The window of a kind, with what must be said of it besides its sums.</summary>
    private OeeWindow? WindowOf(string kind, AccountView view)
    {
        var window = PlainWindowOf(kind, view);
        var incoming = _ledger!.DirtyFromUs is not null || view.AsOfUs - _ledger.PastIngestUs < HistorySettlesUs;
        if (window is null || !incoming) return window;
        return window with { Kpis = window.Kpis with { Flags = [.. window.Kpis.Flags, KpiFlags.HistoryIncoming] } };
    }

    private OeeWindow? PlainWindowOf(string kind, AccountView view)
    {
        if (kind == PlantWindows.RollingKind)
        {
            var fromUs = view.AsOfUs - PlantWindows.RollingUs;
            return _ledger!.Account.Span(fromUs, view.AsOfUs) is not { } span ? null : new OeeWindow
            {
                Id = Id, Kind = kind, FromUs = fromUs, ToUs = view.AsOfUs, AsOfUs = view.AsOfUs, Sums = span.Sums, Kpis = span.Kpis,
            };
        }

        PlantWindow? window = kind switch
        {
            PlantWindows.JobKind => view.State.Job is { } job ? PlantWindow.Of(job) : null,
            PlantWindows.HourKind => PlantWindows.Hour(view.AsOfUs),
            PlantWindows.DayKind => _windows!.Day(view.AsOfUs),
            PlantWindows.ShiftKind => _windows!.Shift(view.AsOfUs),
            _ => throw new ArgumentException($"window '{kind}' is unknown; shift, hour, day, rolling_5m and job are", nameof(kind)),
        };
        return window is { } known ? view.Window(Id, known) with { Revision = _ledger!.RevisionOf(known) } : null;
    }

    private MachineStatus StatusOf(AccountView view)
    {
        var state = view.State;
        var shift = WindowOf(PlantWindows.ShiftKind, view);
        var faults = _ledger!.Account.Faults;
        var fault = faults.LastOrDefault(f => f.EndUs is null);
        return new MachineStatus
        {
            MachineId = Id,
            State = state.Active,
            Category = view.CategoryIn(_windows!.Calendar),
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
            Connected = _connected,
            LastSeenUs = _lastSeenUs,
            AsOfUs = view.AsOfUs,
            Recomputing = _ledger.DirtyFromUs is not null,
            FaultFlood = FaultLog.IsFlood(faults, view.AsOfUs),
            Flags = [.. shift?.Kpis.Flags ?? []],
        };
    }

    private async Task WorkAsync(CancellationToken cancellationToken)
    {
        try
        {
            var ledger = await LedgerAsync();
            var nowUs = UnixMicros.Now(clock);
            if (_ahead.EndForgotten() is { } forgottenUs) Owe(ledger, forgottenUs);
            var settled = clock.GetElapsedTime(_lateAt) > Settle || clock.GetElapsedTime(_lateSince) > MaxSettle;
            if (_ahead.IsEmpty && (settled || _takenBack) && ledger.DirtyFromUs is { } dirty)
            {
                _revised = await RecomputeAsync(ledger, nowUs, cancellationToken);
                GrainMetrics.Recomputations.Inc();
                Log.Recomputed(log, Id, UnixMicros.ToIso(dirty), _revised.Count);
                (_changed, _flushSoon) = (true, true);
            }

            // A fault or stop that came or went can be acknowledged, explained and queried at once; figures have time.
            if (_ahead.IsEmpty && !_takenBack && (_flushSoon || clock.GetElapsedTime(_flushedAt) >= FlushEvery))
            {
                _flushSoon = false;
                _flushedAt = clock.GetTimestamp();
                await ledger.FlushAsync(nowUs, cancellationToken);
            }

            // Time alone changes shift figures; but a machine that said nothing is told of every tenth tick only.
            if (_changed || clock.GetElapsedTime(_toldAt) >= FlushEvery) await TellAsync();
        }
        catch (Exception error)
        {
            // A boundary: the tick comes again in a second, and what it could not write is computed anew.
            Log.MachineWorkFailed(log, Id, "periodic work", error.Message, BugOf(error));
        }
    }

    private async Task<IReadOnlyList<OeeWindow>> RecomputeAsync(MachineLedger ledger, long nowUs, CancellationToken cancellationToken)
    {
        var takenBack = _takenBack;
        // Set again by what is taken back meanwhile.
        _takenBack = false;
        try
        {
            return await ledger.RecomputeAsync(nowUs, cancellationToken);
        }
        catch
        {
            _takenBack |= takenBack;
            throw;
        }
    }

    /// <summary>The samples are committed and applied: that nobody could be told must not make them come again.</summary>
    private async Task TryTellAsync()
    {
        try
        {
            await TellAsync();
        }
        catch (Exception error)
        {
            _changed = true;
            Log.MachineWorkFailed(log, Id, "live push", error.Message, BugOf(error));
        }
    }

    private async Task TellAsync()
    {
        var view = _ledger!.Account.At(UnixMicros.Now(clock));
        var status = StatusOf(view);
        _told = (_ledger.Account.Latest.Held, status.Category, status.Fault, _connected);
        _changed = false;
        _toldAt = clock.GetTimestamp();
        var revised = _revised;
        _revised = [];
        await GrainFactory.GetGrain<ILineGrain>(_machine!.LineId).Tell(
            new MachineUpdate(status, WindowOf(PlantWindows.ShiftKind, view)) { Revised = [.. revised] });
    }
}
