using Dapper;
using OeeOrleans.Model;

namespace OeeOrleans.Storage.Sql;

internal abstract partial class SqlStore
{
    private const string FaultColumns = "machine_id as Machine, code as Code, oee_us(ts_start) as StartUs, oee_us(ts_end) as EndUs, occurrences as Occurrences";

    public Task<List<FaultEvent>> ReadActiveFaultsAsync(IReadOnlyList<string> machines, CancellationToken cancellationToken) => ReadFaultsAsync(
        $"select {FaultColumns} from events where type = 'fault' and ts_end is null and machine_id {In("machines")} order by ts_start desc, id",
        new { machines }, cancellationToken);

    public Task<List<FaultEvent>> ReadFaultsAsync(
        IReadOnlyList<string> machines, long fromUs, long toUs, int limit, (long StartUs, string Id)? after, CancellationToken cancellationToken) => ReadFaultsAsync(
        $"""
        select {FaultColumns} from events
        where type = 'fault' and machine_id {In("machines")} and ts_start < oee_ts(@toUs) and (ts_end is null or ts_end > oee_ts(@fromUs))
        and (@afterId = '' or ts_start < oee_ts(@afterUs) or (ts_start = oee_ts(@afterUs) and id > @afterId))
        order by ts_start desc, id limit @limit
        """,
        new { machines, fromUs, toUs, limit, afterUs = after?.StartUs ?? 0, afterId = after?.Id ?? "" }, cancellationToken);

    public Task<List<OeeWindow>> ReadWindowsAsync(IReadOnlyList<string> machines, string kind, long fromUs, long toUs, CancellationToken cancellationToken) => QueryAsync(async c =>
    {
        var rows = await c.QueryAsync<WindowRow>(Command(
            $"""
            select {WindowRow.SelectColumns} from oee_window w
            where machine_id {In("machines")} and kind = @kind and ts_from >= oee_ts(@fromUs) and ts_from < oee_ts(@toUs)
            and revision = (select max(revision) from oee_window x where x.machine_id = w.machine_id and x.kind = w.kind and x.ts_from = w.ts_from)
            order by ts_from, machine_id
            """,
            new { machines, kind, fromUs, toUs }, cancellationToken));
        return rows.Select(r => r.ToWindow()).ToList();
    }, cancellationToken);

    private Task<List<FaultEvent>> ReadFaultsAsync(string sql, object parameters, CancellationToken cancellationToken) => QueryAsync(async c =>
    {
        var rows = await c.QueryAsync<(string Machine, string Code, long StartUs, long? EndUs, int Occurrences)>(Command(sql, parameters, cancellationToken));
        return rows.Select(r => new FaultEvent { Machine = r.Machine, Code = r.Code, StartUs = r.StartUs, EndUs = r.EndUs, Occurrences = r.Occurrences }).ToList();
    }, cancellationToken);
}
