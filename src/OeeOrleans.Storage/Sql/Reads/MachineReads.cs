using System.Data.Common;
using System.Text.Json;
using Dapper;
using OeeOrleans.Model;

namespace OeeOrleans.Storage.Sql.Reads;

/// <summary>
/// What an account of a machine is built from, read for many machines with one statement. Each question is a row of a JSON array; its
/// answer carries the number of that row.
/// </summary>
/// <param name="dialect">The engine's words.</param>
/// <param name="query">Runs a query on a connection.</param>
internal sealed class MachineReads(SqlDialect dialect, Func<string, string> isIn, MachineReads.Query query)
{
    public delegate Task<bool> Query(Func<DbConnection, Task<bool>> work);

    private const string SampleColumns = "r.\"I\", s.name, oee_us(p.ts), p.value, p.text_value, p.quality";

    private static readonly string[] Canonical = [.. CanonicalSignals.Names];

    private static readonly (string, string)[] Span = [("I", "integer"), ("Machine", "text"), ("FromUs", "bigint"), ("ToUs", "bigint")];

    private string Questions => $"(select * from {dialect.Rows(Span)}) r";

    private string IsCanonical => $"s.machine_id = r.\"Machine\" and s.name {isIn("Canonical")}";

    public Task<IReadOnlyList<List<MachineSample>>> SamplesAsync(IReadOnlyList<MachineSpan> of) => SamplesAsync(
        of, $"p.ts > oee_ts(r.\"FromUs\") and p.ts <= oee_ts(r.\"ToUs\") and {dialect.Admitted("p")}");

    /// <summary>From: the ingest time after which they came; to: the source time they lie before.</summary>
    public Task<IReadOnlyList<List<MachineSample>>> LateAsync(IReadOnlyList<MachineSpan> of) => SamplesAsync(
        of, $"p.ts <= oee_ts(r.\"ToUs\") and p.ingest_ts > oee_ts(r.\"FromUs\") and {dialect.Admitted("p")}");

    /// <summary>The last of each signal before the span's end.</summary>
    public Task<IReadOnlyList<List<MachineSample>>> LastBeforeAsync(IReadOnlyList<MachineSpan> of) => SamplesAsync(
        of,
        $"""
        p.ts = (select max(q.ts) from sample q where q.signal_id = s.signal_id and q.ts < oee_ts(r."ToUs") and {dialect.Admitted("q")})
          and {dialect.Admitted("p")}
        """);

    public async Task<IReadOnlyList<long?>> LastSeenAsync(IReadOnlyList<MachineSpan> of)
    {
        var answers = await ManyAsync(
            of,
            $"""
            select r."I", max(oee_us((select max(q.ts) from sample q where q.signal_id = s.signal_id and {dialect.Admitted("q")})))
            from {Questions} {dialect.SignalsOf("s.machine_id = r.\"Machine\"")} group by r."I"
            """,
            row => row.IsDBNull(1) ? null : (long?)row.GetInt64(1));
        return [.. answers.Select(a => a.FirstOrDefault())];
    }

    public async Task<IReadOnlyList<SnapshotRecord?>> SnapshotsAsync(IReadOnlyList<MachineSpan> of)
    {
        var answers = await ManyAsync(
            of,
            $"""
            select r."I", m.machine_id, oee_us(m.ts), oee_us(m.ingest_ts), m.payload, m.status
            from {Questions} join machine_snapshot m on m.machine_id = r."Machine"
            """,
            row => new SnapshotRecord(row.GetString(1), row.GetInt64(2), row.GetInt64(3), row.GetString(4))
            {
                Status = row.IsDBNull(5) ? null : row.GetString(5),
            });
        return [.. answers.Select(a => a.FirstOrDefault())];
    }

    /// <summary>Windows of all kinds that begin in the span, newest revision of each, withdrawn ones among them.</summary>
    public async Task<IReadOnlyList<List<OeeWindow>>> WindowsAsync(IReadOnlyList<MachineSpan> of) => await ManyAsync(
        of,
        $"""
        select r."I", {WindowRow.SelectColumns}
        from {Questions} join oee_window w on w.machine_id = r."Machine"
        where w.kind {isIn("kinds")} and w.ts_from >= oee_ts(r."FromUs") and w.ts_from < oee_ts(r."ToUs")
        and w.revision = (select max(revision) from oee_window x
          where x.machine_id = w.machine_id and x.kind = w.kind and x.ts_from = w.ts_from)
        order by w.ts_from
        """,
        row => WindowRow.Of(row, 1), new { kinds = OeeWindow.StoredKinds });

    /// <summary>
    /// Faults that overlap the span, newest first. Closed ones that began longer before it than anything is followed back are left out.
    /// </summary>
    public async Task<IReadOnlyList<List<FaultEvent>>> FaultsAsync(IReadOnlyList<MachineSpan> of) => await ManyAsync(
        of,
        $"""
        select * from ({Events("fault", "e.severity as v, e.code as c, e.occurrences as o, e.ack_by as b, oee_us(e.ack_ts) as t")}) f
        order by 1, 2 desc
        """,
        row => new FaultEvent
        {
            Machine = row.GetString(3),
            Code = row.GetString(5),
            StartUs = row.GetInt64(1),
            EndUs = row.IsDBNull(2) ? null : row.GetInt64(2),
            Occurrences = row.GetInt32(6),
            Severity = row.GetInt16(4),
            AckBy = row.IsDBNull(7) ? null : row.GetString(7),
            AckUs = row.IsDBNull(8) ? null : row.GetInt64(8),
        });

