using OeeOrleans.Kpi;
using OeeOrleans.Kpi.Accounting;
using OeeOrleans.Kpi.Calendars;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Sink;

namespace OeeOrleans.Grains.Machines;

/// <summary>
/// The account of one machine together with its store: recovered from snapshot and samples, written back as windows, events and
/// snapshots, and recomputed where something came late. Owned by the machine's grain, which is single-threaded.
/// </summary>
internal sealed class MachineLedger
{
    /// <summary>A window is closed for good this long after its end: samples on their way still belong to its first revision.</summary>
    private const long GraceUs = 5 * UnixMicros.PerSecond;

    /// <summary>Ingest times are compared with this margin: a batch may be committed a little after it was received.</summary>
    private const long IngestMarginUs = 2 * UnixMicros.PerMinute;

    private const long SnapshotEveryUs = UnixMicros.PerMinute;

    /// <summary>Windows read back after a restart to know their revisions.</summary>
    private const int MaxFaults = 10_000;

    private readonly Machine _machine;
    private readonly PlantWindows _windows;
    private readonly IStore _store;
    private readonly ISampleSink _sink;
    private readonly WindowLedger _stored = new();
    private readonly FaultLedger _faults = new();
    private long _sinceUs;
    private long _ingestUs;
    private long _snapshotUs;
    private List<MachineBatch>? _meanwhile;

    private MachineLedger(Machine machine, PlantWindows windows, IStore store, ISampleSink sink, MachineAccount account)
    {
        (_machine, _windows, _store, _sink) = (machine, windows, store, sink);
        Account = account;
    }

    public MachineAccount Account { get; private set; }

    /// <summary>The earliest source time of what came too late to be put in its place; null when nothing is owed.</summary>
    public long? DirtyFromUs { get; private set; }

    public static async Task<MachineLedger> OpenAsync(Machine machine, PlantWindows windows, IStore store, ISampleSink sink, long nowUs, CancellationToken cancellationToken)
    {
        var ledger = new MachineLedger(machine, windows, store, sink, new MachineAccount(machine.Id, machine.Oee, windows, nowUs));
        var record = await store.LoadSnapshotAsync(machine.Id, cancellationToken);
        var snapshot = record is null ? null : MachineSnapshot.Parse(record.Payload, MachineSnapshot.Fingerprint(machine));
        if (record is not null && snapshot is not null && nowUs - snapshot.State.NowUs < MachineAccount.KeepUs)
        {
            await ledger.ResumeAsync(record, snapshot, cancellationToken);
        }
        else
        {
            await ledger.RebuildAsync(ledger.OpenFromUs(nowUs), nowUs, cancellationToken);
        }

        var readFrom = Math.Min(ledger._sinceUs, nowUs - MachineAccount.KeepUs);
        foreach (var kind in new[] { PlantWindows.HourKind, PlantWindows.ShiftKind, PlantWindows.DayKind })
        {
            ledger._stored.Load(await store.ReadWindowsAsync([machine.Id], kind, readFrom - UnixMicros.PerDay, nowUs + UnixMicros.PerDay, cancellationToken));
        }

        ledger._faults.Load(await store.ReadFaultsAsync([machine.Id], readFrom, long.MaxValue / 4, MaxFaults, null, cancellationToken));
        return ledger;
    }

    public void Apply(MachineBatch batch)
    {
        _meanwhile?.Add(batch);
        _ingestUs = Math.Max(_ingestUs, batch.IngestUs);
        foreach (ref readonly var sample in batch.Samples.AsSpan())
        {
            if (Account.Apply(sample) == ApplyOutcome.Late) DirtyFromUs = Math.Min(DirtyFromUs ?? long.MaxValue, sample.TimeUs);
        }
    }

    public int RevisionOf(PlantWindow window) => _stored.RevisionOf(window.Kind, window.FromUs);

