using System.Diagnostics;
using Microsoft.Extensions.Logging;
using OeeOrleans.Grains.Live;
using OeeOrleans.Kpi;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Sink;
using Orleans.Placement;

namespace OeeOrleans.Grains.Machines;

/// <summary>
/// One machine, live. Everything it knows can be rebuilt from stored samples; it only keeps it at hand. It comes to life when it says
/// something or is asked, in its turn (<see cref="MachineAdmission"/>); what is committed meanwhile it finds in the store. It lives where
/// its edge node does, and so does its line: on the silo that owns the node's partition.
/// </summary>
[PreferLocalPlacement]
internal sealed class MachineGrain : Grain, IMachineGrain
{
    /// <summary>What was said no longer ago is of the present.</summary>
    private const long PresentUs = 3 * UnixMicros.PerSecond;

    /// <summary>Of a machine that said something since, the store need not be asked when that was.</summary>
    private const long LatelyUs = UnixMicros.PerMinute;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly MachineServices _services;
    private readonly TimeProvider _clock;
    private readonly ILogger<MachineGrain> _log;
    private readonly MachineWork _work;

    /// <summary>Samples that are ahead of the store: figures with them may not be stored before they are.</summary>
    private readonly AheadBook _ahead;
    private readonly MachineOpening _opening;
    private Machine? _machine;
    private MachineModel? _model;
    private MachineLedger? _ledger;
    private MachineView? _view;
    private ILineGrain? _line;
    private long? _retiredUs;
    private ThresholdBook? _limits;
    private bool _working;
    private bool _connected;
    private long? _lastSeenUs;
    private (HeldState State, StateCategory Category, string? Fault, bool Connected, PassedLimit[] Limits)? _told;
    private IReadOnlyList<OeeWindow> _revised = [];

    public MachineGrain(MachineServices services, TimeProvider clock, ILogger<MachineGrain> log)
    {
        (_services, _clock, _log) = (services, clock, log);
        _ahead = new AheadBook(clock);
        _work = new MachineWork(clock, services.Pace);
        _opening = new MachineOpening(services.Admission, OpenAsync, Opened, NotOpened);
    }

    private string Id => this.GetPrimaryKeyString();

    /// <summary>For a machine that is no more the time stands still.</summary>
    private long NowUs => Math.Min(UnixMicros.Now(_clock), _retiredUs ?? long.MaxValue);

    public override Task OnActivateAsync(CancellationToken cancellationToken)
    {
        // Of one that is no more, what it did can still be asked for.
        _model = _services.Plant.Now.FindModel(Id);
        _machine = _model?.Machine;
        _retiredUs = _services.Plant.Now.RetiredAt(Id);
        if (_machine is null) return Task.CompletedTask;
        // Interleaved: while the store is slow, calls are answered from memory. It fires when there is something to do, and not before.
        _work.Timer = this.RegisterGrainTimer(
            WorkAsync,
            new GrainTimerCreationOptions
            {
                DueTime = Timeout.InfiniteTimeSpan, Period = Timeout.InfiniteTimeSpan, KeepAlive = true, Interleave = true,
            });
        return Task.CompletedTask;
    }

    public override async Task OnDeactivateAsync(DeactivationReason reason, CancellationToken cancellationToken)
    {
        if (_ledger is null) return;
        _services.Pace.FellAsleep();
        try
        {
            // They are of committed values; of limits that are no more nobody else will end the events.
            _limits?.EndOthers(_services.Plant.Now.FindModel(Id)?.Thresholds ?? [], NowUs);
            await WriteEventsAsync(cancellationToken);
            if (!_ahead.IsEmpty || _work.TakenBack) return;
            await _ledger.FlushAsync(NowUs, StatusJson, cancellationToken);
        }
        catch (Exception error)
        {
            // Nothing is lost: the next activation computes the same from the samples.
            Log.MachineWorkFailed(_log, Id, "the last flush", error.Message, BugOf(error));
        }
    }

    public Task Wake()
    {
        if (LeaveWhenReplaced()) return Task.CompletedTask;
        if (_machine is not null) _opening.Begin(Urgency.Looked);
        return Task.CompletedTask;
    }

    public Task Reread()
    {
        // Its next life sees by their ingest what it does not have.
        DeactivateOnIdle();
        return Task.CompletedTask;
    }

