using OeeOrleans.Model;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Storage.Sql;

/// <summary>Everything of a group but its samples.</summary>
internal static class SideTables
{
    /// <summary>Dead letters kept; older ones make room.</summary>
    public const int MaxDeadLetters = 10_000;

    /// <summary>
    /// What a birth does to those that are there, one birth after the other, because each looks at what the one before left.
    /// </summary>
    private static readonly string[] BirthStatements =
    [
        """
        insert into edge_birth(edge_node, device, birth_ms, topic, payload) values (@p1, @p2, @p3, @p4, @p5)
        on conflict (edge_node, device, birth_ms) do update set payload = excluded.payload
        """,
        // As BirthRecord.Overtakes.
        """
        delete from edge_birth where edge_node = @p1 and birth_ms > @p3 and (@p2 = '' or (device = @p2 and not exists
          (select 1 from edge_birth n where n.edge_node = @p1 and n.device = '' and n.birth_ms > @p3)))
        """,
        $"""
        delete from edge_birth where edge_node = @p1 and device = @p2 and birth_ms not in
        (select birth_ms from edge_birth where edge_node = @p1 and device = @p2 order by birth_ms desc limit {BirthRecord.KeptPerDevice})
        """,
    ];

    public static async Task WriteAsync(SetWriter sets, SqlDialect dialect, AuditChain chain, IReadOnlyList<CommitUnit> units)
    {
        // Before other tables, as everywhere.
        await sets.AppendAuditAsync(chain, [.. units.SelectMany(u => u.Audit)]);
        var telemetry = units.OfType<TelemetryUnit>().ToList();
        if (telemetry.Count > 0) await WriteTelemetryAsync(sets, dialect, telemetry);
        var results = units.OfType<ResultUnit>().ToList();
        if (results.Count > 0) await WriteResultsAsync(sets, dialect, results);
    }

    private static async Task WriteTelemetryAsync(SetWriter sets, SqlDialect dialect, IReadOnlyList<TelemetryUnit> units)
    {
        await sets.WriteAsync(
            units.SelectMany(u => u.RemovedRows), r => r, [("SignalId", "integer"), ("TimeUs", "bigint")],
            rows =>
                $"""
                delete from sample
                where quality < {Quality.Uncertain} and (signal_id, ts) in (select "SignalId", oee_ts("TimeUs") from {rows})
                """);
        await WriteNodesAsync(sets, dialect, units);
        await WriteDeadLettersAsync(sets, units);
        foreach (var answer in units.SelectMany(u => u.Answers)) await sets.RunAsync(CommandRow.Answer, answer);
    }

    private static async Task WriteResultsAsync(SetWriter sets, SqlDialect dialect, IReadOnlyList<ResultUnit> units)
    {
        await sets.WriteAsync(
            units.SelectMany(u => u.Windows).Select(WindowRow.Of), w =>
                (w.Machine, w.Kind, w.FromUs, w.Revision), WindowRow.Columns, rows => WindowRow.Upsert(rows));
        await sets.WriteAsync(
            units.SelectMany(u => u.RemovedEvents).Select(id => new { Id = id }), r => r.Id, [("Id", "text")],
            rows => $"""delete from events where id in (select "Id" from {rows})""");
        await sets.WriteAsync(
            units.SelectMany(u => u.Faults).Select(
                f => new { f.Id, f.Machine, f.Type, f.Code, f.Severity, f.StartUs, f.EndUs, f.Occurrences }), f =>
                f.Id,
            [
                ("Id", "text"),
                ("Machine", "text"),
                ("Type", "text"),
                ("Code", "text"),
                ("Severity", "smallint"),
                ("StartUs", "bigint"),
                ("EndUs", "bigint"),
                ("Occurrences", "integer"),
            ],
            rows => $"""
            insert into events(id, machine_id, type, code, severity, ts_start, ts_end, occurrences)
            select "Id", "Machine", "Type", "Code", "Severity", oee_ts("StartUs"), oee_ts("EndUs"), "Occurrences" from {rows}
            on conflict (id, ts_start) do update set ts_end = excluded.ts_end, occurrences = excluded.occurrences,
              severity = excluded.severity
            """);
        await sets.WriteAsync(
            // A payload is JSON in JSON: what the text may not hold, it may not hold escaped either.
            units.SelectMany(u => u.Stops).Select(
                s => new
                {
                    s.Id,
                    s.Machine,
                    s.Reason,
                    s.StartUs,
                    s.EndUs,
                    Payload = s.Payload.Replace("\\u0000", "\\ufffd", StringComparison.Ordinal),
                }), s =>
                s.Id,
            [("Id", "text"), ("Machine", "text"), ("Reason", "text"), ("StartUs", "bigint"), ("EndUs", "bigint"), ("Payload", "text")],
            rows => $"""
            insert into events(id, machine_id, type, code, severity, ts_start, ts_end, payload)
            select "Id", "Machine", 'stop', "Reason", 0, oee_ts("StartUs"), oee_ts("EndUs"), cast("Payload" as {dialect.Json}) from {rows}
            on conflict (id, ts_start) do update set code = excluded.code, ts_end = excluded.ts_end, payload = excluded.payload
            """);
        await WriteReasonsAsync(sets, units);
        await sets.WriteAsync(
            units.Select(u => u.Snapshot).OfType<SnapshotRecord>(), s => s.Machine, [
                ("Machine", "text"), ("TimeUs", "bigint"), ("IngestUs", "bigint"), ("Payload", "text"), ("Status", "text"),
            ],
            rows => $"""
            insert into machine_snapshot(machine_id, ts, ingest_ts, payload, status) select "Machine", oee_ts("TimeUs"),
              oee_ts("IngestUs"), "Payload", "Status" from {rows}
            on conflict (machine_id) do update set ts = excluded.ts, ingest_ts = excluded.ingest_ts, payload = excluded.payload,
              status = excluded.status
            """);
    }

