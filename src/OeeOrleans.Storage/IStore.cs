using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage.Access;
using OeeOrleans.Storage.Commands;
using OeeOrleans.Storage.Plant;

namespace OeeOrleans.Storage;

/// <summary>The storage contract: one per process, safe for concurrent use. What is asked of single machines and nodes is asked together
/// when many ask at once. Every method throws <see cref="StoreUnavailableException"/>
/// while the database cannot be reached. Times are microseconds since 1970 UTC.</summary>
public interface IStore : IAsyncDisposable
{
    /// <summary>Users, keys, grants, sessions, and the audit log.</summary>
    IAccessStore Access { get; }

    /// <summary>The plant model.</summary>
    IPlantStore Plant { get; }

    /// <summary>Writes to PLCs.</summary>
    ICommandStore Commands { get; }

    /// <summary>
    /// Brings the schema up to date; safe to repeat, also from several processes at once. Throws <see cref="SchemaException"/> when it
    /// cannot, or when the database is of a later release.
    /// </summary>
    Task MigrateAsync(CancellationToken cancellationToken);

    /// <summary>Why the database does not answer or takes nothing; null when all is well.</summary>
    Task<string?> WhyNotAsync(CancellationToken cancellationToken);

    /// <summary>Writes units, each all or nothing, together in one transaction as long as the database refuses none of them. Rows are
    /// idempotent by (signal, source time): of two rows with one key the later one stays. A row the database refuses goes to `dead_letter`
    /// with the reason; everything else is stored.</summary>
    /// <returns>
    /// Units of which the database refuses something: all of it, or some rows only, and then everything else of them is stored.
    /// </returns>
    Task<IReadOnlyList<RefusedUnit>> CommitAsync(IReadOnlyList<CommitUnit> units, CancellationToken cancellationToken);

    /// <summary>A round of upkeep: partitions ahead, retention, rollups. Null when another process is at it.</summary>
    Task<MaintenanceReport?> MaintainAsync(Retention retention, long nowUs, CancellationToken cancellationToken);

    /// <summary>Ids of a machine's signals, made where they do not exist yet; in the order asked. A machine that is not in the plant model
    /// may not make any once the store has <see cref="StoreOptions.MaxSignals"/>: the id of such a signal is 0.</summary>
    Task<int[]> ResolveSignalsAsync(string machine, IReadOnlyList<SignalSpec> signals, bool inPlant, CancellationToken cancellationToken);

    /// <summary>Ids of signals that are at hand may mean another machine than before: they are asked for again.</summary>
    void ForgetSignals();

    /// <summary>Runs something that no other process of the plant may do at the same time.</summary>
    Task<T> AloneAsync<T>(Func<Task<T>> work, CancellationToken cancellationToken);

    /// <summary>
    /// How far back counters, stops, faults and jobs are followed; a closed event that began longer before a span is not looked for.
    /// </summary>
    const long MaxFollowedUs = 35 * UnixMicros.PerDay;

    Task<EdgeNodeRecord?> LoadEdgeNodeAsync(string edgeNode, CancellationToken cancellationToken);

    Task<SnapshotRecord?> LoadSnapshotAsync(string machine, CancellationToken cancellationToken);

    /// <summary>Every machine's status as it was told with its newest snapshot: (machine, source time, JSON).</summary>
    Task<List<StoredStatus>> ReadStatusesAsync(CancellationToken cancellationToken);

    /// <summary>A machine's canonical samples with from &lt; ts &lt;= to, in order of time.</summary>
    Task<List<MachineSample>> ReadMachineAsync(string machine, long fromUs, long toUs, CancellationToken cancellationToken);

    /// <summary>
    /// Canonical samples at or before <paramref name="untilUs"/> that were stored after <paramref name="ingestUs"/>: what came late.
    /// </summary>
    Task<List<MachineSample>> ReadLateAsync(string machine, long untilUs, long ingestUs, CancellationToken cancellationToken);

    /// <summary>Of each canonical signal the last sample before an instant.</summary>
    Task<List<MachineSample>> ReadLastBeforeAsync(string machine, long beforeUs, CancellationToken cancellationToken);

    /// <summary>Newest source time of all of a machine's signals, those of OEE and all others; null when there is none.</summary>
    Task<long?> LastSeenAsync(string machine, CancellationToken cancellationToken);

    /// <summary>Samples of one signal with from &lt;= ts &lt; to as buckets, or raw when there are at most <paramref name="points"/>.
    /// Buckets of a minute and longer begin at whole minutes (five minutes, hours) but for the first, and come from the rollups. Null when
    /// the signal does not exist.</summary>
    Task<Trend?> ReadTrendAsync(string machine, string name, long fromUs, long toUs, int points, CancellationToken cancellationToken);

    /// <summary>The newest sample of a signal before an instant; null where there is none.</summary>
    Task<TrendPoint?> ReadSampleBeforeAsync(string machine, string name, long beforeUs, CancellationToken cancellationToken);

    /// <summary>Signals of machines, in order of machine and name.</summary>
    Task<List<StoredSignal>> ReadSignalsAsync(IReadOnlyList<string> machines, CancellationToken cancellationToken);

    /// <summary>Samples of a signal with after &lt; ts &lt; to, in order of time, at most <paramref name="limit"/>.</summary>
    Task<List<StoredSample>> ReadSignalSamplesAsync(
        int signalId, long afterUs, long toUs, int limit, CancellationToken cancellationToken);