    public async Task Apply(MachineBatch batch)
    {
        // What is committed its next life finds in the store.
        LeaveWhenReplaced();
        if (_machine is null) return;
        if (_ledger is not { } ledger)
        {
            // What is committed is read from the store; what is not can only be shown by a machine that lives.
            if (!batch.Ahead) _opening.Hear(batch);
            return;
        }

        Take(ledger, batch);
        var state = ledger.Account.Latest;
        var fault = ledger.Account.Faults.LastOrDefault(f => f.EndUs is null)?.Code;
        // A change of state, fault, limits or connection is told at once; everything else in its time.
        if (_told is not { } told || (told.State, told.Fault, told.Connected, told.Limits) != (state.Held, fault, _connected, Passed))
        {
            _work.FlushSoon();
            await TryTellAsync();
        }

        _work.Arm(UrgentReason(ledger));
    }

    public Task TakeBack(string delivery)
    {
        // A machine that is not open was shown nothing.
        if (_ledger is not { } ledger || _ahead.TakenBack(delivery) is not { } oldestUs) return Task.CompletedTask;
        Owe(ledger, oldestUs);
        _work.Arm(UrgentReason(ledger));
        return Task.CompletedTask;
    }

    public async Task<MachineStatus?> GetStatus()
    {
        LeaveWhenReplaced();
        if (_machine is null) return null;
        var ledger = await LedgerAsync();
        return StatusAt(ledger.Account.At(NowUs)).Status;
    }

