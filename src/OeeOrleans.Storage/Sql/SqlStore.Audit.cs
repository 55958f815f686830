using Dapper;
using OeeOrleans.Model;
using OeeOrleans.Storage.Access;

namespace OeeOrleans.Storage.Sql;

internal abstract partial class SqlStore
{
    public Task AppendAuditAsync(IReadOnlyList<AuditEntry> entries, CancellationToken cancellationToken) => ChangeAsync(async c =>
    {
        await using var transaction = await c.BeginTransactionAsync(cancellationToken);
        await AuditLog.AppendAsync(c, transaction, Dialect, Chain, entries, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        return true;
    }, cancellationToken);

    public Task<(IReadOnlyList<ChainedEntry> Entries, AuditHead Head)> ReadChainAsync(
        long afterId, int limit, CancellationToken cancellationToken) =>
        ChangeAsync<(IReadOnlyList<ChainedEntry>, AuditHead)>(async c =>
    {
        await using var transaction = await c.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken);
        CommandDefinition Ask(string sql) => new(
            sql, new { afterId, limit }, transaction, commandTimeout: QueryTimeoutS, cancellationToken: cancellationToken);
        // No row is an end that somebody took away; the verifier says so.
        var head = await c.QueryFirstOrDefaultAsync<(long Seq, string? Hash)>(Ask("select seq, hash from audit_head where id = 1"));
        var rows = await c.QueryAsync<AuditRow>(
            Ask($"select {AuditLog.Columns} from audit_log where id > @afterId order by id limit @limit"));
        return ([.. rows.Select(r => r.ToChained())], new AuditHead(head.Seq, head.Hash ?? ""));
    }, cancellationToken);

    public Task<IReadOnlyList<ChainedEntry>> SearchAuditAsync(AuditQuery query, CancellationToken cancellationToken) =>
        QueryAsync<IReadOnlyList<ChainedEntry>>(async c =>
    {
        var conditions = new List<string>();
        // Also where somebody else acted under that one's sign-in: `mia (terminal)`.
        if (query.Actor is not null)
        {
            conditions.Add("(actor = @Actor or substr(actor, length(actor) - length(@Actor) - 2) = ' (' || @Actor || ')')");
        }

        if (query.Target is not null) conditions.Add("target = @Target");
        if (query.Action is not null) conditions.Add("substr(action, 1, length(@Action)) = @Action");
        if (query.FromUs is not null) conditions.Add("ts >= oee_ts(@FromUs)");
        if (query.ToUs is not null) conditions.Add("ts < oee_ts(@ToUs)");
        if (query.BeforeId is not null) conditions.Add("id < @BeforeId");
        if (query.Assets is not null) conditions.Add($"asset {In("Assets")}");
        var where = conditions.Count == 0 ? "" : $"where {string.Join(" and ", conditions)}";
        var rows = await c.QueryAsync<AuditRow>(
            Command($"select {AuditLog.Columns} from audit_log {where} order by id desc limit @Limit", query, cancellationToken));
        return [.. rows.Select(r => r.ToChained())];
    }, cancellationToken);
}
