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
    private const int DefaultDays = 7;
    private const int MaxDays = 31;

    public static void Map(IEndpointRouteBuilder api)
    {
        api.MapPost("/config/drafts", async (
            HttpContext context, Caller caller, PlantConfiguration plant, IStore store, TimeProvider clock) =>
            Results.Created((string?)null, await SaveAsync(context, caller, plant, store, clock, $"{Guid.NewGuid():N}")))
        .Needs(AccessPolicy.Administer).Produces<DraftDocument>(201)
        .WithSummary(
            "Gathers changes without making them: { comment, changes: [{ op: add|replace|merge|remove, part: assets|tags|calendars|reasons|"
                + "thresholds|sources, id, value }] }");

        api.MapGet("/config/drafts", async (HttpContext context, Caller caller, PlantConfiguration plant, IStore store) =>
        {
            var drafts = await store.Plant.ReadDraftsAsync(context.RequestAborted);
            var state = await plant.AtHandAsync(context.RequestAborted);
            // What each would make another is told of one that is asked for: it costs a look at the whole plant.
            var seen = drafts.Where(d => PlantDrafts.Sees(caller, d, state));
            return new Page<DraftDocument>([.. seen.Select(d => DraftDocument.Of(d, null, state))]);
        })
        .Needs(AccessPolicy.Administer).Produces<Page<DraftDocument>>()
        .WithSummary("Drafts, newest first; who administers a part of the plant sees his own");

        api.MapGet("/config/drafts/{id}", async (
            string id, HttpContext context, Caller caller, PlantConfiguration plant, IStore store) =>
        {
            var draft = await PlantDrafts.FindAsync(id, caller, plant, store, context.RequestAborted);
            return DraftDocument.Of(draft, plant, await plant.AtHandAsync(context.RequestAborted));
        })
        .Needs(AccessPolicy.Administer).Produces<DraftDocument>().WithSummary("One draft, with what it would make another");

        api.MapPut("/config/drafts/{id}", async (
            string id, HttpContext context, Caller caller, PlantConfiguration plant, IStore store, TimeProvider clock) =>
        {
            await PlantDrafts.FindAsync(id, caller, plant, store, context.RequestAborted);
            return await SaveAsync(context, caller, plant, store, clock, id);
        })
        .Needs(AccessPolicy.Administer).Produces<DraftDocument>().WithSummary("Makes a draft's changes what is given");

        api.MapDelete("/config/drafts/{id}", async (
            string id, HttpContext context, Caller caller, PlantConfiguration plant, IStore store, TimeProvider clock) =>
        {
            await PlantDrafts.FindAsync(id, caller, plant, store, context.RequestAborted);
            await PlantDrafts.DiscardAsync(id, caller, Origin.Of(context), store, clock, context.RequestAborted);
            return Results.NoContent();
        })
        .Needs(AccessPolicy.Administer).WithSummary("Discards a draft. Audited");

        api.MapGet("/config/drafts/{id}/trial", async (
            string id, HttpContext context, Caller caller, PlantConfiguration plant, IStore store, PlantTrials trials,
            TimeProvider clock) =>
        {
            var draft = await PlantDrafts.FindAsync(id, caller, plant, store, context.RequestAborted);
            var days = Parameters.Integer(context.Request, "days", DefaultDays, 1, MaxDays);
            var nowUs = UnixMicros.Now(clock);
            return await trials.RunAsync(
                plant, await plant.ReadAsync(context.RequestAborted), PlantDrafts.EditsOf(draft), caller,
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
            var draft = await PlantDrafts.FindAsync(id, caller, plant, store, context.RequestAborted);
            var state = await PlantDrafts.ActivateAsync(
                draft, PlantEdits.Comment(body.Comment ?? draft.Comment), PlantEdits.ValidFrom(body.ValidFrom), caller, Origin.Of(context),
                plant, store, clock, context.RequestAborted);
            return RevisionDocument.Of(state.Revision, null);
        })
        .Needs(AccessPolicy.Administer).Produces<RevisionDocument>()
        .WithSummary("Makes a draft's changes, as one revision, from a time on; 412 when somebody changed the same meanwhile");
    }

    private static async Task<DraftDocument> SaveAsync(
        HttpContext context, Caller caller, PlantConfiguration plant, IStore store, TimeProvider clock, string id)
    {
        var body = await PlantEdits.BodyAsync(context);
        var edits = EditJson.Read(body["changes"]);
        var comment = PlantEdits.Comment(body["comment"]?.ToString());
        return await PlantDrafts.SaveAsync(
            id, edits, comment, caller, Origin.Of(context), plant, store, clock, context.RequestAborted);
    }
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
        var edits = PlantDrafts.EditsOf(draft);
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