    public async Task<OeeWindow?> GetWindow(string kind)
    {
        if (_machine is null) return null;
        var ledger = await LedgerAsync();
        var started = Stopwatch.GetTimestamp();
        var window = _view!.WindowOf(kind, ledger.Account.At(NowUs));
        GrainMetrics.OeeCalcLatencyMs.Observe(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
        return window;
    }

    public async Task<MachineTimeline?> GetTimeline()
    {
        if (_machine is null) return null;
        var ledger = await LedgerAsync();
        var view = ledger.Account.At(NowUs);
        var windows = _model!.Windows;
        if (windows.Shift(view.AsOfUs) is not { } shift) return null;
        var spans = Timeline.Of(
            ledger.Account.Changes, _model.Parameters, windows.Calendar, shift.FromUs, Math.Min(shift.ToUs, view.AsOfUs));
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
        return await ledger.ExplainAsync(fromUs, toUs, NowUs, CancellationToken.None);
    }

    public async Task<LossReport?> GetLosses(long fromUs, long toUs) => (await Explain(fromUs, toUs))?.Losses;

    public async Task<ExplainedStop?> GiveReason(long stopUs, long? atUs, string? reason, string? comment, string by)
    {
        if (_machine is null) return null;
        var stop = await (await LedgerAsync()).GiveReasonAsync(
            stopUs, atUs, reason, comment, by, NowUs, CancellationToken.None);
        _work.Changed();
        _work.Arm(urgent: false);
        return stop;
    }

    /// <summary>
    /// The plant model has another machine under this id than the one that lives here: its next life has that model, and computes anew what
    /// it changes.
    /// </summary>
    private bool LeaveWhenReplaced()
    {
        if (ReferenceEquals(_services.Plant.Now.FindModel(Id), _model)) return false;
        DeactivateOnIdle();
        return true;
    }

    /// <summary>Opened once, however many calls ask for it meanwhile; tried again after a failure.</summary>
    /// <exception cref="StoreUnavailableException">It cannot be read, or waits for its turn while the store is away.</exception>
    private ValueTask<MachineLedger> LedgerAsync() => _ledger is { } open ? new(open) : new(OpenedAsync());

    private async Task<MachineLedger> OpenedAsync()
    {
        var opening = _opening.OpenedAsync();
        while (!opening.IsCompleted)
        {
            // Who asks is told that the store is away, and not kept waiting until it is back.
            await ((Task)opening).WaitAsync(Patience, _clock).ConfigureAwait(
                ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            if (!opening.IsCompleted && _services.Admission.Away is { } why) throw new StoreUnavailableException(why);
        }

        return await opening;
    }

    private async Task<MachineLedger> OpenAsync()
    {
        var nowUs = NowUs;
        var lastSeen = _opening.Said is { } said && said.LastSeenUs > nowUs - LatelyUs
            ? Task.FromResult<long?>(said.LastSeenUs)
            : _services.Store.LastSeenAsync(Id, CancellationToken.None);
        var ledger = await MachineLedger.OpenAsync(_model!, _services.Store, _services.Sink, nowUs, CancellationToken.None);
        _lastSeenUs = await lastSeen;
        _limits = await LimitsAsync();
        return ledger;
    }

    /// <summary>Null of a machine that has no limits, as most have none: the store is not asked for their events.</summary>
    private async Task<ThresholdBook?> LimitsAsync()
    {
        if (_retiredUs is not null || _model!.Thresholds.Count == 0) return null;
        var active = await _services.Store.ReadActiveFaultsAsync([Id], CancellationToken.None);
        var book = new ThresholdBook(_model.Thresholds, [.. active.Where(f => f.Type == FaultEvent.ThresholdType)]);
        // A value that is said once holds until it changes, and what came before we lived is stored.
        var watched = book.Signals.ToHashSet(StringComparer.Ordinal);
        if (watched.Count == 0) return book;
        var newest = await _services.Store.Plant.ReadSignalsNowAsync(Id, CancellationToken.None);
        WatchedSample[] values =
        [
            .. newest.Where(s => s.TimeUs is not null && watched.Contains(s.Name))
                .Select(s => new WatchedSample(s.Name, Math.Min(s.TimeUs!.Value, NowUs), s.Value ?? double.NaN, s.Quality)),
        ];
        foreach (var value in values) book.Take([value], value.TimeUs);
        return book;
    }

    /// <param name="ledger">What was read.</param>
    /// <param name="heard">What came while it was read, and may or may not be in it: applying it again has no effect.</param>
    /// <param name="missedUs">From when on more came than could be kept at hand; null when everything was.</param>
    /// <param name="said">The newest batch that came before it was open; null when none did.</param>
    private void Opened(MachineLedger ledger, IReadOnlyList<MachineBatch> heard, long? missedUs, MachineBatch? said)
    {
        (_ledger, _view) = (ledger, new MachineView(_model!, ledger));
        _services.Pace.Woke();
        // Whether its device lives is not stored with the machine: a good state says so until a death says otherwise.
        _connected = said?.Connected ?? ledger.Account.Latest.Held != HeldState.Unknown;
        if (said is not null) _lastSeenUs = Math.Max(_lastSeenUs ?? 0, said.LastSeenUs);
        if (ledger.DirtyFromUs is not null) _work.NoteLate(null);
        if (missedUs is { } missed) Owe(ledger, missed);
        foreach (var batch in heard) TakeKept(ledger, batch);
        _work.Changed();
        // One that is no more only does what it owed.
        if (_retiredUs is null || ledger.DirtyFromUs is not null) _work.Arm(urgent: true, soon: true);
    }

    /// <summary>It is acknowledged, so nobody offers it again: if it cannot be taken in, all from there on is computed anew.</summary>
    private void TakeKept(MachineLedger ledger, MachineBatch batch)
    {
        try
        {
            Take(ledger, batch);
        }
        catch (Exception error)
        {
            Log.MachineWorkFailed(_log, Id, "what came while it was read", error.Message, error);
            Owe(ledger, OldestUs(batch));
        }
    }

    private void NotOpened(Exception error)
    {
        _services.Admission.NoteFailure(Id, error, BugOf(error));
        _work.Retry();
    }

    private void Take(MachineLedger ledger, MachineBatch batch)
    {
        var wasDirty = ledger.DirtyFromUs;
        NoteAhead(ledger, batch);
        ledger.Apply(batch);
        if (batch.LacksRows) Owe(ledger, OldestUs(batch));
        if (ledger.DirtyFromUs != wasDirty || (ledger.DirtyFromUs is not null && batch.Samples.Length > 0)) _work.NoteLate(wasDirty);
        if (_limits is { } limits && !batch.Ahead)
        {
            limits.Take(batch.Watched, batch.IngestUs);
            if (limits.HasNews) _work.FlushSoon();
        }

        _connected = batch.Connected;
        _lastSeenUs = Math.Max(_lastSeenUs ?? 0, batch.LastSeenUs);
        _work.Heard(NowUs - batch.LastSeenUs < PresentUs);
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

    private static long OldestUs(MachineBatch batch)
    {
        var oldest = long.MaxValue;
        foreach (ref readonly var sample in batch.Samples.AsSpan()) oldest = Math.Min(oldest, sample.TimeUs);
        return oldest;
    }

    /// <summary>What was shown from an instant on is not stored: everything from there is computed anew from what is.</summary>
    private void Owe(MachineLedger ledger, long fromUs)
    {
        if (fromUs == long.MaxValue) return;
        var wasDirty = ledger.DirtyFromUs;
        ledger.Owe(fromUs);
        _work.NoteTakenBack(wasDirty);
    }

    /// <summary>Something waits that does not keep to the silo's pace.</summary>
    private bool UrgentReason(MachineLedger ledger) => !_ahead.IsEmpty || ledger.DirtyFromUs is not null || _work.TakenBack;

    private static Exception? BugOf(Exception error) => error is StoreUnavailableException or OperationCanceledException ? null : error;

    private async Task WorkAsync(CancellationToken cancellationToken)
    {
        _work.Fired();
        if (LeaveWhenReplaced() || (_retiredUs is not null && _ledger?.DirtyFromUs is null)) return;
        if (_ledger is not { } ledger)
        {
            _opening.Begin(Urgency.Heard);
            return;
        }

        // A write that is under way holds up no figure.
        if (_work.IsTellDue) await TryTellAsync();
        // One at a time: what is asked for while the store is slow is seen to when it has answered.
        if (_working) return;
        _working = true;
        var failed = false;
        try
        {
            var nowUs = NowUs;
            if (_ahead.EndForgotten() is { } forgottenUs) Owe(ledger, forgottenUs);
            if (_ahead.IsEmpty && _work.IsSettled && ledger.DirtyFromUs is { } dirty)
            {
                _revised = await RecomputeAsync(ledger, nowUs, cancellationToken);
                GrainMetrics.Recomputations.Inc();
                Log.Recomputed(_log, Id, UnixMicros.ToIso(dirty), _revised.Count);
                _work.Changed();
                _work.FlushSoon();
            }

            await WatchLimitsAsync(ledger, nowUs, cancellationToken);
            // A fault or stop that came or went can be acknowledged, explained and queried at once; figures have time.
            if (_ahead.IsEmpty && !_work.TakenBack && _work.TakeFlush()) await ledger.FlushAsync(nowUs, StatusJson, cancellationToken);

            // Time alone changes shift figures; but a machine that said nothing is told of seldom.
            if (_work.IsTellDue) await TellAsync();
        }
        catch (Exception error)
        {
            // A boundary: the work is done again soon, and what it could not write is computed anew.
            Log.MachineWorkFailed(_log, Id, "periodic work", error.Message, BugOf(error));
            _work.FlushSoon();
            failed = true;
        }
        finally
        {
            _working = false;
        }

        _work.Arm(UrgentReason(ledger), failed: failed);
    }

    /// <summary>Looks at figures and delays, and writes the events that began or ended.</summary>
    private async Task WatchLimitsAsync(MachineLedger ledger, long nowUs, CancellationToken cancellationToken)
    {
        if (_limits is not { } limits) return;
        var view = ledger.Account.At(nowUs);
        // While history comes in, or the store does not hold what they are of, figures are not what they will be.
        var isSound = ledger.DirtyFromUs is null && _ahead.IsEmpty && !_work.TakenBack;
        limits.At(nowUs, isSound ? kind => _view!.WindowOf(kind, view) : null);
        if (limits.IsPending) _work.Changed();
        await WriteEventsAsync(cancellationToken);
    }

    private async Task WriteEventsAsync(CancellationToken cancellationToken)
    {
        if (_limits is not { HasNews: true } limits) return;
        var news = limits.News;
        await _services.Sink.CommitAsync(new ResultUnit { Owner = Id, Faults = news }, cancellationToken);
        limits.Written(news.Count);
    }

    private async Task<IReadOnlyList<OeeWindow>> RecomputeAsync(MachineLedger ledger, long nowUs, CancellationToken cancellationToken)
    {
        var takenBack = _work.TakenBack;
        // Set again by what is taken back meanwhile.
        _work.TakenBack = false;
        try
        {
            return await ledger.RecomputeAsync(nowUs, cancellationToken);
        }
        catch
        {
            _work.TakenBack |= takenBack;
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
            _work.Changed();
            Log.MachineWorkFailed(_log, Id, "live push", error.Message, BugOf(error));
        }
    }

    private (MachineStatus Status, OeeWindow? Shift) StatusAt(AccountView view)
    {
        var shift = _view!.WindowOf(PlantWindows.ShiftKind, view);
        return (_view.StatusOf(view, shift, _connected, _lastSeenUs) with { Limits = Passed }, shift);
    }

    /// <summary>The same array as long as the same limits are passed.</summary>
    private PassedLimit[] Passed => _limits?.Passed ?? [];

    private string StatusJson(AccountView view) => StatusAt(view).Status.ToJson();

    private async Task TellAsync()
    {
        var (status, shift) = StatusAt(_ledger!.Account.At(NowUs));
        _told = (_ledger.Account.Latest.Held, status.Category, status.Fault, _connected, Passed);
        _work.Told();
        var revised = _revised;
        _revised = [];
        _line ??= GrainFactory.GetGrain<ILineGrain>(_machine!.LineId);
        await _line.Tell(new MachineUpdate(status, shift) { Revised = [.. revised] });
    }
}
