using Dapper;
using OeeOrleans.Model;

namespace OeeOrleans.Storage.Sql;

internal abstract partial class SqlStore
{
    /// <summary>What the machine reported, and limits that were passed; stops are no such events.</summary>
    private const string Events = "type in ('fault', 'threshold')";

    private const string FaultColumns =
        "machine_id as Machine, type as Type, code as Code, oee_us(ts_start) as StartUs, oee_us(ts_end) as EndUs, occurrences as Occurrences, "
            + "severity as Severity, ack_by as AckBy, oee_us(ack_ts) as AckUs, oee_us(shelved_until) as ShelvedUntilUs";

    public Task<List<FaultEvent>> ReadActiveFaultsAsync(IReadOnlyList<string> machines, CancellationToken cancellationToken) =>
        ReadFaultsAsync(
        $"select {FaultColumns} from events where {Events} and ts_end is null and machine_id {In("machines")} order by ts_start "
            + $"desc, id",
        new { machines }, cancellationToken);

    public Task<List<FaultEvent>> ReadFaultsAsync(
        IReadOnlyList<string> machines, long fromUs, long toUs, int limit, (long StartUs, string Id)? after,
        CancellationToken cancellationToken) =>
            ReadFaultsAsync(
        $"""
        select {FaultColumns} from events
        where {Events} and machine_id {In("machines")} and ts_start < oee_ts(@toUs) and (ts_end is null or ts_end > oee_ts(@fromUs))
        and (@afterId = '' or ts_start < oee_ts(@afterUs) or (ts_start = oee_ts(@afterUs) and id > @afterId))
        order by ts_start desc, id limit @limit
        """,
        new { machines, fromUs, toUs, limit, afterUs = after?.StartUs ?? 0, afterId = after?.Id ?? "" }, cancellationToken);

    public Task<List<OeeWindow>> ReadWindowsAsync(
        IReadOnlyList<string> machines, string kind, long fromUs, long toUs, CancellationToken cancellationToken, bool withdrawn = false) =>
        QueryAsync(async c =>
    {
        var rows = await c.QueryAsync<WindowRow>(Command(
            $"""
            select {WindowRow.SelectColumns} from oee_window w
            where machine_id {In("machines")} and kind = @kind and ts_from >= oee_ts(@fromUs) and ts_from < oee_ts(@toUs)
            and revision = (select max(revision) from oee_window x where x.machine_id = w.machine_id and x.kind = w.kind
            and x.ts_from = w.ts_from)
            and (@withdrawn or not withdrawn)
            order by ts_from, machine_id
            """,
            new { machines, kind, fromUs, toUs, withdrawn }, cancellationToken));
        return rows.Select(r => r.ToWindow()).ToList();
    }, cancellationToken);

    public Task<string?> FindFaultMachineAsync(string id, CancellationToken cancellationToken) => QueryAsync(
        c => c.QueryFirstOrDefaultAsync<string?>(
            Command($"select machine_id from events where id = @id and {Events}", new { id }, cancellationToken)), cancellationToken);

    public Task<FaultEvent?> AcknowledgeFaultAsync(string id, AuditEntry audit, CancellationToken cancellationToken) => ChangeFaultAsync(
        $"update events set ack_by = @Actor, ack_ts = oee_ts(@AtUs) where id = @id and {Events} and ack_by is null", id, null, audit,
        cancellationToken);

    public Task<FaultEvent?> ShelveFaultAsync(string id, long? untilUs, AuditEntry audit, CancellationToken cancellationToken) =>
        ChangeFaultAsync(
        $"update events set shelved_until = oee_ts(@untilUs) where id = @id and {Events}", id, untilUs, audit, cancellationToken);

    private Task<FaultEvent?> ChangeFaultAsync(
        string update, string id, long? untilUs, AuditEntry audit, CancellationToken cancellationToken) =>
        ChangeAsync(async c =>
    {
        await using var transaction = await c.BeginTransactionAsync(cancellationToken);
        await AuditLog.AppendAsync(c, transaction, Dialect, Chain, [audit], cancellationToken);
        var changed = await c.ExecuteAsync(
            new CommandDefinition(update, new { id, untilUs, audit.Actor, audit.AtUs }, transaction, cancellationToken: cancellationToken));
        // Nothing was done: nothing is said.
        if (changed > 0) await transaction.CommitAsync(cancellationToken);
        else await transaction.RollbackAsync(cancellationToken);
        var row = await c.QueryFirstOrDefaultAsync<FaultRow>(
            Command($"select {FaultColumns} from events where id = @id and {Events}", new { id }, cancellationToken));
        return row?.ToEvent();
    }, cancellationToken);

    private Task<List<FaultEvent>> ReadFaultsAsync(string sql, object parameters, CancellationToken cancellationToken) =>
        QueryAsync(async c =>
    {
        var rows = await c.QueryAsync<FaultRow>(Command(sql, parameters, cancellationToken));
        return rows.Select(r => r.ToEvent()).ToList();
    }, cancellationToken);

    private sealed class FaultRow
    {
        public string Machine { get; set; } = "";
        public string Type { get; set; } = FaultEvent.FaultType;
        public string Code { get; set; } = "";
        public long StartUs { get; set; }
        public long? EndUs { get; set; }
        public int Occurrences { get; set; }
        public short Severity { get; set; }
        public string? AckBy { get; set; }
        public long? AckUs { get; set; }
        public long? ShelvedUntilUs { get; set; }

        public FaultEvent ToEvent() => new()
        {
            Machine = Machine,
            Type = Type,
            Code = Code,
            StartUs = StartUs,
            EndUs = EndUs,
            Occurrences = Occurrences,
            Severity = Severity,
            AckBy = AckBy,
            AckUs = AckUs,
            ShelvedUntilUs = ShelvedUntilUs,
        };
    }
}
