using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using OeeOrleans.Configuration.Document;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Plant;

namespace OeeOrleans.Configuration;

/// <summary>The plant's configuration in one process: what it is now, and how it is changed. Safe for concurrent use.</summary>
public sealed class PlantConfiguration(
    IStore store, PlantDirectory directory, TimeProvider clock, ILogger<PlantConfiguration> log) : IDisposable
{
    /// <summary>Edits of other parts that may come in between, before a caller is told that it was not the first.</summary>
    private const int MaxRaces = 8;

    private readonly PlantChanges _changes = new(store, clock);
    private readonly SemaphoreSlim _taking = new(1);
    private volatile PlantState? _state;

    /// <summary>The newest revision, as the store has it now.</summary>
    /// <exception cref="StoreUnavailableException">The store is away.</exception>
    public async Task<PlantState> ReadAsync(CancellationToken cancellationToken)
    {
        await RefreshAsync(cancellationToken);
        return _state ?? throw new StoreUnavailableException("no silo has written the plant model yet");
    }

    /// <summary>The newest revision, as it was at hand last; also while the store is away.</summary>
    public async ValueTask<PlantState> AtHandAsync(CancellationToken cancellationToken) => _state ?? await ReadAsync(cancellationToken);

    /// <summary>Makes edits, all or none, as one revision.</summary>
    /// <param name="edits">In their order.</param>
    /// <param name="tags">What the parts that are edited are thought to be, by <see cref="PlantEditor.TagOf"/>; those not named may be
    /// anything.</param>
    /// <param name="author">Who makes them.</param>
    /// <param name="validFromUs">From when on what OEE depends on holds; null: from now on.</param>
    /// <exception cref="EditException">They cannot be made.</exception>
    /// <exception cref="PendingModelException">Something is to hold from a later time on, and no time was given.</exception>
    public async Task<PlantState> EditAsync(
        IReadOnlyList<PlantEdit> edits, IReadOnlyDictionary<(PlantPart Part, string Id), string> tags, PlantAuthor author,
        long? validFromUs, CancellationToken cancellationToken)
    {
        for (var race = 0; race < MaxRaces; race++)
        {
            var before = await ReadAsync(cancellationToken);
            var (document, said) = Edited(before, edits, tags);
            if (document.SameAs(before.Document)) return before;
            var source = RevisionSource.Api;
            if (await _changes.WriteAsync(before, document, author, source, validFromUs ?? said, cancellationToken) is { } written)
            {
                await TakeAsync(written, cancellationToken);
                return written;
            }
        }

        throw new EditException(EditFailure.Changed, "others are changing the plant all the time; read it again and try once more");
    }

    /// <summary>Makes an earlier revision's document the newest one again.</summary>
    /// <exception cref="EditException">There is no such revision, or this release cannot read it.</exception>
    public async Task<PlantState> RollBackAsync(
        long revision, PlantAuthor author, long? validFromUs, CancellationToken cancellationToken)
    {
        var state = await RollBack.RunAsync(store, _changes, revision, author, validFromUs, cancellationToken);
        await TakeAsync(state, cancellationToken);
        return state;
    }

    /// <summary>What a document would be after edits; nothing is written.</summary>
    /// <returns>The document, and from when on it is to hold as its parts say; null when they do not.</returns>
    public (PlantDocument Document, long? ValidFromUs) Edited(
        PlantState before, IReadOnlyList<PlantEdit> edits, IReadOnlyDictionary<(PlantPart Part, string Id), string> tags)
    {
        var editor = new PlantEditor(before.Document);
        foreach (var (part, id) in edits.Select(e => (e.Part, e.Id)).Distinct())
        {
            if (tags.TryGetValue((part, id), out var tag) && editor.TagOf(part, id) is { } now && now != tag && tag != "*")
            {
                throw new EditException(
                    EditFailure.Changed, $"the {EditException.Name(part)} '{id}' was changed since it was read; read it again");
            }
        }

        long? validFromUs = null;
        foreach (var edit in edits)
        {
            editor.Apply(edit);
            if (edit.Deed == PlantDeed.Remove || editor.Show(edit.Part, edit.Id) is not JsonObject shown) continue;
            if (shown["valid_from"] is { } said && UnixMicros.TryParse(said.ToString(), out var from)) validFromUs = from;
        }

        var document = editor.Document;
        try
        {
            if (document.Read().Site.Id is var site && site != before.Plant.Site.Id)
            {
                throw new EditException(EditFailure.Conflict, $"the site's id '{before.Plant.Site.Id}' cannot be changed");
            }
        }
        catch (ConfigException error)
        {
            throw editor.Invalid(error);
        }

        return (document, validFromUs);
    }

    /// <summary>Takes in what the store has since; also what another process wrote.</summary>
    public async Task RefreshAsync(CancellationToken cancellationToken)
    {
        var newest = await store.Plant.ReadNewestRevisionAsync(cancellationToken);
        if (newest == 0 || newest == _state?.Revision.Revision) return;
        if (await _changes.ReadAsync(cancellationToken) is { } state) await TakeAsync(state, cancellationToken);
    }

    public void Dispose() => _taking.Dispose();

    private async Task TakeAsync(PlantState state, CancellationToken cancellationToken)
    {
        await _taking.WaitAsync(cancellationToken);
        try
        {
            if (_state is { } known && known.Revision.Revision >= state.Revision.Revision) return;
            _state = state;
            // The one that this process started with.
            if (directory.Now.Revision == state.Revision.Revision) return;
            store.ForgetSignals();
            directory.Take(state.Plant, state.Models, state.Revision.Revision);
            Log.Taken(log, state.Revision.Revision, UnixMicros.ToIso(state.Revision.AtUs), state.Revision.Author);
        }
        finally
        {
            _taking.Release();
        }
    }
}
