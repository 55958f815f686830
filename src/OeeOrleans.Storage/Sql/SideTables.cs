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

    /// <param name="eachPair">A select of key and value from the JSON object @json, in the engine's words.</param>
    public static async Task WriteAsync(DbConnection connection, DbTransaction transaction, IReadOnlyList<CommitUnit> units, string eachPair, CancellationToken cancellationToken)
    {
        Task<int> Run(string sql, object parameters) => connection.ExecuteAsync(new CommandDefinition(sql, parameters, transaction, cancellationToken: cancellationToken));

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
        foreach (var id in units.SelectMany(u => u.RemovedFaults)) await Run("delete from events where id = @id", new { id });
        foreach (var fault in units.SelectMany(u => u.Faults))
        {
            await Run(
                """
                insert into events(id, machine_id, type, code, severity, ts_start, ts_end, occurrences) values (@Id, @Machine, 'fault', @Code, 0, oee_ts(@StartUs), oee_ts(@EndUs), @Occurrences)
                on conflict (id) do update set ts_end = excluded.ts_end, occurrences = excluded.occurrences
                """, new { fault.Id, fault.Machine, fault.Code, fault.StartUs, fault.EndUs, fault.Occurrences });
        }

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
