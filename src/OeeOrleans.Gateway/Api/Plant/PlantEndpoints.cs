using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using OeeOrleans.Access.Grants;
using OeeOrleans.Configuration;
using OeeOrleans.Configuration.Document;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Plant;

namespace OeeOrleans.Gateway.Api.Plant;

/// <summary>The plant as data: assets, tag mappings, calendars and reasons are read and changed while it runs; revisions, and
/// back.</summary>
internal static class PlantEndpoints
{
    private const int MaxRevisions = 1_000;

    public static void Map(IEndpointRouteBuilder api)
    {
        MapAssets(api);
        MapList(api, "calendars", PlantPart.Calendar, "A calendar: shifts, breaks, exceptions");
        MapList(api, "reasons", PlantPart.Reason, "A reason for stops");
        MapList(api, "thresholds", PlantPart.Threshold, "A limit of a signal or figure, which raises an event");
        MapList(api, "sources", PlantPart.Source, "What an edge node reads, beside what its own file says; it is told through the broker");
        MapRevisions(api);
        DraftEndpoints.Map(api);
        DiscoveredEndpoints.Map(api);
    }

    private static void MapAssets(IEndpointRouteBuilder api)
    {
        api.MapPost("/assets", async (HttpContext context, Caller caller, PlantConfiguration plant) =>
        {
            return await PlantEdits.AddAsync(context, caller, plant, PlantPart.Asset, await PlantEdits.BodyAsync(context));
        })
        .WithQuery(PlantEdits.Query).Needs(AccessPolicy.Administer).Produces<AssetDocument>(201)
        .WithSummary("Adds an area, line, cell or machine: { id, kind, parent_id, ... } with the keys of plant.yaml. In force at once");
        MapChange(
            api, "/assets/{id}", HttpMethods.Put, PlantPart.Asset, PlantDeed.Replace,
            "Makes an asset what is given; what is below it stays");
        MapChange(
            api, "/assets/{id}", HttpMethods.Patch, PlantPart.Asset, PlantDeed.Merge,
            "Changes the given keys of an asset; null takes one away (RFC 7396)");
        MapChange(
            api, "/assets/{id}", HttpMethods.Delete, PlantPart.Asset, PlantDeed.Remove,
            "Retires a machine: gone from live answers, its history stays; removes a line, area or cell that is empty");
        MapChange(
            api, "/assets/{id}/tags", HttpMethods.Put, PlantPart.Tags, PlantDeed.Replace,
            "Makes a machine's tag mappings what is given: { items: [{ metric, signal, ... }] }");
    }

    private static void MapList(IEndpointRouteBuilder api, string path, PlantPart part, string what)
    {
        // Reasons are listed for everybody who gives some.
        if (part != PlantPart.Reason)
        {
            api.MapGet($"/{path}", async (
                HttpContext context, Caller caller, PlantConfiguration plant, PlantDirectory directory) =>
            {
                var editor = new PlantEditor((await plant.AtHandAsync(context.RequestAborted)).Document);
                var seen = editor.ShowAll(part).Where(p => Sees(caller, directory, part, p));
                return Results.Json(new JsonObject { ["items"] = new JsonArray([.. seen]), ["next"] = null });
            })
            .Needs(AccessPolicy.Look).WithSummary($"{what}: all of them");
        }

        api.MapGet($"/{path}/{{id}}", async (
            string id, HttpContext context, Caller caller, PlantConfiguration plant, PlantDirectory directory) =>
        {
            var editor = new PlantEditor((await plant.AtHandAsync(context.RequestAborted)).Document);
            return Sees(caller, directory, part, editor.Show(part, id))
                ? PlantEdits.Answer(context, editor, part, id)
                : throw new NotFoundException($"there is no {part.ToString().ToLowerInvariant()} '{id}'");
        })
        .Needs(AccessPolicy.Look).WithSummary($"{what}: one, with its ETag");
        api.MapPost($"/{path}", async (HttpContext context, Caller caller, PlantConfiguration plant) =>
        {
            return await PlantEdits.AddAsync(context, caller, plant, part, await PlantEdits.BodyAsync(context));
        })
        .WithQuery(PlantEdits.Query).Needs(AccessPolicy.AdministerPlant).WithSummary($"{what}: adds one");
        MapChange(api, $"/{path}/{{id}}", HttpMethods.Put, part, PlantDeed.Replace, $"{what}: makes it what is given");
        MapChange(api, $"/{path}/{{id}}", HttpMethods.Patch, part, PlantDeed.Merge, $"{what}: changes the given keys (RFC 7396)");
        MapChange(api, $"/{path}/{{id}}", HttpMethods.Delete, part, PlantDeed.Remove, $"{what}: takes it away, when nothing needs it");
    }

    /// <summary>A limit is of a machine, and so is a source whose device is one; calendars and reasons are of all.</summary>
    private static bool Sees(Caller caller, PlantDirectory directory, PlantPart part, JsonNode? shown) => part switch
    {
        PlantPart.Threshold => shown?["machine"] is not { } machine || caller.Scope.Sees(machine.ToString()),
        PlantPart.Source when shown is not null => SeesSource(caller, directory, shown),
        _ => true,
    };

