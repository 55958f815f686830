using Dapper;
using OeeOrleans.Model;
using OeeOrleans.Storage.Plant;

namespace OeeOrleans.Storage.Sql;

/// <summary>Who sends and is no machine. Only names of devices have a slash.</summary>
internal abstract partial class SqlStore
{
    private const long Year9999Us = 253_402_300_799_000_000;

    public Task<List<DiscoveredDevice>> ReadDiscoveredAsync(int limit, CancellationToken cancellationToken) => QueryAsync(async c =>
    {
        var rows = await c.QueryAsync<(string Name, long Signals, long? FirstUs, long? LastUs, string? IgnoredBy)>(Command(
            """
            select s.machine_id as Name, count(*) as Signals,
              oee_us(min((select min(p.ts) from sample p where p.signal_id = s.signal_id))) as FirstUs,
              oee_us(max((select max(p.ts) from sample p where p.signal_id = s.signal_id))) as LastUs,
              max(i.ignored_by) as IgnoredBy
            from signal s left join config_ignored i on i.device = s.machine_id
            where s.machine_id like '%/%' group by s.machine_id order by s.machine_id limit @limit
            """, new { limit }, cancellationToken));
        return rows.Select(r => new DiscoveredDevice(r.Name, r.Signals, r.FirstUs, r.LastUs, r.IgnoredBy)).ToList();
    }, cancellationToken);

    public Task<List<SignalNow>> ReadSignalsNowAsync(string machine, CancellationToken cancellationToken, long? untilUs = null) =>
        QueryAsync(async c =>
    {
        var rows = await c.QueryAsync<
            (string Name, string DataType, string? Unit, long? TimeUs, double? Value, string? Text, int? Quality)>(Command(
                """
                select s.name as Name, s.datatype as DataType, s.unit as Unit, oee_us(p.ts) as TimeUs, p.value as Value,
                  p.text_value as Text, p.quality as Quality
                from signal s left join sample p on p.signal_id = s.signal_id
                  and p.ts = (select max(q.ts) from sample q where q.signal_id = s.signal_id and q.ts <= oee_ts(@until))
                where s.machine_id = @machine order by s.name
                """, new { machine, until = untilUs ?? Year9999Us }, cancellationToken));
        return rows.Select(r => new SignalNow(r.Name, r.DataType, r.Unit, r.TimeUs, r.Value, r.Text, (short)(r.Quality ?? 0))).ToList();
    }, cancellationToken);

    public Task<List<string>> ReadEdgeNodesAsync(int limit, CancellationToken cancellationToken) => QueryAsync(async c =>
    {
        var rows = await c.QueryAsync<string>(
            Command("select edge_node from edge_node order by edge_node limit @limit", new { limit }, cancellationToken));
        return rows.ToList();
    }, cancellationToken);

    public Task IgnoreAsync(string device, bool ignores, AuditEntry audit, CancellationToken cancellationToken) => DraftAsync(
        ignores
            ? """
              insert into config_ignored(device, ignored_by, ts) values (@device, @Actor, oee_ts(@AtUs))
              on conflict (device) do update set ignored_by = excluded.ignored_by, ts = excluded.ts
              """
            : "delete from config_ignored where device = @device",
        new { device, audit.Actor, audit.AtUs }, audit, cancellationToken);
}