    /// <summary>Writes what changed: windows, faults, and now and then a snapshot.</summary>
    public async Task FlushAsync(long nowUs, CancellationToken cancellationToken)
    {
        var view = Account.At(nowUs);
        var from = Math.Max(_sinceUs, view.AsOfUs - MachineAccount.KeepUs);
        var windows = _windows.Overlapping(from, view.AsOfUs)
            .Where(w => w.FromUs >= from && (w.ToUs > view.AsOfUs || w.ToUs + GraceUs <= nowUs))
            .Select(w => _stored.Next(view.Window(_machine.Id, w)))
            .OfType<OeeWindow>()
            .ToList();
        var (faults, removed) = _faults.Next(Account.Faults, Math.Max(_sinceUs, nowUs - MachineAccount.KeepUs));
        var snapshot = nowUs - _snapshotUs >= SnapshotEveryUs ? TakeSnapshot() : null;
        if (windows.Count == 0 && faults.Count == 0 && removed.Count == 0 && snapshot is null) return;
        await _sink.WriteAsync(new CommitUnit { Windows = windows, Faults = faults, RemovedFaults = removed, Snapshot = snapshot }, cancellationToken);
        foreach (var window in windows) _stored.Written(window);
        _faults.Written(faults, removed);
        if (snapshot is not null) _snapshotUs = nowUs;
        _stored.ForgetBefore(nowUs - (2 * MachineAccount.KeepUs));
        _faults.ForgetBefore(nowUs - (2 * MachineAccount.KeepUs));
    }

    /// <summary>Recomputes everything that what came late may have changed, rewrites the windows that did, and takes up the account anew.</summary>
    /// <returns>How many windows changed.</returns>
    public async Task<int> RecomputeAsync(long nowUs, CancellationToken cancellationToken)
    {
        if (DirtyFromUs is not { } dirty) return 0;
        // What is applied while the store is being read may not be in what was read: it is applied again afterwards.
        _meanwhile = [];
        try
        {
            return await RecomputeAsync(dirty, nowUs, cancellationToken);
        }
        finally
        {
            _meanwhile = null;
        }
    }

    private async Task<int> RecomputeAsync(long dirty, long nowUs, CancellationToken cancellationToken)
    {
        var toUs = Math.Max(nowUs, Account.HeadUs);
        // A late sample can cut or join a stop that began before it, so windows are taken from there.
        var (_, stopStart) = await HistoryLoader.LoadAsync(_store, _machine.Id, StateOf, dirty, dirty, cancellationToken);
        var touched = _windows.Overlapping(Math.Min(dirty, stopStart), toUs).ToList();
        var fromUs = Math.Min(touched.Min(w => w.FromUs), OpenFromUs(nowUs));
        var (samples, _) = await HistoryLoader.LoadAsync(_store, _machine.Id, StateOf, fromUs, long.MaxValue / 4, cancellationToken);

        foreach (var kind in touched.Select(w => w.Kind).Distinct())
        {
            _stored.Load(await _store.ReadWindowsAsync([_machine.Id], kind, touched.Min(w => w.FromUs), toUs, cancellationToken));
        }

        _faults.Load(await _store.ReadFaultsAsync([_machine.Id], fromUs, long.MaxValue / 4, MaxFaults, null, cancellationToken));
        var result = KpiBatch.Evaluate(_machine.Id, _machine.Oee, _windows.Calendar, samples, [.. touched.Select(w => new WindowSpan(w.FromUs, w.ToUs))], toUs + 1);
        var changed = touched.Zip(result.Windows, (w, r) => new OeeWindow
        {
            Id = _machine.Id, Kind = w.Kind, Name = w.Name, FromUs = w.FromUs, ToUs = w.ToUs, AsOfUs = r.ToUs, Sums = r.Sums, Kpis = r.Kpis,
        }).Where(w => w.ToUs + GraceUs <= nowUs).Select(_stored.Next).OfType<OeeWindow>().ToList();
        var (faults, removed) = _faults.Next(result.Events, fromUs);
        await _sink.WriteAsync(new CommitUnit { Windows = changed, Faults = faults, RemovedFaults = removed }, cancellationToken);
        foreach (var window in changed) _stored.Written(window);
        _faults.Written(faults, removed);
        TakeUp(samples, fromUs);
        var meanwhile = _meanwhile ?? [];
        (_meanwhile, DirtyFromUs) = (null, null);
        foreach (var batch in meanwhile) Apply(batch);
        return changed.Count;
    }

