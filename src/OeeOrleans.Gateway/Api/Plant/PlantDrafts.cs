using System.Text.Json.Nodes;
using OeeOrleans.Access.Grants;
using OeeOrleans.Configuration;
using OeeOrleans.Configuration.Document;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Model;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Plant;

namespace OeeOrleans.Gateway.Api.Plant;

/// <summary>Drafts: changes that are gathered in the store, by whoever may make them, until they are activated or discarded.</summary>
internal static class PlantDrafts
{
    private const int MaxDrafts = 200;
    private const int MaxBytes = 4 << 20;

    /// <summary>Keeps a draft whose changes can be made as the plant is now; nothing is changed by it. Audited.</summary>
    /// <param name="edits">Each with the tag of what it was made for; null: as it is now.</param>
    /// <exception cref="EditException">They cannot be made, or there are too many drafts.</exception>
    public static async Task<DraftDocument> SaveAsync(
        string id, IReadOnlyList<(PlantEdit Edit, string? Tag)> edits, string comment, Caller caller, string origin,
        PlantConfiguration plant, IStore store, TimeProvider clock, CancellationToken cancellationToken)
    {
        var state = await plant.ReadAsync(cancellationToken);
        var editor = new PlantEditor(state.Document);
        // What was seen when it was drafted; what is changed since stops it.
        edits = [.. edits.Select(e => (e.Edit, Tag: e.Tag ?? editor.TagOf(e.Edit.Part, e.Edit.Id)))];
        PermitAll(caller, state, edits);
        _ = plant.Edited(state, [.. edits.Select(e => e.Edit)], new Dictionary<(PlantPart, string), string>(), null);
        var text = EditJson.Write(edits).ToJsonString();
        if (text.Length > MaxBytes) throw new BadParameterException("changes", $"a draft has at most {MaxBytes >> 20} MB");
        var drafts = await store.Plant.ReadDraftsAsync(cancellationToken);
        if (drafts.Count >= MaxDrafts && drafts.TrueForAll(d => d.Id != id))
        {
            throw new EditException(EditFailure.Conflict, $"there are {MaxDrafts} drafts already; activate or discard some");
        }

        var draft = new PlantDraft(id, UnixMicros.Now(clock), caller.Identity.Label, comment, text);
        var audit = Audit(caller, origin, clock, "config.draft", id, new JsonObject { ["changes"] = edits.Count, ["comment"] = comment });
        await store.Plant.SaveDraftAsync(draft, audit, cancellationToken);
        return DraftDocument.Of(draft, plant, state);
    }

    /// <exception cref="NotFoundException">There is none, for this caller.</exception>
    public static async Task<PlantDraft> FindAsync(
        string id, Caller caller, PlantConfiguration plant, IStore store, CancellationToken cancellationToken)
    {
        var found = (await store.Plant.ReadDraftsAsync(cancellationToken)).Find(d => d.Id == id);
        if (found is not null && Sees(caller, found, await plant.ReadAsync(cancellationToken))) return found;
        throw new NotFoundException($"there is no draft '{id}'");
    }

    /// <summary>One's own, as long as one may still make what it says: names may be given again, and grants taken away.</summary>
    public static bool Sees(Caller caller, PlantDraft draft, PlantState state)
    {
        if (caller.Scope.AllowsEverywhere(Permission.Administer)) return true;
        if (draft.Author != caller.Identity.Label) return false;
        var editor = new PlantEditor(state.Document);
        // What is gone meanwhile is no secret, and what it says cannot be made.
        return EditsOf(draft).All(e => e.Edit.Part is not (PlantPart.Asset or PlantPart.Tags) || editor.KindOf(e.Edit.Id) is null
            || (editor.LineOf(e.Edit.Part, e.Edit.Id) is { } line && caller.Scope.Allows(Permission.Administer, line)));
    }

    /// <summary>Makes its changes as one revision, and forgets it. Audited.</summary>
    /// <exception cref="EditException">They cannot be made any more; somebody changed the same meanwhile.</exception>
    public static async Task<PlantState> ActivateAsync(
        PlantDraft draft, string comment, long? validFromUs, Caller caller, string origin, PlantConfiguration plant, IStore store,
        TimeProvider clock, CancellationToken cancellationToken)
    {
        var edits = EditsOf(draft);
        var author = new PlantAuthor(caller.Identity.Label, origin, comment);
        var state = await plant.EditAsync(
            [.. edits.Select(e => e.Edit)], DraftDocument.TagsOf(edits), author, validFromUs, s => PermitAll(caller, s, edits),
            cancellationToken);
        var audit = Audit(
            caller, origin, clock, "config.draft.activate", draft.Id, new JsonObject { ["revision"] = state.Revision.Revision });
        await store.Plant.DeleteDraftAsync(draft.Id, audit, cancellationToken);
        return state;
    }

    /// <exception cref="NotFoundException">There is none.</exception>
    public static async Task DiscardAsync(
        string id, Caller caller, string origin, IStore store, TimeProvider clock, CancellationToken cancellationToken)
    {
        var audit = Audit(caller, origin, clock, "config.draft.discard", id, []);
        if (!await store.Plant.DeleteDraftAsync(id, audit, cancellationToken)) throw new NotFoundException($"there is no draft '{id}'");
    }

    public static IReadOnlyList<(PlantEdit Edit, string? Tag)> EditsOf(PlantDraft draft) => EditJson.Read(JsonNode.Parse(draft.Edits));

    private static void PermitAll(Caller caller, PlantState state, IReadOnlyList<(PlantEdit Edit, string? Tag)> edits)
    {
        var (editor, before) = (new PlantEditor(state.Document), new PlantEditor(state.Document));
        foreach (var (edit, _) in edits)
        {
            PlantEdits.Permit(caller, editor, edit, before);
            // What a later one is below may be made by an earlier one.
            editor.Apply(edit);
        }
    }

    private static AuditEntry Audit(Caller caller, string origin, TimeProvider clock, string action, string id, JsonObject detail) =>
        new(UnixMicros.Now(clock), caller.Identity.Label, action, id, detail.ToJsonString()) { Origin = origin };
}
