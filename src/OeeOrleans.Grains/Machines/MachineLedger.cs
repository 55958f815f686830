using OeeOrleans.Kpi;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Sink;

namespace OeeOrleans.Grains.Machines;

/// <summary>
/// The account of one machine together with its store: recovered from snapshot and samples, written back as windows, events and
/// snapshots, and recomputed where something came late or the plant model changed. Owned by the machine's grain, which is single-threaded.
/// </summary>
internal sealed class MachineLedger
{
    /// <summary>A window is closed for good this long after its end: samples on their way still belong to its first revision.</summary>
    private const long GraceUs = 5 * UnixMicros.PerSecond;

    /// <summary>Ingest times are compared with this margin: a batch may be committed a little after it was received.</summary>
    private const long IngestMarginUs = 2 * UnixMicros.PerMinute;

    private const long SnapshotEveryUs = UnixMicros.PerMinute;

    /// <summary>An older snapshot is no short cut: building anew reads less.</summary>
    private const long SnapshotAgeUs = 26 * UnixMicros.PerHour;

    /// <summary>A sample that is so much older than the newest one is of the past, not merely out of order.</summary>
    private const long HistoryUs = 30 * UnixMicros.PerSecond;

    private readonly MachineModel _model;
    private readonly PlantWindows _windows;
    private readonly IStore _store;
    private readonly ICommitSink _sink;
    private readonly ResultWriter _results;
    private readonly MachineHistory _history;
    private readonly StopBook _stops;
    private readonly WindowLedger _stored = new();
    private readonly EventLedger<FaultEvent> _faults = new(f => f.Id, f => f.StartUs, f => f.EndUs, (a, b) => a.SameAs(b));
    private long _sinceUs;
    private long _ingestUs;
    private long _snapshotUs;
    private List<MachineBatch>? _meanwhile;

    /// <summary>From where on is owed what was asked for while the store was being read.</summary>
    private long? _owedMeanwhileUs;

    private MachineLedger(MachineModel model, IStore store, ICommitSink sink, MachineAccount account)
    {
        (_model, _windows, _store, _sink) = (model, model.Windows, store, sink);
        _results = new ResultWriter(model.Id, sink);
        _history = new MachineHistory(store, model);
        _stops = new StopBook(model);
        Account = account;
    }

    public MachineAccount Account { get; private set; }

    /// <summary>When samples of the past came last, by their ingest; 0 = never.</summary>
    public long PastIngestUs { get; private set; }

    /// <summary>The earliest source time of what came too late to be put in its place; null when nothing is owed.</summary>
    public long? DirtyFromUs { get; private set; }

    public static async Task<MachineLedger> OpenAsync(
        MachineModel model, IStore store, ICommitSink sink, long nowUs, CancellationToken cancellationToken)
    {
        var ledger = new MachineLedger(model, store, sink, new MachineAccount(model.Id, model.Parameters, model.Windows, nowUs));
        var record = await store.LoadSnapshotAsync(model.Id, cancellationToken);
        var snapshot = record is null ? null : MachineSnapshot.Parse(record.Payload);
        var changedUs = snapshot is null ? null : MachineModel.DifferFrom(snapshot.Model, model.Stamps);
        if (record is not null && snapshot is not null) await ledger.OweAsync(record, snapshot, changedUs, nowUs, cancellationToken);
        // A snapshot from the future was taken while our own clock was wrong.
        var usable = snapshot is not null && nowUs - snapshot.State.NowUs < SnapshotAgeUs && !TimeRule.IsAhead(snapshot.State.NowUs, nowUs)
            && (changedUs is null || changedUs > snapshot.State.NowUs);
        if (usable)
        {
            await ledger.ResumeAsync(record!, snapshot!, nowUs, cancellationToken);
        }
        else
        {
            await ledger.RebuildAsync(nowUs, cancellationToken);
        }

        await ledger.LoadStoredAsync(Math.Min(ledger._sinceUs, ledger.Account.Checkpoint.Cells[0].FromUs), nowUs, cancellationToken);
        return ledger;
    }

    /// <summary>
    /// Takes samples in. Those whose time is far off have no place in an account, whichever way they come (<see cref="TimeRule"/>).
    /// </summary>
    public void Apply(MachineBatch batch)
    {
        _meanwhile?.Add(batch);
        _ingestUs = Math.Max(_ingestUs, batch.IngestUs);
        foreach (ref readonly var sample in batch.Samples.AsSpan())
        {
            if (!TimeRule.Admits(sample.TimeUs, batch.IngestUs)) continue;
            if (sample.TimeUs < Account.HeadUs - HistoryUs) PastIngestUs = Math.Max(PastIngestUs, batch.IngestUs);
            if (Account.Apply(sample) == ApplyOutcome.Late) DirtyFromUs = Math.Min(DirtyFromUs ?? long.MaxValue, sample.TimeUs);
        }
    }

