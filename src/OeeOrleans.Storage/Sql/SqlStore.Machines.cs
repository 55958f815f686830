using Dapper;
using OeeOrleans.Model;
using OeeOrleans.Storage.Sql.Reads;

namespace OeeOrleans.Storage.Sql;

/// <summary>What is asked of single machines and edge nodes: whoever asks while others do shares a statement with them.</summary>
internal abstract partial class SqlStore
{
    /// <summary>Statements that read samples at the same time: one that reads a month must not keep all others waiting.</summary>
    private const int SampleLanes = 2;

    private readonly Coalescer<MachineSpan, List<MachineSample>> _samples;
    private readonly Coalescer<MachineSpan, List<MachineSample>> _late;
    private readonly Coalescer<MachineSpan, List<MachineSample>> _lastBefore;
    private readonly Coalescer<MachineSpan, SnapshotRecord?> _snapshots;
    private readonly Coalescer<MachineSpan, long?> _lastSeen;
    private readonly Coalescer<HeldKey, long?> _heldSince;
    private readonly Coalescer<MachineSpan, List<OeeWindow>> _windows;
    private readonly Coalescer<MachineSpan, List<FaultEvent>> _faults;
    private readonly Coalescer<MachineSpan, List<StopEvent>> _stops;
    private readonly Coalescer<MachineSpan, List<GivenReason>> _reasons;
    private readonly Coalescer<string, EdgeNodeRecord?> _nodes;
    private readonly SignalCatalog _catalog;

    protected SqlStore()
    {
        Task<bool> Query(Func<System.Data.Common.DbConnection, Task<bool>> work) => QueryAsync(work, CancellationToken.None);
        // The engine's words are known to the derived class from its first line on.
        var reads = new MachineReads(Dialect, In, Query);
        _samples = new("samples", reads.SamplesAsync)
        {
            Lanes = SampleLanes, WeightOf = s => s.Hours, SizeOf = a => a.Count,
        };
        _late = new("late", reads.LateAsync);
        _lastBefore = new("last_before", reads.LastBeforeAsync) { Lanes = SampleLanes };
        _snapshots = new("snapshots", reads.SnapshotsAsync);
        _lastSeen = new("last_seen", reads.LastSeenAsync);
        _heldSince = new("held_since", reads.HeldSinceAsync);
        _windows = new("windows", reads.WindowsAsync);
        _faults = new("faults", reads.FaultsAsync);
        _stops = new("stops", reads.StopsAsync);
        _reasons = new("reasons", reads.ReasonsAsync);
        _nodes = new("edge_nodes", new EdgeNodeReads(Dialect, Query).ReadAsync) { MaxKeys = 200 };
        _catalog = new SignalCatalog(Dialect, q => ChangeAsync(q, CancellationToken.None), () => MaxSignals);
    }

    public Task<List<MachineSample>> ReadMachineAsync(string machine, long fromUs, long toUs, CancellationToken cancellationToken) =>
        _samples.AskAsync(new MachineSpan(machine, fromUs, toUs), cancellationToken);

    public Task<List<MachineSample>> ReadLateAsync(string machine, long untilUs, long ingestUs, CancellationToken cancellationToken) =>
        _late.AskAsync(new MachineSpan(machine, ingestUs, untilUs), cancellationToken);

    public Task<List<MachineSample>> ReadLastBeforeAsync(string machine, long beforeUs, CancellationToken cancellationToken) =>
        _lastBefore.AskAsync(new MachineSpan(machine, 0, beforeUs), cancellationToken);

    public Task<long?> LastSeenAsync(string machine, CancellationToken cancellationToken) =>
        _lastSeen.AskAsync(new MachineSpan(machine, 0, 0), cancellationToken);

    public Task<long?> HeldSinceAsync(string machine, string name, long atUs, long notBeforeUs, CancellationToken cancellationToken) =>
        _heldSince.AskAsync(new HeldKey(machine, name, atUs, notBeforeUs), cancellationToken);

    public Task<SnapshotRecord?> LoadSnapshotAsync(string machine, CancellationToken cancellationToken) =>
        _snapshots.AskAsync(new MachineSpan(machine, 0, 0), cancellationToken);

    public Task<List<OeeWindow>> ReadMachineWindowsAsync(
        string machine, long fromUs, long toUs, CancellationToken cancellationToken) =>
        _windows.AskAsync(new MachineSpan(machine, fromUs, toUs), cancellationToken);

    public Task<List<FaultEvent>> ReadMachineFaultsAsync(string machine, long fromUs, long toUs, CancellationToken cancellationToken) =>
        _faults.AskAsync(new MachineSpan(machine, fromUs, toUs), cancellationToken);

    public Task<List<StopEvent>> ReadStopsAsync(string machine, long fromUs, long toUs, CancellationToken cancellationToken) =>
        _stops.AskAsync(new MachineSpan(machine, fromUs, toUs), cancellationToken);

    public Task<List<GivenReason>> ReadReasonsAsync(string machine, long fromUs, long toUs, CancellationToken cancellationToken) =>
        _reasons.AskAsync(new MachineSpan(machine, fromUs, toUs), cancellationToken);

    public Task<EdgeNodeRecord?> LoadEdgeNodeAsync(string edgeNode, CancellationToken cancellationToken) =>
        _nodes.AskAsync(edgeNode, cancellationToken);

    public Task<int[]> ResolveSignalsAsync(
        string machine, IReadOnlyList<SignalSpec> signals, bool inPlant, CancellationToken cancellationToken) =>
        _catalog.ResolveAsync(new SignalRequest(machine, signals, inPlant), cancellationToken);

    public Task<List<StoredStatus>> ReadStatusesAsync(CancellationToken cancellationToken) => QueryAsync(async c =>
    {
        var rows = await c.QueryAsync<(string Machine, long TimeUs, string Status)>(Command(
            "select machine_id as Machine, oee_us(ts) as TimeUs, status as Status from machine_snapshot where status is not null", null,
            cancellationToken));
        return rows.Select(r => new StoredStatus(r.Machine, r.TimeUs, r.Status)).ToList();
    }, cancellationToken);
}
