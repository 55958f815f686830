using OeeOrleans.Model;

namespace OeeOrleans.Storage.Sql;

/// <summary>Where the engines' words differ.</summary>
/// <param name="Json">The type that holds JSON.</param>
/// <param name="OfEachSignal">For each signal its rows `b` of samples or a rollup (table, condition), found by the key, whatever the
/// planner thinks of reading the whole table.</param>
/// <param name="SignalsOf">
/// Joins to each row before it its signals `s` (condition), found by their key and not by reading all of them.
/// </param>
/// <param name="SamplesOfSignal">Joins to each signal `s` its rows `p` of samples (condition), found by the key in the same way.</param>
/// <param name="Admitted">Whether a row of `sample` (its alias) is admitted by <see cref="TimeRule"/>.</param>
/// <param name="Rows">The objects of the JSON array @json as a row source; takes (column, PostgreSQL type).</param>
internal sealed record SqlDialect(
    string Json, Func<string, string, string> OfEachSignal,
    Func<string, string> SignalsOf, Func<string, string> SamplesOfSignal,
    Func<string, string> Admitted,
    Func<IReadOnlyList<(string Name, string Type)>, string> Rows)
{
    private const string InsertAudit =
        """
        insert into audit_log(ts, actor, action, target, detail, asset, origin, seq, hash)
        values (oee_ts(@AtUs), @Actor, @Action, @Target, @Detail, @Asset, @Origin, @seq, @hash)
        """;

    /// <summary>The number and hash of the audit log's last entry, held to the end of the transaction.</summary>
    public string AuditEnd { get; private init; } = "update audit_head set seq = seq where id = 1 returning seq, hash";

    /// <summary>Statements that put an entry behind it.</summary>
    public IReadOnlyList<string> AuditAppend { get; private init; } =
        ["update audit_head set seq = @seq, hash = @hash where id = 1", InsertAudit];

    public static SqlDialect Postgres { get; } = new(
        "jsonb",
        (table, condition) =>
            $"signal s cross join lateral (select * from {table} b where b.signal_id = s.signal_id and {condition} offset 0) b where true",
        condition => $"cross join lateral (select * from signal s where {condition} offset 0) s",
        condition => $"cross join lateral (select * from sample p where p.signal_id = s.signal_id and {condition} offset 0) p",
        row => $"{row}.ts between {row}.ingest_ts - {Interval(TimeRule.MaxLateUs)} and {row}.ingest_ts + {Interval(TimeRule.MaxAheadUs)}",
        columns => $"jsonb_to_recordset(cast(@json as jsonb)) as x({string.Join(", ", columns.Select(c => $"\"{c.Name}\" {c.Type}"))})")
    {
        AuditEnd = "select seq, hash from oee_audit_end()",
        AuditAppend = ["select oee_audit_append(@seq, @hash, oee_ts(@AtUs), @Actor, @Action, @Target, @Detail, @Asset, @Origin)"],
    };

    public static SqlDialect Sqlite { get; } = new(
        "text",
        (table, condition) => $"signal s cross join {table} b on b.signal_id = s.signal_id and {condition} where true",
        condition => $"cross join signal s on {condition}",
        condition => $"cross join sample p on p.signal_id = s.signal_id and {condition}",
        row => $"{row}.ts between {row}.ingest_ts - {TimeRule.MaxLateUs} and {row}.ingest_ts + {TimeRule.MaxAheadUs}",
        columns =>
            $"(select {string.Join(", ", columns.Select(c => $"value ->> '$.{c.Name}' as \"{c.Name}\""))} from json_each(@json)) x "
                + $"where true");

    /// <summary>In seconds: days would follow the clock changes of the session's time zone.</summary>
    private static string Interval(long us) => $"interval '{us / UnixMicros.PerSecond} seconds'";
}