    /// <summary>
    /// Everything from an instant on is to be computed anew; also after a recomputation that is under way, which knows nothing of it.
    /// </summary>
    public void Owe(long fromUs)
    {
        DirtyFromUs = Math.Min(DirtyFromUs ?? long.MaxValue, fromUs);
        if (_meanwhile is not null) _owedMeanwhileUs = Math.Min(_owedMeanwhileUs ?? long.MaxValue, fromUs);
    }

    public int RevisionOf(PlantWindow window) => _stored.RevisionOf(window.Kind, window.FromUs);

    /// <summary>Writes what changed: windows, faults, stops, and now and then a snapshot.</summary>
    public Task FlushAsync(long nowUs, CancellationToken cancellationToken) => FlushAsync(nowUs, null, cancellationToken);

    /// <param name="nowUs">As of when.</param>
    /// <param name="statusOf">What operators see of the machine, to be stored with a snapshot.</param>
    /// <param name="cancellationToken">Ends the write.</param>
    public async Task FlushAsync(long nowUs, Func<AccountView, string>? statusOf, CancellationToken cancellationToken)
    {
        var view = Account.At(nowUs);
        // Decided before the write: what is applied meanwhile may still change what lies behind this.
        var releasedUs = Math.Min(nowUs - GraceUs, Account.DecidedUs);
        var settledUs = Math.Max(_sinceUs, Account.SettledUs);
        var known = KnownWindows(view, settledUs).Where(w => w.ToUs > settledUs && w.FromUs >= _sinceUs).ToList();
        var windows = known
            .Where(w => w.ToUs > view.AsOfUs || w.ToUs + GraceUs <= nowUs)
            .Select(w => _stored.Next(view.Window(_model.Id, w)))
            .OfType<OeeWindow>()
            .Concat(_stored.Withdrawals(settledUs, view.AsOfUs, settledUs, known.Select(w => (w.Kind, w.FromUs))))
            .ToList();
        var (faults, removedFaults) = _faults.Next(Stamped(Account.Faults), Math.Max(_sinceUs, Account.FaultsCompleteFromUs));
        var (stops, removedStops) = _stops.Next(view.Stops, settledUs);
        var snapshot = nowUs - _snapshotUs >= SnapshotEveryUs ? TakeSnapshot(statusOf?.Invoke(view)) : null;
        List<string> removed = [.. removedFaults, .. removedStops];
        if (windows.Count > 0 || faults.Count > 0 || stops.Count > 0 || removed.Count > 0 || snapshot is not null)
        {
            var unit = new ResultUnit
            {
                Owner = _model.Id, Windows = windows, Faults = faults, Stops = stops, RemovedEvents = removed, Snapshot = snapshot,
            };
            await _results.WriteAsync(unit, nowUs, cancellationToken);
            foreach (var window in windows) _stored.Written(window);
            _faults.Written(faults, removedFaults);
            _stops.Written(stops, removedStops);
            if (snapshot is not null) _snapshotUs = nowUs;
        }

        Account.Release(releasedUs);
        var forgetUs = Math.Max(_sinceUs, Account.SettledUs);
        _stored.ForgetBefore(forgetUs);
        _stops.ForgetBefore(forgetUs);
        _faults.ForgetBefore(Account.Faults.Count > 0 ? Math.Min(forgetUs, Account.Faults[0].StartUs) : forgetUs);
    }

    /// <summary>
    /// Recomputes everything that what came late may have changed, rewrites the windows that did, and takes up the account anew.
    /// </summary>
    /// <returns>The closed windows that say something else now.</returns>
    public async Task<IReadOnlyList<OeeWindow>> RecomputeAsync(long nowUs, CancellationToken cancellationToken)
    {
        if (DirtyFromUs is not { } dirty) return [];
        // What is applied while the store is being read may not be in what was read: it is applied again afterwards.
        _meanwhile = [];
        try
        {
            return await RecomputeAsync(Math.Max(dirty, nowUs - MachineHistory.MaxLateUs), nowUs, cancellationToken);
        }
        finally
        {
            (_meanwhile, _owedMeanwhileUs) = (null, null);
        }
    }

    /// <summary>Explains [from, to) from stored samples.</summary>
    public Task<Explanation> ExplainAsync(long fromUs, long toUs, long nowUs, CancellationToken cancellationToken) =>
        _history.ExplainAsync(fromUs, toUs, Math.Max(nowUs, Account.HeadUs + 1), cancellationToken);

