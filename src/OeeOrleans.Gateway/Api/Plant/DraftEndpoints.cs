using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OeeOrleans.Access.Grants;
using OeeOrleans.Configuration;
using OeeOrleans.Configuration.Document;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Model;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Plant;

namespace OeeOrleans.Gateway.Api.Plant;

/// <summary>Changes that are gathered, tried against what was, and then made or discarded.</summary>
internal static class DraftEndpoints
{
    private const int MaxDrafts = 200;
    private const int MaxBytes = 4 << 20;
    private const int DefaultDays = 7;
    private const int MaxDays = 31;

    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapPost("/config/drafts", async (
            HttpContext context, Caller caller, PlantConfiguration plant, IStore store, TimeProvider clock) =>
            Results.Created(
                (string?)null, await SaveAsync(context, caller, plant, store, clock, $"{Guid.NewGuid():N}")))
        .Needs(AccessPolicy.Administer).Produces<DraftDocument>(201)
        .WithSummary(
            "Gathers changes without making them: { comment, changes: [{ op: add|replace|merge|remove, part: assets|tags|calendars|reasons|"
                + "thresholds, id, value }] }");

        api.MapGet("/config/drafts", async (HttpContext context, Caller caller, PlantConfiguration plant, IStore store) =>
        {
            var drafts = await store.Plant.ReadDraftsAsync(context.RequestAborted);
            var state = await plant.AtHandAsync(context.RequestAborted);
            // What each would make another is told of one that is asked for: it costs a look at the whole plant.
            return new Page<DraftDocument>([.. drafts.Where(d => Sees(caller, d, state)).Select(d => DraftDocument.Of(d, null, state))]);
        })
        .Needs(AccessPolicy.Administer).Produces<Page<DraftDocument>>()
        .WithSummary("Drafts, newest first; who administers a part of the plant sees his own");

        api.MapGet("/config/drafts/{id}", async (
            string id, HttpContext context, Caller caller, PlantConfiguration plant, IStore store) => DraftDocument.Of(
                await FindAsync(id, caller, plant, store, context.RequestAborted), plant, await plant.AtHandAsync(context.RequestAborted)))
        .Needs(AccessPolicy.Administer).Produces<DraftDocument>().WithSummary("One draft, with what it would make another");

        api.MapPut("/config/drafts/{id}", async (
            string id, HttpContext context, Caller caller, PlantConfiguration plant, IStore store, TimeProvider clock) =>
        {
            await FindAsync(id, caller, plant, store, context.RequestAborted);
            return await SaveAsync(context, caller, plant, store, clock, id);
        })
        .Needs(AccessPolicy.Administer).Produces<DraftDocument>().WithSummary("Makes a draft's changes what is given");

        api.MapDelete("/config/drafts/{id}", async (
            string id, HttpContext context, Caller caller, PlantConfiguration plant, IStore store, TimeProvider clock) =>
        {
            await FindAsync(id, caller, plant, store, context.RequestAborted);
            var audit = Audit(context, caller, clock, "config.draft.discard", id, new JsonObject());
            return await store.Plant.DeleteDraftAsync(id, audit, context.RequestAborted)
                ? Results.NoContent()
                : throw new NotFoundException($"there is no draft '{id}'");
        })
        .Needs(AccessPolicy.Administer).WithSummary("Discards a draft. Audited");

        api.MapGet("/config/drafts/{id}/trial", async (
            string id, HttpContext context, Caller caller, PlantConfiguration plant, IStore store, PlantTrials trials,
            TimeProvider clock) =>
        {
            var draft = await FindAsync(id, caller, plant, store, context.RequestAborted);
            var days = Parameters.Integer(context.Request, "days", DefaultDays, 1, MaxDays);
            var nowUs = UnixMicros.Now(clock);
            return await trials.RunAsync(
                plant, await plant.ReadAsync(context.RequestAborted), EditsOf(draft), caller,
                nowUs - (days * UnixMicros.PerDay), nowUs, Parameters.Text(context.Request, "machine_id"), context.RequestAborted);
        })
        .WithQuery(("days", "1 to 31; default 7"), ("machine_id", "only this machine; default all that the draft changes, at most 20"))
        .Needs(AccessPolicy.Administer).Produces<TrialDocument>()
        .WithSummary(
            "What the last days would have read with a draft, by shift and in the Pareto, beside what they read; nothing is changed");