    private static async Task WriteNodesAsync(SetWriter sets, SqlDialect dialect, IReadOnlyList<TelemetryUnit> units)
    {
        // In every group, so in few statements. Several units of one node in a group: the last state is the one to keep.
        var states = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var unit in units)
        {
            if (unit.EdgeNode is var (edgeNode, state)) states[edgeNode] = state;
        }

        await sets.WriteAsync(
            states, s => s.Key, [("Key", "text"), ("Value", "text")],
            rows => $"""
            insert into edge_node(edge_node, state) select "Key", "Value" from {rows}
            on conflict (edge_node) do update set state = excluded.state
            """);

        await sets.RunAllAsync(BirthStatements, units.SelectMany(u => u.Births).Select(b => new object[]
        {
            b.EdgeNode, b.Device, b.BirthMs, b.Topic, b.Payload,
        }));
    }

    private static async Task WriteDeadLettersAsync(SetWriter sets, IReadOnlyList<TelemetryUnit> units)
    {
        var letters = units.SelectMany(u => u.DeadLetters).ToList();
        if (letters.Count == 0) return;
        await sets.RunAsync(
            """
            insert into dead_letter(ts, topic, size, reason, payload) select oee_ts(@TimeUs), @Topic, @Size, @Reason, @Payload
            where not exists
            (select 1 from dead_letter where ts = oee_ts(@TimeUs) and topic = @Topic and size = @Size and payload = @Payload)
            """,
            letters.Select(l => new { l.TimeUs, Topic = SetWriter.Clean(l.Topic), l.Size, Reason = SetWriter.Clean(l.Reason), l.Payload }));
        await sets.RunAsync($"delete from dead_letter where id <= (select max(id) from dead_letter) - {MaxDeadLetters}", new { });
    }

    /// <summary>What people say: one at a time.</summary>
    private static async Task WriteReasonsAsync(SetWriter sets, IReadOnlyList<ResultUnit> units)
    {
        foreach (var (clearFromUs, clearToUs, given) in units.Select(u => u.Reason).OfType<ReasonChange>())
        {
            await sets.RunAsync(
                "delete from stop_reason where machine_id = @Machine and ts_from >= oee_ts(@clearFromUs) and ts_from < oee_ts(@clearToUs)",
                new { given.Machine, clearFromUs, clearToUs });
            await sets.RunAsync(
                """
                insert into stop_reason(machine_id, ts_from, ts_until, whole, reason, comment, given_by, given_at)
                values (@Machine, oee_ts(@FromUs), oee_ts(@UntilUs), @Whole, @Reason, @Comment, @By, oee_ts(@AtUs))
                on conflict (machine_id, ts_from) do update set ts_until = excluded.ts_until, whole = excluded.whole,
                  reason = excluded.reason, comment = excluded.comment,
                  given_by = excluded.given_by, given_at = excluded.given_at
                """, given);
        }
    }
}