    /// <summary>
    /// Gives a stop a reason: all of it, or the part from <paramref name="atUs"/> on. Null when there is no stop at that instant.
    /// </summary>
    /// <exception cref="ArgumentException">The split is not inside the stop.</exception>
    public async Task<ExplainedStop?> GiveReasonAsync(
        long stopUs, long? atUs, string? reason, string? comment, string by, long nowUs, CancellationToken cancellationToken)
    {
        var explained = await ExplainAsync(stopUs, stopUs + 1, nowUs, cancellationToken);
        if (explained.Losses.Stops.Count == 0) return null;
        var stop = explained.Losses.Stops[0];
        var endUs = stop.EndUs ?? Math.Max(nowUs, stop.StartUs + 1);
        if (atUs is { } split && (split <= stop.StartUs || split >= endUs))
        {
            throw new ArgumentException(
                $"the stop lasts from {UnixMicros.ToIso(stop.StartUs)} to {UnixMicros.ToIso(endUs)}; {UnixMicros.ToIso(split)} is not "
                    + $"inside of it");
        }

        var given = new GivenReason
        {
            Machine = _model.Id,
            FromUs = atUs ?? stop.StartUs,
            UntilUs = endUs,
            Whole = atUs is null,
            Reason = reason,
            Comment = comment,
            By = by,
            AtUs = nowUs,
        };
        var (clearFrom, clearTo) = atUs is null ? (stop.StartUs, stop.EndUs ?? long.MaxValue / 4) : (0L, 0L);
        var before = await _store.ReadReasonsAsync(_model.Id, stop.StartUs, endUs, cancellationToken);
        List<GivenReason> after = [.. before.Where(g => (g.FromUs < clearFrom || g.FromUs >= clearTo) && g.FromUs != given.FromUs), given];
        var now = _model.Reasons.Explain(StopBook.SpanOf(stop), after);
        var audit = StopBook.Audit(_model.Id, stop, now, given);
        IReadOnlyList<StopEvent> events = stop.Small ? [] : [StopBook.EventOf(_model, now)];
        var unit = new ResultUnit
        {
            Owner = _model.Id, Reason = new ReasonChange(clearFrom, clearTo, given), Audit = [audit], Stops = events,
        };
        await _sink.CommitAsync(unit, cancellationToken);
        _stops.Given(clearFrom, clearTo, given);
        _stops.Written(events, []);
        return now;
    }

    private async Task<IReadOnlyList<OeeWindow>> RecomputeAsync(long dirty, long nowUs, CancellationToken cancellationToken)
    {
        // A late sample can cut or join a stop or a job that began before it, so windows are taken from there.
        var touchedUs = Math.Min((await _history.StartAsync(dirty, cancellationToken)).StopStartUs, dirty);
        var jobUs = await _history.JobStartAsync(dirty - 1, cancellationToken);
        var openUs = OpenFromUs(nowUs);
        var fromUs = Math.Min(
            Math.Min(_windows.Overlapping(touchedUs, touchedUs + 1).Min(w => w.FromUs), jobUs),
            Math.Min(openUs, await _history.JobStartAsync(nowUs, cancellationToken)));
        var account = await BuildAsync(fromUs, nowUs, cancellationToken);
        var view = account.At(nowUs);
        // A job may end now where the late sample lies.
        var touched = KnownWindows(view, touchedUs).Where(w => w.FromUs >= fromUs && w.ToUs >= touchedUs).ToList();

        await LoadStoredAsync(fromUs, view.AsOfUs, cancellationToken);
        await _stops.LoadReasonsAsync(_store, fromUs, cancellationToken);
        var changed = touched.Where(w => w.ToUs + GraceUs <= nowUs).Select(w => _stored.Next(view.Window(_model.Id, w))).OfType<OeeWindow>()
            .Concat(_stored.Withdrawals(fromUs, view.AsOfUs, touchedUs, touched.Select(w => (w.Kind, w.FromUs))))
            .ToList();
        var (faults, removedFaults) = _faults.Next(Stamped(account.Faults), fromUs);
        var (stops, removedStops) = _stops.Next(view.Stops, touchedUs);
        var unit = new ResultUnit
        {
            Owner = _model.Id, Windows = changed, Faults = faults, Stops = stops, RemovedEvents = [.. removedFaults, .. removedStops],
        };
        await _results.WriteAsync(unit, nowUs, cancellationToken);
        foreach (var window in changed) _stored.Written(window);
        _faults.Written(faults, removedFaults);
        _stops.Written(stops, removedStops);
        (Account, _sinceUs) = (account, fromUs);
        Account.Release(Math.Min(openUs, nowUs - GraceUs));
        // The snapshot that is stored still owes this recomputation; the next flush replaces it.
        _snapshotUs = 0;
        var meanwhile = _meanwhile ?? [];
        (_meanwhile, DirtyFromUs, _owedMeanwhileUs) = (null, _owedMeanwhileUs, null);
        foreach (var batch in meanwhile) Apply(batch);
        return changed;
    }