        api.MapPost("/config/drafts/{id}/activate", async (
            string id, ActivateRequest body, HttpContext context, Caller caller, PlantConfiguration plant, IStore store,
            TimeProvider clock) =>
        {
            var draft = await FindAsync(id, caller, plant, store, context.RequestAborted);
            var edits = EditsOf(draft);
            var tags = DraftDocument.TagsOf(edits);
            var comment = PlantEdits.Comment(body.Comment ?? draft.Comment);
            var validFrom = PlantEdits.ValidFrom(body.ValidFrom);
            var author = PlantEdits.AuthorOf(context, caller) with { Comment = comment };
            var state = await plant.EditAsync(
                [.. edits.Select(e => e.Edit)], tags, author, validFrom, s => PermitAll(caller, s, edits), context.RequestAborted);
            var audit = Audit(
                context, caller, clock, "config.draft.activate", id, new JsonObject { ["revision"] = state.Revision.Revision });
            await store.Plant.DeleteDraftAsync(id, audit, context.RequestAborted);
            return RevisionDocument.Of(state.Revision, null);
        })
        .Needs(AccessPolicy.Administer).Produces<RevisionDocument>()
        .WithSummary("Makes a draft's changes, as one revision, from a time on; 412 when somebody changed the same meanwhile");
    }

    private static async Task<DraftDocument> SaveAsync(
        HttpContext context, Caller caller, PlantConfiguration plant, IStore store, TimeProvider clock, string id)
    {
        var body = await PlantEdits.BodyAsync(context);
        var state = await plant.ReadAsync(context.RequestAborted);
        var editor = new PlantEditor(state.Document);
        // What was seen when it was drafted; what is changed since stops it.
        var edits = EditJson.Read(body["changes"]).Select(e => (e.Edit, Tag: e.Tag ?? editor.TagOf(e.Edit.Part, e.Edit.Id))).ToList();
        PermitAll(caller, state, edits);
        _ = plant.Edited(state, [.. edits.Select(e => e.Edit)], new Dictionary<(PlantPart, string), string>(), null);
        var text = EditJson.Write(edits).ToJsonString();
        if (text.Length > MaxBytes) throw new BadParameterException("changes", $"a draft has at most {MaxBytes >> 20} MB");
        var drafts = await store.Plant.ReadDraftsAsync(context.RequestAborted);
        if (drafts.Count >= MaxDrafts && drafts.TrueForAll(d => d.Id != id))
        {
            throw new EditException(EditFailure.Conflict, $"there are {MaxDrafts} drafts already; activate or discard some");
        }

        var comment = PlantEdits.Comment(body["comment"]?.ToString());
        var draft = new PlantDraft(id, UnixMicros.Now(clock), caller.Identity.Label, comment, text);
        var audit = Audit(context, caller, clock, "config.draft", id, new JsonObject { ["changes"] = edits.Count, ["comment"] = comment });
        await store.Plant.SaveDraftAsync(draft, audit, context.RequestAborted);
        return DraftDocument.Of(draft, plant, state);
    }

    private static void PermitAll(Caller caller, PlantState state, IReadOnlyList<(PlantEdit Edit, string? Tag)> edits)
    {
        var editor = new PlantEditor(state.Document);
        foreach (var (edit, _) in edits)
        {
            PlantEdits.Permit(caller, editor, edit);
            // What a later one is below may be made by an earlier one.
            editor.Apply(edit);
        }
    }

    internal static IReadOnlyList<(PlantEdit Edit, string? Tag)> EditsOf(PlantDraft draft) => EditJson.Read(JsonNode.Parse(draft.Edits));

    /// <summary>One's own, as long as one may still make what it says: names may be given again, and grants taken away.</summary>
    private static bool Sees(Caller caller, PlantDraft draft, PlantState state)
    {
        if (caller.Scope.AllowsEverywhere(Permission.Administer)) return true;
        if (draft.Author != caller.Identity.Label) return false;
        var editor = new PlantEditor(state.Document);
        // What is gone meanwhile is no secret, and what it says cannot be made.
        return EditsOf(draft).All(e => e.Edit.Part is not (PlantPart.Asset or PlantPart.Tags) || editor.KindOf(e.Edit.Id) is null
            || (editor.LineOf(e.Edit.Part, e.Edit.Id) is { } line && caller.Scope.Allows(Permission.Administer, line)));
    }

    private static async Task<PlantDraft> FindAsync(
        string id, Caller caller, PlantConfiguration plant, IStore store, CancellationToken cancellationToken)
    {
        var found = (await store.Plant.ReadDraftsAsync(cancellationToken)).Find(d => d.Id == id);
        if (found is not null && Sees(caller, found, await plant.ReadAsync(cancellationToken))) return found;
        throw new NotFoundException($"there is no draft '{id}'");
    }

    private static AuditEntry Audit(HttpContext context, Caller caller, TimeProvider clock, string action, string id, JsonObject detail) =>
        new(UnixMicros.Now(clock), caller.Identity.Label, action, id, detail.ToJsonString()) { Origin = Origin.Of(context) };
}

/// <summary>Activates a draft.</summary>
internal sealed record ActivateRequest(DateTimeOffset? ValidFrom = null, string? Comment = null);

/// <summary>A draft: its changes, and what they make another; `problem` says why they cannot be made as the plant is now.</summary>
internal sealed record DraftDocument(
    string Id, DateTimeOffset At, string Author, string Comment, JsonNode Changes, IReadOnlyList<DifferenceDocument> Differences,
    string? Problem)
{
    /// <summary>What the parts that are edited were when they were first looked at.</summary>
    public static Dictionary<(PlantPart Part, string Id), string> TagsOf(IReadOnlyList<(PlantEdit Edit, string? Tag)> edits) => edits
        .Where(e => e.Tag is not null)
        .GroupBy(e => (e.Edit.Part, e.Edit.Id))
        .ToDictionary(g => g.Key, g => g.First().Tag!);

    /// <param name="plant">Null: what it makes another is not told.</param>
    public static DraftDocument Of(PlantDraft draft, PlantConfiguration? plant, PlantState state)
    {
        var edits = DraftEndpoints.EditsOf(draft);
        IReadOnlyList<DifferenceDocument> differences = [];
        string? problem = null;
        try
        {
            if (plant is not null)
            {
                var (document, _) = plant.Edited(state, [.. edits.Select(e => e.Edit)], TagsOf(edits), null);
                differences = DifferenceDocument.Of(DocumentDiff.Of(state.Document, document));
            }
        }
        catch (EditException error)
        {
            problem = error.Message;
        }

        return new DraftDocument(
            draft.Id, UnixMicros.ToDateTimeOffset(draft.AtUs), draft.Author, draft.Comment, EditJson.Write(edits), differences, problem);
    }
}
