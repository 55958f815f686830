using Dapper;
using OeeOrleans.Model;
using OeeOrleans.Model.Commands;
using OeeOrleans.Storage.Commands;

namespace OeeOrleans.Storage.Sql;

/// <summary>Writes to PLCs.</summary>
internal abstract partial class SqlStore : ICommandStore
{
    private const string CommandColumns =
        """
        id as Id, machine_id as Machine, edge_node as EdgeNode, device as Device, metric as Metric, signal as Signal, unit as Unit,
        factor as Scale, shift as "Offset", value as Value, reason as Reason, state as State, asked_by as AskedBy, asked_person as AskedPerson, oee_us(asked) as AskedUs,
        oee_us(expires) as ExpiresUs, shown as Shown, decided_by as DecidedBy, oee_us(decided) as DecidedUs, comment as Comment,
        number as Number, oee_us(sent) as SentUs, oee_us(answer_by) as AnswerByUs, old_value as Old, new_value as New,
        oee_us(answered) as AnsweredUs, oee_us(finished) as FinishedUs, detail as Detail
        """;

    private const string InsertCommand =
        """
        insert into command(id, machine_id, edge_node, device, metric, signal, unit, factor, shift, value, reason, state, asked_by,
          asked_person, asked, expires, shown)
        values (@Id, @Machine, @EdgeNode, @Device, @Metric, @Signal, @Unit, @Scale, @Offset, @Value, @Reason, @State, @AskedBy,
          @AskedPerson, oee_ts(@AskedUs), oee_ts(@ExpiresUs), @Shown)
        on conflict do nothing
        """;

    private const string UpdateCommand =
        """
        update command set state = @State, decided_by = @DecidedBy, decided = oee_ts(@DecidedUs), comment = @Comment, number = @Number,
          sent = oee_ts(@SentUs), answer_by = oee_ts(@AnswerByUs), finished = oee_ts(@FinishedUs), detail = @Detail
        where id = @Id and state = @from and answered is null
        """;

    private const string NextNumber =
        """
        select case when max(number) >= @SentUs then max(number) + 1 else @SentUs end from command where edge_node = @EdgeNode
        """;

    public ICommandStore Commands => this;

    public Task<bool> AddCommandAsync(PlcCommand command, AuditEntry audit, CancellationToken cancellationToken) =>
        DraftAsync(InsertCommand, CommandRow.Of(command), audit, cancellationToken);

    public async Task<PlcCommand?> FindCommandAsync(string id, CancellationToken cancellationToken) =>
        (await ReadCommandsAsync("where id = @id", new { id }, cancellationToken)).FirstOrDefault();

    public Task<List<PlcCommand>> ReadCommandsAsync(CommandQuery query, CancellationToken cancellationToken)
    {
        var conditions = new List<string>();
        if (query.States is not null) conditions.Add($"state {In("states")}");
        if (query.Machines is not null) conditions.Add($"machine_id {In("machines")}");
        if (query.After is not null) conditions.Add("(asked < oee_ts(@askedUs) or (asked = oee_ts(@askedUs) and id < @id))");
        var where = conditions.Count == 0 ? "" : $"where {string.Join(" and ", conditions)}";
        var parameters = new
        {
            states = query.States?.Select(s => s.Name()).ToArray() ?? [], machines = query.Machines?.ToArray() ?? [],
            askedUs = query.After?.AskedUs ?? 0, id = query.After?.Id ?? "", query.Limit,
        };
        return ReadCommandsAsync($"{where} order by asked desc, id desc limit @Limit", parameters, cancellationToken);
    }

    public Task<List<PlcCommand>> ReadOverdueCommandsAsync(
        long nowUs, long approvedBeforeUs, int limit, CancellationToken cancellationToken) => ReadCommandsAsync(
            """
            where state in ('requested', 'approved', 'sent') and (
              (state = 'requested' and expires < oee_ts(@nowUs)) or (state = 'approved' and decided < oee_ts(@approvedBeforeUs))
              or (state = 'sent' and answer_by < oee_ts(@nowUs)))
            order by asked, id limit @limit
            """, new { nowUs, approvedBeforeUs, limit }, cancellationToken);

    public Task<PlcCommand?> MoveCommandAsync(PlcCommand to, CommandState from, AuditEntry audit, CancellationToken cancellationToken) =>
        ChangeAsync(async c =>
    {
        await using var transaction = await c.BeginTransactionAsync(cancellationToken);
        // Whoever appends to the audit log comes alone: nobody else takes the next number.
        await AuditLog.AppendAsync(c, transaction, Dialect, Chain, [audit], cancellationToken);
        CommandDefinition Ask(string sql, object parameters) =>
            new(sql, parameters, transaction, commandTimeout: QueryTimeoutS, cancellationToken: cancellationToken);
        if (to is { State: CommandState.Sent, Number: null })
        {
            to = to with { Number = await c.ExecuteScalarAsync<long?>(Ask(NextNumber, new { to.EdgeNode, to.SentUs })) ?? to.SentUs };
        }

        var parameters = new DynamicParameters(CommandRow.Of(to));
        parameters.Add("from", from.Name());
        if (await c.ExecuteAsync(Ask(UpdateCommand, parameters)) == 0) return null;
        await transaction.CommitAsync(cancellationToken);
        return to;
    }, cancellationToken);

    private Task<List<PlcCommand>> ReadCommandsAsync(string clauses, object parameters, CancellationToken cancellationToken) =>
        QueryAsync(async c =>
    {
        var rows = await c.QueryAsync<CommandRow>(
            Command($"select {CommandColumns} from command {clauses}", parameters, cancellationToken));
        return rows.Select(r => r.ToCommand()).ToList();
    }, cancellationToken);
}