    private IEnumerable<PlantWindow> KnownWindows(AccountView view, long fromUs) =>
        _windows.Overlapping(fromUs, view.AsOfUs).Concat(view.Jobs);

    private IReadOnlyList<FaultEvent> Stamped(IReadOnlyList<FaultEvent> faults) =>
        _model.Machine.Faults.Count == 0
            ? faults
            : [.. faults.Select(f => _model.Reasons.Fault(f.Code) is { } known ? f with { Severity = known.Severity } : f)];

    /// <summary>Where the earliest window begins that is open now, jobs left aside.</summary>
    private long OpenFromUs(long nowUs) => Math.Min(
        Math.Min(PlantWindows.Hour(nowUs).FromUs - UnixMicros.PerHour, _windows.Day(nowUs).FromUs),
        _windows.Shift(nowUs)?.FromUs ?? long.MaxValue);

    private SnapshotRecord TakeSnapshot(string? status)
    {
        var snapshot = new MachineSnapshot
        {
            State = Account.Checkpoint,
            Faults = [.. Account.CheckpointFaults],
            Changes = [.. Account.Changes.Where(c => c.TimeUs <= Account.CheckpointUs)],
            SinceUs = _sinceUs,
            DirtyFromUs = DirtyFromUs,
            Model = _model.Stamps,
        };
        return new SnapshotRecord(_model.Id, Account.CheckpointUs, _ingestUs, snapshot.ToJson()) { Status = status };
    }

    /// <summary>
    /// What must be recomputed after a restart: what was owed then, what came late since, and what another plant model says.
    /// </summary>
    private async Task OweAsync(
        SnapshotRecord record, MachineSnapshot snapshot, long? changedUs, long nowUs, CancellationToken cancellationToken)
    {
        DirtyFromUs = snapshot.DirtyFromUs;
        // A source time watermark alone would forget late samples that came between snapshot and crash: they lie before it.
        var late = await _store.ReadLateAsync(_model.Id, snapshot.State.NowUs, record.IngestUs - IngestMarginUs, cancellationToken);
        foreach (var sample in late)
        {
            if (sample.TimeUs >= nowUs - MachineHistory.MaxLateUs) Owe(sample.TimeUs);
        }

        if (changedUs <= snapshot.State.NowUs) Owe(changedUs.Value);
    }

    /// <summary>Snapshot, then everything newer than it.</summary>
    private async Task ResumeAsync(SnapshotRecord record, MachineSnapshot snapshot, long nowUs, CancellationToken cancellationToken)
    {
        Account = new MachineAccount(_model.Id, _model.Parameters, _windows, snapshot.State, snapshot.Faults, snapshot.Changes);
        _sinceUs = snapshot.SinceUs;
        _ingestUs = record.IngestUs;
        var newer = await _store.ReadMachineAsync(_model.Id, Account.CheckpointUs, nowUs + TimeRule.MaxAheadUs, cancellationToken);
        foreach (var sample in newer) Account.Apply(sample);
    }

    private async Task RebuildAsync(long nowUs, CancellationToken cancellationToken)
    {
        var openUs = OpenFromUs(nowUs);
        _sinceUs = Math.Min(openUs, await _history.JobStartAsync(nowUs, cancellationToken));
        Account = await BuildAsync(_sinceUs, nowUs, cancellationToken);
        Account.Release(openUs);
        _ingestUs = nowUs;
    }

    /// <summary>An account from stored samples; whole windows are known from <paramref name="fromUs"/> on.</summary>
    private async Task<MachineAccount> BuildAsync(long fromUs, long nowUs, CancellationToken cancellationToken)
    {
        var start = await _history.StartAsync(fromUs, cancellationToken);
        var account = new MachineAccount(_model.Id, _model.Parameters, _windows, start.StartUs - 2);
        await foreach (var piece in _history.ReadAsync(start, nowUs, cancellationToken))
        {
            foreach (var sample in piece) account.Apply(sample);
        }

        return account;
    }

    /// <summary>What the store has of windows and events from an instant on.</summary>
    private async Task LoadStoredAsync(long fromUs, long nowUs, CancellationToken cancellationToken)
    {
        var windows = _store.ReadMachineWindowsAsync(
            _model.Id, fromUs - (2 * UnixMicros.PerDay), nowUs + (2 * UnixMicros.PerDay), cancellationToken);
        var faults = _store.ReadMachineFaultsAsync(_model.Id, fromUs, long.MaxValue / 4, cancellationToken);
        var stops = _stops.LoadAsync(_store, fromUs, cancellationToken);
        await Task.WhenAll(windows, faults, stops);
        _stored.Load(await windows);
        _faults.Load(await faults);
    }
}