    /// <summary>Stops that overlap the span, in order of time, with the same limit as faults.</summary>
    public async Task<IReadOnlyList<List<StopEvent>>> StopsAsync(IReadOnlyList<MachineSpan> of) => await ManyAsync(
        of,
        $"""
        select * from ({Events("stop", "e.code as c, cast(e.payload as text) as p")}) f order by 1, 2
        """,
        row => new StopEvent
        {
            Machine = row.GetString(3),
            StartUs = row.GetInt64(1),
            EndUs = row.IsDBNull(2) ? null : row.GetInt64(2),
            Reason = row.GetString(4),
            Payload = row.GetString(5),
        });

    public async Task<IReadOnlyList<List<GivenReason>>> ReasonsAsync(IReadOnlyList<MachineSpan> of) => await ManyAsync(
        of,
        $"""
        select r."I", oee_us(g.ts_from), oee_us(g.ts_until), g.whole, g.reason, g.comment, g.given_by, oee_us(g.given_at), g.machine_id
        from {Questions} join stop_reason g on g.machine_id = r."Machine"
        where g.ts_from < oee_ts(r."ToUs") and g.ts_until >= oee_ts(r."FromUs") order by g.ts_from
        """,
        row => new GivenReason
        {
            Machine = row.GetString(8),
            FromUs = row.GetInt64(1),
            UntilUs = row.GetInt64(2),
            Whole = row.GetBoolean(3),
            Reason = row.IsDBNull(4) ? null : row.GetString(4),
            Comment = row.IsDBNull(5) ? null : row.GetString(5),
            By = row.GetString(6),
            AtUs = row.GetInt64(7),
        });

    public async Task<IReadOnlyList<long?>> HeldSinceAsync(IReadOnlyList<HeldKey> of)
    {
        string Good(string row) => $"{row}.signal_id = s.signal_id and {row}.quality >= {Quality.Uncertain} and {dialect.Admitted(row)}";
        static string Said(string row) => $"coalesce({row}.text_value, cast({row}.value as text), '')";
        var columns = new[] { ("I", "integer"), ("Machine", "text"), ("Name", "text"), ("AtUs", "bigint"), ("NotBeforeUs", "bigint") };
        var answers = await ManyAsync(
            of.Select((k, i) => new { I = i, k.Machine, k.Name, k.AtUs, k.NotBeforeUs }), of.Count,
            $"""
            select r."I", oee_us((
              select min(f.ts) from sample f where {Good("f")} and f.ts > coalesce(
                (select max(o.ts) from sample o
                  where {Good("o")} and o.ts < p.ts and o.ts > oee_ts(r."NotBeforeUs") and {Said("o")} <> {Said("p")}),
                case when oee_ts(r."NotBeforeUs") < p.ts then oee_ts(r."NotBeforeUs") else oee_ts(oee_us(p.ts) - 1) end)))
            from (select * from {dialect.Rows(columns)}) r
            {dialect.SignalsOf("s.machine_id = r.\"Machine\" and s.name = r.\"Name\"")}
            {dialect.SamplesOfSignal($"p.ts = (select max(h.ts) from sample h where {Good("h")} and h.ts <= oee_ts(r.\"AtUs\"))")}
            """,
            row => row.IsDBNull(1) ? null : (long?)row.GetInt64(1));
        return [.. answers.Select(a => a.FirstOrDefault())];
    }

    private static string Limit => $"oee_ts(r.\"FromUs\" - {IStore.MaxFollowedUs})";

    /// <summary>Events that overlap the span: those that are open, and those that ended in it or after it; each by an index.</summary>
    private string Events(string type, string columns)
    {
        var select = $"""
            select r."I" as i, oee_us(e.ts_start) as s, oee_us(e.ts_end) as e, e.machine_id as m, {columns}
            from {Questions} join events e on e.machine_id = r."Machine" where e.type = '{type}' and e.ts_start < oee_ts(r."ToUs")
            """;
        return $"""
            {select} and e.ts_end is null
            union all {select} and e.ts_end > oee_ts(r."FromUs") and e.ts_start >= {Limit}
            """;
    }

    private async Task<IReadOnlyList<List<MachineSample>>> SamplesAsync(IReadOnlyList<MachineSpan> of, string condition) => await ManyAsync(
        of,
        $"""
        select {SampleColumns} from {Questions} {dialect.SignalsOf(IsCanonical)} {dialect.SamplesOfSignal(condition)}
        order by r."I", p.ts
        """,
        row => new MachineSample(
            CanonicalSignals.KindOf(row.GetString(1)),
            row.GetInt64(2),
            row.IsDBNull(3) ? double.NaN : row.GetDouble(3),
            row.IsDBNull(4) ? null : row.GetString(4),
            row.GetInt16(5)),
        new { Canonical });

    private Task<List<T>[]> ManyAsync<T>(IReadOnlyList<MachineSpan> of, string sql, Func<DbDataReader, T> map, object? more = null) =>
        ManyAsync(of.Select((k, i) => new { I = i, k.Machine, k.FromUs, k.ToUs }), of.Count, sql, map, more);

    private async Task<List<T>[]> ManyAsync<TKey, T>(
        IEnumerable<TKey> questions, int count, string sql, Func<DbDataReader, T> map, object? more = null)
    {
        var answers = new List<T>[count];
        await query(async connection =>
        {
            // A query that is tried again begins anew.
            for (var i = 0; i < count; i++) answers[i] = [];
            var parameters = new DynamicParameters(more);
            parameters.Add("json", JsonSerializer.Serialize(questions));
            await using var reader = await connection.ExecuteReaderAsync(
                new CommandDefinition(sql, parameters, commandTimeout: SqlStore.QueryTimeoutS));
            while (await reader.ReadAsync()) answers[reader.GetInt32(0)].Add(map(reader));
            return true;
        });
        return answers;
    }
}