    /// <summary>Faults, and limits that were passed, that have not ended.</summary>
    Task<List<FaultEvent>> ReadActiveFaultsAsync(IReadOnlyList<string> machines, CancellationToken cancellationToken);

    /// <summary>Faults that overlap [from, to), newest first, at most <paramref name="limit"/>, after a cursor (start, id).</summary>
    Task<List<FaultEvent>> ReadFaultsAsync(
        IReadOnlyList<string> machines, long fromUs, long toUs, int limit, (long StartUs, string Id)? after,
        CancellationToken cancellationToken);

    /// <summary>The machine of a fault; null when there is no such fault.</summary>
    Task<string?> FindFaultMachineAsync(string id, CancellationToken cancellationToken);

    /// <summary>Acknowledges a fault; the first one to do so stays. Null when there is no such fault.</summary>
    Task<FaultEvent?> AcknowledgeFaultAsync(string id, AuditEntry audit, CancellationToken cancellationToken);

    /// <summary>Hides an active fault until an instant (null: shows it again). Null when there is no such fault.</summary>
    Task<FaultEvent?> ShelveFaultAsync(string id, long? untilUs, AuditEntry audit, CancellationToken cancellationToken);

    /// <summary>Faults of a machine that overlap [from, to), newest first; see <see cref="MaxFollowedUs"/>.</summary>
    Task<List<FaultEvent>> ReadMachineFaultsAsync(string machine, long fromUs, long toUs, CancellationToken cancellationToken);

    /// <summary>Reasons given for stops that reach into [from, to), in order of time.</summary>
    Task<List<GivenReason>> ReadReasonsAsync(string machine, long fromUs, long toUs, CancellationToken cancellationToken);

    /// <summary>Stored stops that overlap [from, to), in order of time; see <see cref="MaxFollowedUs"/>.</summary>
    Task<List<StopEvent>> ReadStopsAsync(string machine, long fromUs, long toUs, CancellationToken cancellationToken);

    /// <summary>
    /// Since when a signal has had the value it has at an instant: the first of its samples with that value in a row, bad ones left out.
    /// Null when it has none. Looks no further back than <paramref name="notBeforeUs"/>: a value held longer is held since the first sample
    /// after it.
    /// </summary>
    Task<long?> HeldSinceAsync(string machine, string name, long atUs, long notBeforeUs, CancellationToken cancellationToken);

    /// <summary>Every version of every machine's model, in order of time.</summary>
    Task<List<ModelVersion>> ReadModelsAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Stored windows that begin in [from, to), newest revision of each, in order of time; withdrawn ones only when asked for.
    /// </summary>
    Task<List<OeeWindow>> ReadWindowsAsync(
        IReadOnlyList<string> machines, string kind, long fromUs, long toUs, CancellationToken cancellationToken, bool withdrawn = false);

    /// <summary>A machine's windows of all kinds that begin in [from, to), newest revision of each, withdrawn ones among them.</summary>
    Task<List<OeeWindow>> ReadMachineWindowsAsync(string machine, long fromUs, long toUs, CancellationToken cancellationToken);
}

/// <summary>A signal to resolve.</summary>
public sealed record SignalSpec(string Name, string DataType, string? Unit);

/// <summary>What a host remembers of an edge node: its session state (opaque) and its births, oldest first.</summary>
public sealed record EdgeNodeRecord(string State, IReadOnlyList<BirthRecord> Births);

/// <summary>A birth as it came over the wire.</summary>
public sealed record BirthRecord(string EdgeNode, string Device, long BirthMs, string Topic, byte[] Payload)
{
    /// <summary>Births kept of each device, as many as a host session can use.</summary>
    public const int KeptPerDevice = 4;

    /// <summary>
    /// Whether this birth, which came later, leaves no use to another one: that one is dated later, so the node's clock went back. A birth
    /// of a device that is older than the newest one of its node came late itself and overtakes nothing.
    /// </summary>
    public bool Overtakes(BirthRecord other, IReadOnlyList<BirthRecord> known)
    {
        if (other.BirthMs <= BirthMs) return false;
        return Device.Length == 0 || (other.Device == Device && !known.Any(n => n.Device.Length == 0 && n.BirthMs > BirthMs));
    }
}

/// <summary>A machine's state at a source time, and the ingest time up to which everything was in it.</summary>
public sealed record SnapshotRecord(string Machine, long TimeUs, long IngestUs, string Payload)
{
    /// <summary>What operators saw of it then, as JSON; null from an earlier release.</summary>
    public string? Status { get; init; }
}

/// <summary>What operators saw of a machine when its newest snapshot was taken, as JSON.</summary>
public sealed record StoredStatus(string Machine, long TimeUs, string Status);

/// <summary>A signal as the store has it.</summary>
public sealed record StoredSignal(int Id, string Machine, string Name, string DataType, string? Unit);

/// <summary>A row of `sample`.</summary>
public sealed record StoredSample(long TimeUs, double? Value, string? Text, short Quality, long IngestUs);

/// <summary>A bucket of a trend, or one raw sample (then min = max = avg).</summary>
public sealed record TrendPoint(
    long TimeUs, double? Min, double? Max, double? Avg, double? First, double? Last, string? Text, long Count, short Quality);

public sealed record Trend(IReadOnlyList<TrendPoint> Items, bool Raw);
