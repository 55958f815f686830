using System.Text.Json.Nodes;
using OeeOrleans.Configuration;
using OeeOrleans.Configuration.Document;
using OeeOrleans.Gateway.Access;
using OeeOrleans.Gateway.Api;
using OeeOrleans.Gateway.Api.Plant;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Plant;

namespace OeeOrleans.Gateway.Board.Configure;

/// <summary>
/// The plant as it is with one person's changes that are not active yet. They are a draft in the store: they are there tomorrow, and at
/// another browser.
/// </summary>
internal sealed class DraftDesk(PlantConfiguration plant, IStore store, TimeProvider clock)
{
    private const string Origin = "board";

    private IReadOnlyList<(PlantEdit Edit, string? Tag)> _edits = [];
    private PlantState? _state;
    private string? _draft;

    /// <summary>The plant as it is active.</summary>
    public PlantState State => _state ?? throw new InvalidOperationException("nothing was read yet");

    /// <summary>The plant with the changes, as far as they can be made.</summary>
    public PlantEditor Editor { get; private set; } = null!;

    /// <summary>The same, read.</summary>
    public PlantModel Plant { get; private set; } = null!;

    /// <summary>What the changes make another.</summary>
    public IReadOnlyList<DocumentDifference> Differences { get; private set; } = [];

    /// <summary>Why they cannot be made any more; null: they can.</summary>
    public string? Problem { get; private set; }

    public bool HasChanges => _edits.Count > 0;

    public IReadOnlyList<(PlantEdit Edit, string? Tag)> Edits => _edits;

    /// <summary>One draft a person; another one's are under the API.</summary>
    private static string IdOf(Caller caller) => $"board:{caller.Identity.Label}";

    public async Task ReadAsync(Caller caller)
    {
        var state = await plant.AtHandAsync(default);
        // Grants are taken away: of what one may not change any more nothing is shown.
        var draft = (await store.Plant.ReadDraftsAsync(default))
            .Find(d => d.Id == IdOf(caller) && d.Author == caller.Identity.Label && PlantDrafts.Sees(caller, d, state));
        // A page reads every few seconds, and a large plant is long to read.
        if (ReferenceEquals(state, _state) && draft?.Edits == _draft) return;
        Take(state, draft is null ? [] : PlantDrafts.EditsOf(draft));
        _draft = draft?.Edits;
    }

    /// <summary>Gathers a change; of the same part the newest counts.</summary>
    /// <param name="tag">Of what it was made for, as <see cref="Editor"/> had it; null: of what is new.</param>
    /// <exception cref="EditException">It cannot be made, or is made for what it is not any more.</exception>
    public async Task KeepAsync(Caller caller, PlantEdit edit, string? tag)
    {
        await ReadAsync(caller);
        if (tag is not null && Editor.TagOf(edit.Part, edit.Id) is { } now && now != tag)
        {
            throw new EditException(
                EditFailure.Changed, "it was changed since it was shown here; it is shown as it is now, look at it and change it again");
        }

        // As the last one, so that what is wrong with it is told of its own fields.
        var tried = _edits.Select(e => e.Edit).Append(edit).ToList();
        _ = plant.Edited(State, tried, new Dictionary<(PlantPart, string), string>(), null);
        await SaveAsync(caller, With(_edits, edit));
    }

    /// <summary>Takes one part's changes back.</summary>
    public async Task ForgetAsync(Caller caller, PlantPart part, string id)
    {
        await ReadAsync(caller);
        await SaveAsync(caller, [.. _edits.Where(e => e.Edit.Part != part || e.Edit.Id != id)]);
    }

    public async Task DiscardAsync(Caller caller)
    {
        await PlantDrafts.DiscardAsync(IdOf(caller), caller, Origin, store, clock, default);
        await ReadAsync(caller);
    }

    /// <returns>The revision that has the changes.</returns>
    public async Task<long> ActivateAsync(Caller caller, string comment, long? validFromUs)
    {
        var draft = await PlantDrafts.FindAsync(IdOf(caller), caller, plant, store, default);
        var state = await PlantDrafts.ActivateAsync(
            draft, PlantEdits.Comment(comment), validFromUs, caller, Origin, plant, store, clock, default);
        await ReadAsync(caller);
        return state.Revision.Revision;
    }

    /// <summary>The edits with one more. What replaces something that was to be added is what is added.</summary>
    internal static IReadOnlyList<(PlantEdit Edit, string? Tag)> With(IReadOnlyList<(PlantEdit Edit, string? Tag)> edits, PlantEdit edit)
    {
        var same = edits.Where(e => e.Edit.Part == edit.Part && e.Edit.Id == edit.Id).ToList();
        if (same.Count == 0) return [.. edits, (edit, null)];
        var added = same.FirstOrDefault(e => e.Edit.Deed == PlantDeed.Add);
        if (added.Edit is null)
        {
            // The tag of when it was first looked at: what others changed since is not overwritten.
            return [.. edits.Except(same), (edit, same[0].Tag)];
        }

        if (edit.Deed == PlantDeed.Remove)
        {
            // A machine goes with its tags; a threshold of the same name stays.
            bool IsOf(PlantPart part) => part == edit.Part || (edit.Part == PlantPart.Asset && part == PlantPart.Tags);
            return [.. edits.Where(e => e.Edit.Id != edit.Id || !IsOf(e.Edit.Part))];
        }

        var value = edit.Value?.DeepClone();
        // What is not moved is where it was to be made.
        if (value is JsonObject said && said["parent_id"] is null && (added.Edit.Value as JsonObject)?["parent_id"] is { } parent)
        {
            said["parent_id"] = parent.DeepClone();
        }

        return [.. edits.Select(e => e == added ? (added.Edit with { Value = value }, added.Tag) : e)];
    }

    private async Task SaveAsync(Caller caller, IReadOnlyList<(PlantEdit Edit, string? Tag)> edits)
    {
        if (edits.Count == 0)
        {
            if (HasChanges) await DiscardAsync(caller);
            return;
        }

        await PlantDrafts.SaveAsync(IdOf(caller), edits, "", caller, Origin, plant, store, clock, default);
        await ReadAsync(caller);
    }

    private void Take(PlantState state, IReadOnlyList<(PlantEdit Edit, string? Tag)> edits)
    {
        (_state, _edits, Problem) = (state, edits, null);
        try
        {
            var (document, _) = plant.Edited(state, [.. edits.Select(e => e.Edit)], DraftDocument.TagsOf(edits), null);
            (Editor, Plant) = (new PlantEditor(document), document.Read());
            Differences = DocumentDiff.Of(state.Document, document);
        }
        catch (EditException error)
        {
            (Editor, Plant) = (new PlantEditor(state.Document), state.Plant);
            (Differences, Problem) = ([], error.Message);
        }
    }
}
