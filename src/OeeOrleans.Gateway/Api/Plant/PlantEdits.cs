using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using OeeOrleans.Access.Grants;
using OeeOrleans.Configuration;
using OeeOrleans.Configuration.Document;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Model;

namespace OeeOrleans.Gateway.Api.Plant;

/// <summary>What the endpoints that change the plant have in common: who may, what was read, from when on, why.</summary>
internal static class PlantEdits
{
    /// <summary>The number of the revision that an answer is of.</summary>
    public const string RevisionHeader = "Plant-Revision";

    private const int MaxComment = 500;

    /// <summary>Query parameters of every change.</summary>
    public static readonly (string Name, string Description)[] Query =
    [
        ("valid_from", "ISO 8601: from when on what OEE depends on holds; default now"), ("comment", "why, for the revision and the audit"),
    ];

    /// <summary>Adds what a body says, under the id that stands in it.</summary>
    public static Task<IResult> AddAsync(HttpContext context, Caller caller, PlantConfiguration plant, PlantPart part, JsonObject body) =>
        MakeAsync(context, caller, plant, new PlantEdit(PlantDeed.Add, part, IdIn(body), body), needsTag: false);

    /// <summary>Makes one edit, and answers with the part as it is then.</summary>
    public static async Task<IResult> MakeAsync(
        HttpContext context, Caller caller, PlantConfiguration plant, PlantEdit edit, bool needsTag = true)
    {
        var tag = needsTag ? TagOf(context.Request) : null;
        var state = await EditAsync(
            edit, tag, caller, plant, AuthorOf(context, caller), ValidFrom(context.Request), context.RequestAborted);
        context.Response.Headers[RevisionHeader] = $"{state.Revision.Revision}";
        if (edit.Deed == PlantDeed.Remove) return Results.NoContent();
        var location = edit.Deed == PlantDeed.Add ? $"/api/{edit.Path}" : null;
        return Answer(context, new PlantEditor(state.Document), edit.Part, edit.Id, location);
    }

    /// <summary>Makes one edit of what the caller may change.</summary>
    /// <param name="tag">Of what was read; null: none is needed.</param>
    public static Task<PlantState> EditAsync(
        PlantEdit edit, string? tag, Caller caller, PlantConfiguration plant, PlantAuthor author, long? validFromUs,
        CancellationToken cancellationToken)
    {
        Dictionary<(PlantPart, string), string> tags = [];
        if (tag is not null) tags[(edit.Part, edit.Id)] = tag;
        return plant.EditAsync(
            [edit], tags, author, validFromUs, s => Permit(caller, new PlantEditor(s.Document), edit), cancellationToken);
    }

    /// <summary>A part with its tag.</summary>
    /// <exception cref="NotFoundException">There is none.</exception>
    public static IResult Answer(HttpContext context, PlantEditor editor, PlantPart part, string id, string? location = null)
    {
        var shown = editor.Show(part, id) ?? throw new NotFoundException($"there is no {part.ToString().ToLowerInvariant()} '{id}'");
        context.Response.Headers.ETag = editor.TagOf(part, id);
        JsonNode body = shown is JsonArray items ? new JsonObject { ["items"] = items, ["next"] = null } : shown;
        if (location is null) return Results.Json(body);
        context.Response.Headers.Location = location;
        return Results.Json(body, statusCode: StatusCodes.Status201Created);
    }

    /// <exception cref="BadParameterException">The body is no JSON object.</exception>
    public static async Task<JsonObject> BodyAsync(HttpContext context)
    {
        try
        {
            using var reader = new StreamReader(context.Request.Body);
            if (StrictJson.Parse(await reader.ReadToEndAsync(context.RequestAborted)) is JsonObject body) return body;
        }
        catch (JsonException error)
        {
            throw new BadParameterException("body", $"the body is not JSON: {error.Message}");
        }

        throw new BadParameterException("body", "the body must be a JSON object");
    }

    public static string IdIn(JsonObject body) => body["id"] is JsonValue id && id.ToString() is { Length: > 0 } text
        ? text
        : throw new BadParameterException("id", "'id' is missing");

    public static PlantAuthor AuthorOf(HttpContext context, Caller caller) =>
        new(caller.Identity.Label, Origin.Of(context), Comment(Parameters.Text(context.Request, "comment")));

