using System.Data.Common;
using System.Text;
using Dapper;
using OeeOrleans.Model;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Storage.Sql;

/// <summary>
/// Appends to the audit log. The row of the chain's end is taken first and held to the end of the transaction, so that entries come one
/// after the other, from whichever process.
/// </summary>
internal static class AuditLog
{
    private const string Once = "insert into audit_once(key, at) values (@OnceKey, oee_ts(@AtUs)) on conflict (key) do nothing";

    public const string Columns =
        """
        id as Id, seq as Seq, hash as Hash, oee_us(ts) as AtUs, actor as Actor, action as Action, target as Target, detail as Detail,
        asset as Asset, origin as Origin
        """;

    /// <summary>
    /// To be called first in a transaction: whoever needs other rows as well takes them after it, so nobody waits in a circle.
    /// </summary>
    public static async Task AppendAsync(
        DbConnection connection, DbTransaction? transaction, SqlDialect dialect, AuditChain chain, IReadOnlyList<AuditEntry> entries,
        CancellationToken cancellationToken)
    {
        if (entries.Count == 0) return;
        CommandDefinition Run(string sql, object? parameters = null) =>
            new(sql, parameters, transaction, cancellationToken: cancellationToken);
        var (seq, hash) = await connection.QuerySingleAsync<(long, string)>(Run(dialect.AuditEnd));
        if (seq == 0 && await BeginningAsync(connection, transaction, entries[0], cancellationToken) is { } beginning)
        {
            entries = [beginning, .. entries];
        }

        foreach (var entry in entries.Select(Clean))
        {
            if (entry.OnceKey is not null && await connection.ExecuteAsync(Run(Once, new { entry.OnceKey, entry.AtUs })) == 0) continue;
            hash = chain.Next(hash, ++seq, entry);
            var row = new
            {
                entry.AtUs, entry.Actor, entry.Action, entry.Target, entry.Detail, entry.Asset, entry.Origin, seq, hash,
            };
            foreach (var statement in dialect.AuditAppend) await connection.ExecuteAsync(Run(statement, row));
        }
    }

    /// <summary>
    /// The first entry of all says how many rows were there before it, from a release that knew no chain. They are not signed afterwards:
    /// whoever may write to the database could have them say anything.
    /// </summary>
    private static async Task<AuditEntry?> BeginningAsync(
        DbConnection connection, DbTransaction? transaction, AuditEntry first, CancellationToken c)
    {
        var before = await connection.ExecuteScalarAsync<long>(
            new CommandDefinition("select count(*) from audit_log", null, transaction, cancellationToken: c));
        return before == 0 ? null : new AuditEntry(first.AtUs, "system", AuditChain.Begin, "audit", $$"""{"rows_before":{{before}}}""");
    }

    /// <summary>As the database gives it back, so that the hash is of what is stored.</summary>
    private static AuditEntry Clean(AuditEntry entry) => entry with
    {
        Actor = Clean(entry.Actor)!,
        Action = Clean(entry.Action)!,
        Target = Clean(entry.Target)!,
        Detail = Clean(entry.Detail)!,
        Asset = Clean(entry.Asset),
        Origin = Clean(entry.Origin),
    };

    /// <summary>Without U+0000, which PostgreSQL does not store, and without halves of characters, which are no UTF-8.</summary>
    private static string? Clean(string? text) =>
        text is null ? null : Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(SetWriter.Clean(text)));
}

/// <summary>A row of `audit_log`.</summary>
internal sealed class AuditRow
{
    public long Id { get; set; }
    public long? Seq { get; set; }
    public string? Hash { get; set; }
    public long AtUs { get; set; }
    public string Actor { get; set; } = "";
    public string Action { get; set; } = "";
    public string Target { get; set; } = "";
    public string Detail { get; set; } = "";
    public string? Asset { get; set; }
    public string? Origin { get; set; }

    public AuditEntry ToEntry() => new(AtUs, Actor, Action, Target, Detail) { Asset = Asset, Origin = Origin };

    public ChainedEntry ToChained() => new(Id, Seq, ToEntry(), Hash);
}
