using System.Data.Common;
using Dapper;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage.Plant;

namespace OeeOrleans.Storage.Sql;

internal abstract partial class SqlStore : IPlantStore
{
    private const string RevisionHead =
        """
        revision as Revision, oee_us(ts) as AtUs, author as Author, origin as Origin, source as Source, comment as Comment,
        oee_us(valid_from) as ValidFromUs
        """;

    private const string SaveFile =
        """
        insert into config_file(id, document) values (1, @document) on conflict (id) do update set document = excluded.document
        """;

    private const string Models =
        """
        select machine_id as Machine, part as Part, oee_us(valid_from) as FromUs, model as Model from machine_model
        order by machine_id, part, valid_from
        """;

    public IPlantStore Plant => this;

    public Task<long> ReadNewestRevisionAsync(CancellationToken cancellationToken) => QueryAsync(
        c => c.ExecuteScalarAsync<long>(
            Command("select coalesce(max(revision), 0) from config_revision", null, cancellationToken)),
        cancellationToken);

    public Task<StoredPlant?> ReadPlantAsync(CancellationToken cancellationToken) => ChangeAsync(async c =>
    {
        await using var transaction = await c.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead, cancellationToken);
        Task<IEnumerable<T>> Read<T>(string sql) => c.QueryAsync<T>(
            new CommandDefinition(sql, null, transaction, commandTimeout: QueryTimeoutS, cancellationToken: cancellationToken));
        var newest = await Read<RevisionRow>(
            $"select {RevisionHead}, document as Document from config_revision order by revision desc limit 1");
        if (newest.FirstOrDefault()?.ToRevision() is not { } revision) return null;
        var models = await Read<(string Machine, string Part, long FromUs, string Model)>(Models);
        return new StoredPlant(revision, [.. models.Select(r => new ModelVersion(r.Machine, r.Part, r.FromUs, r.Model))]);
    }, cancellationToken);

    public Task<PlantRevision?> ReadRevisionAsync(long revision, CancellationToken cancellationToken) =>
        ReadOneAsync("where revision = @revision", new { revision }, cancellationToken);

    public Task<string?> ReadFileAsync(CancellationToken cancellationToken) => QueryAsync(
        c => c.ExecuteScalarAsync<string?>(Command("select document from config_file where id = 1", null, cancellationToken)),
        cancellationToken);

    public Task SaveFileAsync(string document, AuditEntry audit, CancellationToken cancellationToken) =>
        DraftAsync(SaveFile, new { document }, audit, cancellationToken);

    public Task<List<PlantRevision>> ReadRevisionsAsync(long? before, int limit, CancellationToken cancellationToken) => QueryAsync(
        async c =>
        {
            var rows = await c.QueryAsync<RevisionRow>(Command(
                $"""
                select {RevisionHead} from config_revision where revision < @before order by revision desc limit @limit
                """, new { before = before ?? long.MaxValue, limit }, cancellationToken));
            return rows.Select(r => r.ToRevision()).ToList();
        },
        cancellationToken);

    public Task<bool> SaveRevisionAsync(PlantWrite write, CancellationToken cancellationToken) => ChangeAsync(async c =>
    {
        await using var transaction = await c.BeginTransactionAsync(cancellationToken);
        // Whoever appends to the audit log comes alone: what is newest is so until the end of the transaction.
        await AuditLog.AppendAsync(c, transaction, Dialect, Chain, [write.Change], cancellationToken);
        Task<int> Run(string sql, object? parameters = null) => c.ExecuteAsync(
            new CommandDefinition(sql, parameters, transaction, commandTimeout: QueryTimeoutS, cancellationToken: cancellationToken));
        var r = write.Revision;
        var added = await Run(
            """
            insert into config_revision(revision, ts, author, origin, source, comment, valid_from, document)
            select @Revision, oee_ts(@AtUs), @Author, @Origin, @Source, @Comment, oee_ts(@ValidFromUs), @Document
            where (select coalesce(max(revision), 0) from config_revision) = @Revision - 1
            """, new { r.Revision, r.AtUs, r.Author, r.Origin, r.Source, r.Comment, r.ValidFromUs, r.Document });
        if (added == 0) return false;
        var sets = new SetWriter(c, transaction, Dialect, cancellationToken);
        // A migration that gives these rows another shape empties the tables, and all of them are written.
        var isWhole = write.Before is { } known && await c.ExecuteScalarAsync<long>(
            new CommandDefinition("select count(*) from asset", null, transaction, cancellationToken: cancellationToken))
            == AssetRows.Of(known).Count;
        await WriteAssetsAsync(isWhole ? write.Before : null, write.Plant, sets);
        if (write.File is { } document) await Run(SaveFile, new { document });
        await Run("delete from calendar");
        await sets.WriteAsync(
            write.Calendars.Select(d => new { d.Id, d.Definition }), d => d.Id, [("Id", "text"), ("Definition", "text")],
            rows => $"""insert into calendar(id, definition) select "Id", cast("Definition" as {Dialect.Json}) from {rows}""");
        if (write.Models is { } models) await WriteModelsAsync(models, sets, s => Run(s));
        var limits = write.Plant.Thresholds.Select(t => (t.Machine, t.Id)).ToHashSet();
        foreach (var (machine, id) in (write.Before?.Thresholds ?? []).Select(t => (t.Machine, t.Id)).Where(t => !limits.Contains(t)))
        {
            // Also when the machine does not live, and nobody would end its event.
            await Run(
                """
                update events set ts_end = oee_ts(@AtUs)
                where machine_id = @machine and type = 'threshold' and code = @id and ts_end is null and ts_start <= oee_ts(@AtUs)
                """, new { r.AtUs, machine, id });
        }

        foreach (var move in write.Moves) await MoveAsync(c, transaction, move, cancellationToken);
        await transaction.CommitAsync(cancellationToken);
        if (write.Moves.Count > 0) _catalog.Forget();
        return true;
    }, cancellationToken);

    public Task<List<PlantDraft>> ReadDraftsAsync(CancellationToken cancellationToken) => QueryAsync(async c =>
    {
        var rows = await c.QueryAsync<(string Id, long AtUs, string Author, string Comment, string Edits)>(Command(
            "select id as Id, oee_us(ts) as AtUs, author as Author, comment as Comment, edits as Edits from config_draft "
                + "order by ts desc, id", null, cancellationToken));
        return rows.Select(r => new PlantDraft(r.Id, r.AtUs, r.Author, r.Comment, r.Edits)).ToList();
    }, cancellationToken);

    public Task SaveDraftAsync(PlantDraft draft, AuditEntry audit, CancellationToken cancellationToken) => DraftAsync(
        """
        insert into config_draft(id, ts, author, comment, edits) values (@Id, oee_ts(@AtUs), @Author, @Comment, @Edits)
        on conflict (id) do update set ts = excluded.ts, author = excluded.author, comment = excluded.comment, edits = excluded.edits
        """, new { draft.Id, draft.AtUs, draft.Author, draft.Comment, draft.Edits }, audit, cancellationToken);

    public Task<bool> DeleteDraftAsync(string id, AuditEntry audit, CancellationToken cancellationToken) =>
        DraftAsync("delete from config_draft where id = @id", new { id }, audit, cancellationToken);

    private Task<bool> DraftAsync(string sql, object parameters, AuditEntry audit, CancellationToken cancellationToken) =>
        ChangeAsync(async c =>
    {
        await using var transaction = await c.BeginTransactionAsync(cancellationToken);
        await AuditLog.AppendAsync(c, transaction, Dialect, Chain, [audit], cancellationToken);
        var changed = await c.ExecuteAsync(
            new CommandDefinition(sql, parameters, transaction, commandTimeout: QueryTimeoutS, cancellationToken: cancellationToken));
        // Nothing was done: nothing is said.
        if (changed > 0) await transaction.CommitAsync(cancellationToken);
        return changed > 0;
    }, cancellationToken);

    public Task<List<ModelVersion>> ReadModelsAsync(CancellationToken cancellationToken) => QueryAsync(async c =>
    {
        var rows = await c.QueryAsync<(string Machine, string Part, long FromUs, string Model)>(
            Command(Models, null, cancellationToken));
        return rows.Select(r => new ModelVersion(r.Machine, r.Part, r.FromUs, r.Model)).ToList();
    }, cancellationToken);

    /// <summary>Ids of signals may mean another machine than before.</summary>
    public void ForgetSignals() => _catalog.Forget();

    private Task<PlantRevision?> ReadOneAsync(string where, object parameters, CancellationToken cancellationToken) => QueryAsync(
        async c =>
        {
            var row = await c.QueryFirstOrDefaultAsync<RevisionRow>(Command(
                $"select {RevisionHead}, document as Document from config_revision {where}", parameters, cancellationToken));
            return row?.ToRevision();
        },
        cancellationToken);

    private static async Task WriteModelsAsync(IReadOnlyList<ModelVersion> versions, SetWriter sets, Func<string, Task<int>> run)
    {
        await run("delete from machine_model");
        await sets.WriteAsync(
            versions, v => (v.Machine, v.Part, v.FromUs), [("Machine", "text"), ("Part", "text"), ("FromUs", "bigint"), ("Model", "text")],
            rows =>
                $"""
                insert into machine_model(machine_id, part, valid_from, model)
                select "Machine", "Part", oee_ts("FromUs"), "Model" from {rows}
                """);
    }

    /// <summary>Only what differs: a plant has ten thousand machines, and a change is of one.</summary>
    private async Task WriteAssetsAsync(PlantModel? before, PlantModel plant, SetWriter sets)
    {
        var (assets, wereAssets) = (AssetRows.Of(plant), before is null ? [] : AssetRows.Of(before));
        await ReplaceAsync(
            sets, wereAssets, assets, a => a.Id, "asset", "id",
            [
                ("Id", "text"), ("ParentId", "text"), ("Kind", "text"), ("Name", "text"), ("Position", "integer"), ("Attributes", "text"),
            ],
            rows =>
                $"""
                insert into asset(id, parent_id, kind, name, position, attributes)
                select "Id", "ParentId", "Kind", "Name", "Position", cast("Attributes" as {Dialect.Json}) from {rows}
                """, before is null);
        await ReplaceAsync(
            sets, before is null ? [] : TagRow.Of(before), TagRow.Of(plant), t => $"{t.Machine}\n{t.Metric}", "tag_mapping",
            "machine_id || '\n' || metric",
            [
                ("Machine", "text"), ("Metric", "text"), ("Signal", "text"), ("Scale", "double precision"), ("Offset", "double precision"),
                ("Unit", "text"), ("Deadband", "double precision"),
            ],
            rows =>
                $"""
                insert into tag_mapping(machine_id, metric, signal, scale, offset_value, unit, deadband)
                select "Machine", "Metric", "Signal", "Scale", "Offset", "Unit", "Deadband" from {rows}
                """, before is null);
    }

    private static async Task ReplaceAsync<T>(
        SetWriter sets, IReadOnlyList<T> before, IReadOnlyList<T> after, Func<T, string> key, string table, string keyColumn,
        IReadOnlyList<(string Name, string Type)> columns, Func<string, string> insert, bool all)
        where T : notnull
    {
        var (was, now) = (before.ToHashSet(), after.ToHashSet());
        var gone = before.Where(r => !now.Contains(r)).Select(r => new { Key = key(r) });
        // What an earlier release wrote is not known: all of it.
        if (all) gone = [new { Key = "" }];
        await sets.WriteAsync(
            gone, r => r.Key, [("Key", "text")],
            rows => $"""delete from {table} where {(all ? "true" : keyColumn)} in (select {(all ? "true" : "\"Key\"")} from {rows})""");
        await sets.WriteAsync(after.Where(r => !was.Contains(r)), key, columns, insert);
    }

    private sealed record TagRow(string Machine, string Metric, string Signal, double Scale, double Offset, string? Unit, double Deadband)
    {
        public static IReadOnlyList<TagRow> Of(PlantModel plant) =>
        [
            .. plant.Machines.SelectMany(
                m => m.Tags.Select(t => new TagRow(m.Id, t.Metric, t.Signal, t.Scale, t.Offset, t.Unit, t.Deadband))),
        ];
    }

    /// <summary>A signal that the machine has already keeps its history, and the other one stays where it is.</summary>
    private static async Task MoveAsync(
        DbConnection c, DbTransaction transaction, SignalMove move, CancellationToken cancellationToken)
    {
        CommandDefinition Sql(string sql, object parameters) =>
            new(sql, parameters, transaction, commandTimeout: QueryTimeoutS, cancellationToken: cancellationToken);
        var theirs = await c.QueryAsync<(int Id, string Name)>(
            Sql("select signal_id as Id, name as Name from signal where machine_id = @From", new { move.From }));
        foreach (var (id, metric) in theirs.ToList())
        {
            var name = move.Names.TryGetValue(metric, out var mapped) ? mapped : metric;
            if (name is null) continue;
            await c.ExecuteAsync(Sql(
                """
                update signal set machine_id = @To, name = @name where signal_id = @id
                  and not exists (select 1 from signal x where x.machine_id = @To and x.name = @name)
                """, new { move.To, name, id }));
        }
    }

    private sealed class RevisionRow
    {
        public long Revision { get; set; }
        public long AtUs { get; set; }
        public string Author { get; set; } = "";
        public string Origin { get; set; } = "";
        public string Source { get; set; } = "";
        public string Comment { get; set; } = "";
        public long? ValidFromUs { get; set; }
        public string Document { get; set; } = "";

        public PlantRevision ToRevision() => new(Revision, AtUs, Author, Origin, Source, Comment, ValidFromUs, Document);
    }
}
