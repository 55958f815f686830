using System.Data.Common;
using System.Text.Json;
using Dapper;
using OeeOrleans.Model;

namespace OeeOrleans.Storage.Sql;

/// <summary>Everything of a group but its samples: few rows, so plain statements in the group's transaction do.</summary>
internal static class SideTables
{
    /// <summary>Births kept per device, as many as a host session can use.</summary>
    private const int KeptBirths = 4;

    /// <summary>Dead letters kept; older ones make room.</summary>
    public const int MaxDeadLetters = 10_000;

    public const string InsertAudit = "insert into audit_log(ts, actor, action, target, detail) values (oee_ts(@AtUs), @Actor, @Action, @Target, @Detail)";

    /// <param name="json">The type that holds JSON on the engine.</param>
    /// <param name="eachPair">A select of key and value from the JSON object @json, in the engine's words.</param>
    public static async Task WriteAsync(DbConnection connection, DbTransaction transaction, IReadOnlyList<CommitUnit> units, string json, string eachPair, CancellationToken cancellationToken)
    {
        Task<int> Run(string sql, object parameters) => connection.ExecuteAsync(new CommandDefinition(sql, parameters, transaction, cancellationToken: cancellationToken));

        var removed = units.SelectMany(u => u.RemovedRows).ToList();
        if (removed.Count > 0) await Run($"delete from sample where signal_id = @SignalId and ts = oee_ts(@TimeUs) and quality < {Quality.Uncertain}", removed);

        // In every group, so in one statement. Several units of one node in a group: the last state is the one to keep.
        var states = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var unit in units)
        {
            if (unit.EdgeNode is var (edgeNode, state)) states[edgeNode] = state;
        }

        if (states.Count > 0)
        {
            await Run(
                $"insert into edge_node(edge_node, state) {eachPair} on conflict (edge_node) do update set state = excluded.state",
                new { json = JsonSerializer.Serialize(states) });
        }

        foreach (var birth in units.SelectMany(u => u.Births))
        {
            await Run(
                """
                insert into edge_birth(edge_node, device, birth_ms, topic, payload) values (@EdgeNode, @Device, @BirthMs, @Topic, @Payload)
                on conflict (edge_node, device, birth_ms) do update set payload = excluded.payload
                """, birth);
            await Run(
                $"""
                delete from edge_birth where edge_node = @EdgeNode and device = @Device and birth_ms not in
                (select birth_ms from edge_birth where edge_node = @EdgeNode and device = @Device order by birth_ms desc limit {KeptBirths})
                """, birth);
        }

        var letters = units.SelectMany(u => u.DeadLetters).ToList();
        if (letters.Count > 0)
        {
            await Run(
                "insert into dead_letter(ts, topic, size, reason, payload) values (oee_ts(@TimeUs), @Topic, @Size, @Reason, @Payload)",
                letters.Select(l => new { l.TimeUs, l.Topic, Size = l.Payload.Length, l.Reason, l.Payload }));
            await Run($"delete from dead_letter where id <= (select max(id) from dead_letter) - {MaxDeadLetters}", new { });
        }

        foreach (var window in units.SelectMany(u => u.Windows)) await Run(WindowRow.Upsert, WindowRow.Of(window));
        foreach (var id in units.SelectMany(u => u.RemovedEvents)) await Run("delete from events where id = @id", new { id });
        foreach (var fault in units.SelectMany(u => u.Faults))
        {
            await Run(
                """
                insert into events(id, machine_id, type, code, severity, ts_start, ts_end, occurrences) values (@Id, @Machine, 'fault', @Code, @Severity, oee_ts(@StartUs), oee_ts(@EndUs), @Occurrences)
                on conflict (id) do update set ts_end = excluded.ts_end, occurrences = excluded.occurrences, severity = excluded.severity
                """, new { fault.Id, fault.Machine, fault.Code, fault.Severity, fault.StartUs, fault.EndUs, fault.Occurrences });
        }

        foreach (var stop in units.SelectMany(u => u.Stops))
        {
            await Run(
                $"""
                insert into events(id, machine_id, type, code, severity, ts_start, ts_end, payload) values (@Id, @Machine, 'stop', @Reason, 0, oee_ts(@StartUs), oee_ts(@EndUs), cast(@Payload as {json}))
                on conflict (id) do update set code = excluded.code, ts_end = excluded.ts_end, payload = excluded.payload
                """, new { stop.Id, stop.Machine, stop.Reason, stop.StartUs, stop.EndUs, stop.Payload });
        }

        foreach (var (clearFromUs, clearToUs, given) in units.Select(u => u.Reason).OfType<ReasonChange>())
        {
            await Run("delete from stop_reason where machine_id = @Machine and ts_from >= oee_ts(@clearFromUs) and ts_from < oee_ts(@clearToUs)", new { given.Machine, clearFromUs, clearToUs });
            await Run(
                """
                insert into stop_reason(machine_id, ts_from, ts_until, whole, reason, comment, given_by, given_at)
                values (@Machine, oee_ts(@FromUs), oee_ts(@UntilUs), @Whole, @Reason, @Comment, @By, oee_ts(@AtUs))
                on conflict (machine_id, ts_from) do update set ts_until = excluded.ts_until, whole = excluded.whole, reason = excluded.reason, comment = excluded.comment,
                  given_by = excluded.given_by, given_at = excluded.given_at
                """, given);
        }

        foreach (var entry in units.SelectMany(u => u.Audit)) await Run(InsertAudit, entry);

        foreach (var snapshot in units.Select(u => u.Snapshot).OfType<SnapshotRecord>())
        {
            await Run(
                """
                insert into machine_snapshot(machine_id, ts, ingest_ts, payload) values (@Machine, oee_ts(@TimeUs), oee_ts(@IngestUs), @Payload)
                on conflict (machine_id) do update set ts = excluded.ts, ingest_ts = excluded.ingest_ts, payload = excluded.payload
                """, snapshot);
        }
    }
}