    /// <summary>Explains [from, to) from stored samples.</summary>
    public async Task<Explanation> ExplainAsync(long fromUs, long toUs, long asOfUs, CancellationToken cancellationToken)
    {
        var (samples, _) = await HistoryLoader.LoadAsync(_store, _machine.Id, StateOf, fromUs, long.MaxValue / 4, cancellationToken);
        return KpiExplainer.Explain(_machine.Id, _machine.Oee, _windows.Calendar, samples, new WindowSpan(fromUs, toUs), asOfUs);
    }

    private HeldState StateOf(MachineSample sample) => StateReading.Of(sample, _machine.Oee);

    /// <summary>Where the earliest window begins that is open now.</summary>
    private long OpenFromUs(long nowUs) => Math.Min(
        Math.Min(PlantWindows.Hour(nowUs).FromUs - UnixMicros.PerHour, _windows.Day(nowUs).FromUs),
        _windows.Shift(nowUs)?.FromUs ?? long.MaxValue);

    private SnapshotRecord TakeSnapshot()
    {
        var snapshot = new MachineSnapshot
        {
            State = Account.Checkpoint,
            Faults = [.. Account.CheckpointFaults],
            SinceUs = _sinceUs,
            DirtyFromUs = DirtyFromUs,
            Parameters = MachineSnapshot.Fingerprint(_machine),
        };
        return new SnapshotRecord(_machine.Id, Account.CheckpointUs, _ingestUs, snapshot.ToJson());
    }

    /// <summary>Snapshot, then everything newer than it; what came late since is owed a recomputation.</summary>
    private async Task ResumeAsync(SnapshotRecord record, MachineSnapshot snapshot, CancellationToken cancellationToken)
    {
        Account = new MachineAccount(_machine.Id, _machine.Oee, _windows, snapshot.State, snapshot.Faults);
        _sinceUs = snapshot.SinceUs;
        _ingestUs = record.IngestUs;
        DirtyFromUs = snapshot.DirtyFromUs;
        // A source time watermark alone would forget late samples that came between snapshot and crash: they lie before it.
        var late = await _store.ReadLateAsync(_machine.Id, Account.CheckpointUs, record.IngestUs - IngestMarginUs, cancellationToken);
        if (late.Count > 0) DirtyFromUs = Math.Min(DirtyFromUs ?? long.MaxValue, late[0].TimeUs);
        foreach (var sample in await _store.ReadMachineAsync(_machine.Id, Account.CheckpointUs, long.MaxValue / 4, cancellationToken)) Account.Apply(sample);
    }

    private async Task RebuildAsync(long fromUs, long nowUs, CancellationToken cancellationToken)
    {
        var (samples, _) = await HistoryLoader.LoadAsync(_store, _machine.Id, StateOf, fromUs, long.MaxValue / 4, cancellationToken);
        TakeUp(samples, fromUs);
        _ingestUs = nowUs;
    }

    /// <summary>A new account from samples in order; whole windows are known from <paramref name="fromUs"/> on.</summary>
    private void TakeUp(List<MachineSample> samples, long fromUs)
    {
        var start = samples.Count > 0 ? Math.Min(samples[0].TimeUs, fromUs) - 1 : fromUs - 1;
        var account = new MachineAccount(_machine.Id, _machine.Oee, _windows, start);
        foreach (var sample in samples) account.Apply(sample);
        Account = account;
        _sinceUs = fromUs;
    }
}