    private static bool SeesSource(Caller caller, PlantDirectory directory, JsonNode shown)
    {
        if (caller.Scope.IsWhole) return true;
        var (node, device) = (shown["edge_node"]?.ToString(), (shown["device"] ?? shown["id"])?.ToString());
        var machine = directory.FindDevice(node ?? "", device ?? "");
        return machine is not null && caller.Scope.Sees(machine.Id);
    }

    private static void MapChange(
        IEndpointRouteBuilder api, string route, string method, PlantPart part, PlantDeed deed, string summary) => api
        .MapMethods(route, [method], async (string id, HttpContext context, Caller caller, PlantConfiguration plant) =>
        {
            JsonNode? value = deed == PlantDeed.Remove ? null : await PlantEdits.BodyAsync(context);
            if (part == PlantPart.Tags) value = value?["items"]?.DeepClone();
            return await PlantEdits.MakeAsync(context, caller, plant, new PlantEdit(deed, part, id, value));
        })
        .WithQuery(PlantEdits.Query)
        .Needs(part is PlantPart.Asset or PlantPart.Tags ? AccessPolicy.Administer : AccessPolicy.AdministerPlant)
        .WithSummary($"{summary}. Needs If-Match");

    private static void MapRevisions(IEndpointRouteBuilder api)
    {
        api.MapGet("/config", async (HttpContext context, PlantConfiguration plant) =>
        {
            var state = await plant.ReadAsync(context.RequestAborted);
            context.Response.Headers[PlantEdits.RevisionHeader] = $"{state.Revision.Revision}";
            return Results.Json(PlantExport.Of(state));
        })
        .Needs(AccessPolicy.AdministerPlant)
        .WithSummary("The whole plant as data, with the history of its machines' models: what `oee config import` takes");

        api.MapGet("/config/revisions", async (HttpRequest request, IStore store, CancellationToken cancellationToken) =>
        {
            var limit = Parameters.Integer(request, "limit", 100, 1, MaxRevisions);
            var before = Parameters.Text(request, "cursor") is null
                ? (int?)null
                : Parameters.Integer(request, "cursor", 0, 1, int.MaxValue);
            var found = await store.Plant.ReadRevisionsAsync(before, limit, cancellationToken);
            var next = found.Count == limit && found[^1].Revision > 1 ? $"{found[^1].Revision}" : null;
            return new Page<RevisionDocument>([.. found.Select(r => RevisionDocument.Of(r, null))], next);
        })
        .WithQuery(("limit", "1 to 1000; default 100"), ("cursor", "`next` of the answer before"))
        .Needs(AccessPolicy.AdministerPlant).Produces<Page<RevisionDocument>>().WithSummary("Revisions of the plant, newest first");

        api.MapGet("/config/revisions/{revision:long}", async (long revision, IStore store, CancellationToken cancellationToken) =>
        {
            var found = await store.Plant.ReadRevisionAsync(revision, cancellationToken)
                ?? throw new NotFoundException($"there is no revision {revision}");
            var before = await store.Plant.ReadRevisionAsync(revision - 1, cancellationToken);
            var differences = before is null
                ? []
                : DocumentDiff.Of(PlantDocument.Parse(before.Document), PlantDocument.Parse(found.Document));
            return RevisionDocument.Of(found, differences);
        })
        .Needs(AccessPolicy.AdministerPlant).Produces<RevisionDocument>()
        .WithSummary("One revision, and what it made another than the one before");

        api.MapPost("/config/rollback", async (
            RollbackRequest body, HttpContext context, Caller caller, PlantConfiguration plant) =>
        {
            var revision = body.Revision ?? throw new BadParameterException("revision", "'revision' is missing");
            var author = PlantEdits.AuthorOf(context, caller) with { Comment = PlantEdits.Comment(body.Comment) };
            var state = await plant.RollBackAsync(revision, author, PlantEdits.ValidFrom(body.ValidFrom), context.RequestAborted);
            return RevisionDocument.Of(state.Revision, null);
        })
        .Needs(AccessPolicy.AdministerPlant).Produces<RevisionDocument>()
        .WithSummary("Makes the plant what it was in an earlier revision; that is a new revision. In force at once");
    }
}

/// <summary>Back to a revision.</summary>
internal sealed record RollbackRequest(long? Revision, string? Comment, DateTimeOffset? ValidFrom);

/// <summary>A revision of the plant; with its differences where one is asked for.</summary>
internal sealed record RevisionDocument(
    long Revision, DateTimeOffset At, string Author, string Origin, string Source, string Comment, DateTimeOffset? ValidFrom,
    IReadOnlyList<DifferenceDocument>? Differences)
{
    public static RevisionDocument Of(PlantRevision r, IReadOnlyList<DocumentDifference>? differences) => new(
        r.Revision, UnixMicros.ToDateTimeOffset(r.AtUs), r.Author, r.Origin, r.Source, r.Comment,
        UnixMicros.ToDateTimeOffset(r.ValidFromUs),
        differences is null ? null : DifferenceDocument.Of(differences));
}

/// <summary>What differs: of which part which key, as it was and as it is.</summary>
internal sealed record DifferenceDocument(string What, string Path, JsonNode? Before, JsonNode? After)
{
    public static IReadOnlyList<DifferenceDocument> Of(IReadOnlyList<DocumentDifference> differences) =>
        [.. differences.Select(d => new DifferenceDocument(d.What, d.Path, d.Before, d.After))];
}