    public static string Comment(string? text)
    {
        if (text is { Length: > MaxComment })
        {
            throw new BadParameterException("comment", $"a comment has at most {MaxComment} characters");
        }

        return text?.Any(char.IsControl) == true
            ? throw new BadParameterException("comment", "a comment holds no control characters")
            : text ?? "";
    }

    public static long? ValidFrom(HttpRequest request) => Parameters.Text(request, "valid_from") is null
        ? null
        : Positive(Parameters.Time(request, "valid_from"));

    /// <summary>The `valid_from` of a body; null: it says none.</summary>
    public static long? ValidFrom(DateTimeOffset? time) => time is { } given ? Positive(UnixMicros.From(given)) : null;

    private static long Positive(long timeUs) => timeUs > 0
        ? timeUs
        : throw new BadParameterException("valid_from", "'valid_from' must be after 1970-01-01T00:00:00Z");

    /// <summary>
    /// Who administers a line changes it and what is in it; what is above lines, and what all of them use, is for administrators of the
    /// plant. So is to connect an edge node that no line of the caller has.
    /// </summary>
    /// <param name="editor">The plant when it is made: after the edits before it.</param>
    /// <param name="before">
    /// The plant before all of them; null: there are none before it. What they make may be changed by who made it.
    /// </param>
    public static void Permit(Caller caller, PlantEditor editor, PlantEdit edit, PlantEditor? before = null)
    {
        if (edit.Part is not (PlantPart.Asset or PlantPart.Tags))
        {
            caller.MustEverywhere(Permission.Administer);
            return;
        }

        // Of what is not there nothing is said that would tell it from what is another one's.
        if (edit.Deed != PlantDeed.Add && editor.KindOf(edit.Id) is null) throw new NotFoundException($"there is no asset '{edit.Id}'");
        var there = editor.LineOf(edit.Part, edit.Id);
        if (there is not null && IsThere(before, there)) caller.Must(Permission.Administer, there, $"there is no asset '{edit.Id}'");
        var isHigh = there is null && (edit.Deed != PlantDeed.Add || !caller.Scope.Allows(Permission.Administer));
        if (isHigh) caller.MustEverywhere(Permission.Administer);
        if (edit.Value is not JsonObject body) return;
        if (body["parent_id"]?.ToString() is { Length: > 0 } parent) PermitBelow(caller, editor, parent, before);
        else if (edit.Deed == PlantDeed.Add) caller.MustEverywhere(Permission.Administer);
        PermitEdgeNode(caller, editor, edit, body);
    }

    private static bool IsThere(PlantEditor? before, string asset) => before is null || before.KindOf(asset) is not null;

    private static void PermitBelow(Caller caller, PlantEditor editor, string parent, PlantEditor? before)
    {
        if (editor.KindOf(parent) is null && !caller.Scope.AllowsEverywhere(Permission.Administer))
        {
            throw new NotFoundException($"there is no asset '{parent}'");
        }

        if (editor.LineOf(PlantPart.Asset, parent) is { } line)
        {
            if (IsThere(before, line)) caller.Must(Permission.Administer, line, $"there is no asset '{parent}'");
            return;
        }

        // An area that is made by the same draft was made by an administrator of the plant.
        if (!caller.Scope.Administers(new Grant(Role.Dashboard, parent))) caller.MustEverywhere(Permission.Administer);
    }

    private static void PermitEdgeNode(Caller caller, PlantEditor editor, PlantEdit edit, JsonObject body)
    {
        var before = editor.Show(PlantPart.Asset, edit.Id);
        var (node, was) = (body["edge_node"]?.ToString(), before?["edge_node"]?.ToString());
        var device = body["device"]?.ToString();
        var isSame = (node is null || node == was) && (device is null || device == before?["device"]?.ToString());
        if (isSame || caller.Scope.AllowsEverywhere(Permission.Administer)) return;
        var edgeNode = node ?? was;
        var mine = caller.Scope.Lines.Where(l => caller.Scope.Allows(Permission.Administer, l.Id));
        var isMine = mine.SelectMany(l => l.Machines).Any(m => m.EdgeNode == edgeNode);
        if (!isMine) caller.MustEverywhere(Permission.Administer);
    }

    /// <summary>`If-Match`: one tag, or `*`.</summary>
    private static string TagOf(HttpRequest request)
    {
        var tag = request.Headers.IfMatch.ToString().Trim();
        return tag.Length > 0
            ? tag
            : throw new PreconditionRequiredException(
                "a change needs the header If-Match with the ETag of what was read, so that nobody overwrites what another one changed");
    }
}
