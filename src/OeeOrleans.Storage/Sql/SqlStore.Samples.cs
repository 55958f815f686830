using System.Data.Common;
using Dapper;
using OeeOrleans.Model;

namespace OeeOrleans.Storage.Sql;

internal abstract partial class SqlStore
{
    private const string MachineColumns =
        "s.name as Name, oee_us(p.ts) as TimeUs, p.value as Value, p.text_value as Text, p.quality as Quality";

    private static readonly string[] Canonical = [.. CanonicalSignals.Names];

    /// <summary>A machine's canonical samples that have a place in its account.</summary>
    private string OfMachine => $"""
        select {MachineColumns} from signal s join sample p on p.signal_id = s.signal_id
        where s.machine_id = @machine and s.name {In("Canonical")} and {Dialect.Admitted("p")}
        """;

    public Task<List<MachineSample>> ReadMachineAsync(string machine, long fromUs, long toUs, CancellationToken cancellationToken) =>
        ReadMachineSamplesAsync(
        $"{OfMachine} and p.ts > oee_ts(@fromUs) and p.ts <= oee_ts(@toUs) order by p.ts",
        new { machine, fromUs, toUs, Canonical }, cancellationToken);

    public Task<List<MachineSample>> ReadLateAsync(string machine, long untilUs, long ingestUs, CancellationToken cancellationToken) =>
        ReadMachineSamplesAsync(
        $"{OfMachine} and p.ts <= oee_ts(@untilUs) and p.ingest_ts > oee_ts(@ingestUs) order by p.ts",
        new { machine, untilUs, ingestUs, Canonical }, cancellationToken);

    public Task<List<MachineSample>> ReadLastBeforeAsync(string machine, long beforeUs, CancellationToken cancellationToken) =>
        ReadMachineSamplesAsync(
        $"""
        {OfMachine} and p.ts = (
                  select max(q.ts) from sample q
                  where q.signal_id = s.signal_id and q.ts < oee_ts(@beforeUs) and {Dialect.Admitted("q")})
        order by p.ts
        """,
        new { machine, beforeUs, Canonical }, cancellationToken);

    public Task<long?> LastSeenAsync(string machine, CancellationToken cancellationToken) => QueryAsync(
        c => c.ExecuteScalarAsync<long?>(Command(
            $"""
            select max(t) from (
              select oee_us((select max(q.ts) from sample q where q.signal_id = s.signal_id and {Dialect.Admitted("q")})) as t
              from signal s where s.machine_id = @machine) x
            """,
            new { machine }, cancellationToken)),
        cancellationToken);

    public Task<long?> HeldSinceAsync(string machine, string name, long atUs, long notBeforeUs, CancellationToken cancellationToken) =>
        QueryAsync(async c =>
    {
        const string Said = "coalesce(text_value, cast(value as text), '')";
        var good = $"p.signal_id = @id and p.quality >= {Quality.Uncertain} and {Dialect.Admitted("p")}";
        var id = await c.ExecuteScalarAsync<int?>(Command(
            "select signal_id from signal where machine_id = @machine and name = @name", new { machine, name }, cancellationToken));
        if (id is null) return null;
        var held = await c.QueryFirstOrDefaultAsync<HeldRow>(Command(
            $"select oee_us(ts) as TimeUs, {Said} as Value from sample p where {good} and ts <= oee_ts(@atUs) order by ts desc limit 1",
            new { id, atUs }, cancellationToken));
        if (held is null) return null;
        var other = await c.ExecuteScalarAsync<long?>(Command(
            $"""
            select oee_us(ts) from sample p
            where {good} and ts < oee_ts(@TimeUs) and ts > oee_ts(@notBeforeUs) and {Said} <> @Value order by ts desc limit 1
            """,
            new { id, held.TimeUs, held.Value, notBeforeUs }, cancellationToken));
        return await c.ExecuteScalarAsync<long?>(Command(
            $"select oee_us(ts) from sample p where {good} and ts > oee_ts(@other) order by ts limit 1",
            new { id, other = other ?? Math.Min(notBeforeUs, held.TimeUs - 1) }, cancellationToken));
    }, cancellationToken);

    private sealed class HeldRow
    {
        public long TimeUs { get; set; }
        public string Value { get; set; } = "";
    }

    private Task<List<MachineSample>> ReadMachineSamplesAsync(string sql, object parameters, CancellationToken cancellationToken) =>
        QueryAsync(async c =>
    {
        var samples = new List<MachineSample>();
        await using var reader = await c.ExecuteReaderAsync(Command(sql, parameters, cancellationToken));
        while (await reader.ReadAsync(cancellationToken))
        {
            samples.Add(new MachineSample(
                CanonicalSignals.KindOf(reader.GetString(0)),
                reader.GetInt64(1),
                reader.IsDBNull(2) ? double.NaN : reader.GetDouble(2),
                reader.IsDBNull(3) ? null : reader.GetString(3),
                reader.GetInt16(4)));
        }

        return samples;
    }, cancellationToken);
}
