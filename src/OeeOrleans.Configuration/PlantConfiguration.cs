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
    /// <param name="validFromUs">From when on what OEE depends on holds where an edit does not say so itself; null: from now on.</param>
    /// <param name="permit">Asked about the plant that is edited, each time it is another one; throws when it may not be edited so.</param>
    /// <exception cref="EditException">They cannot be made.</exception>
    /// <exception cref="PendingModelException">Something is to hold from a later time on, and no time was given.</exception>
    public async Task<PlantState> EditAsync(
        IReadOnlyList<PlantEdit> edits, IReadOnlyDictionary<(PlantPart Part, string Id), string> tags, PlantAuthor author,
        long? validFromUs, Action<PlantState> permit, CancellationToken cancellationToken)
    {
        for (var race = 0; race < MaxRaces; race++)
        {
            var before = await ReadAsync(cancellationToken);
            permit(before);
            var (document, times) = Edited(before, edits, tags, validFromUs);
            var saysTimes = times.Machines.Count > 0 || times.Calendars.Count > 0;
            if (document.SameAs(before.Document) && !saysTimes) return before;
            var source = RevisionSource.Api;
            if (await _changes.WriteAsync(before, document, author, source, times, cancellationToken) is { } written)
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
    /// <param name="validFromUs">From when on it would hold where an edit does not say so itself; null: from now on.</param>
    /// <returns>The document, and from when on what it says holds.</returns>
    public (PlantDocument Document, ModelTimes Times) Edited(
        PlantState before, IReadOnlyList<PlantEdit> edits, IReadOnlyDictionary<(PlantPart Part, string Id), string> tags,
        long? validFromUs)
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

        var (machines, calendars) = (new Dictionary<string, long>(), new Dictionary<string, long>());
        foreach (var edit in edits)
        {
            editor.Apply(edit);
            // What is new has no history that a time could be of; but a calendar may be given to machines that have one.
            var isNewCalendar = (edit.Deed, edit.Part) == (PlantDeed.Add, PlantPart.Calendar);
            var isChanged = edit.Deed is PlantDeed.Replace or PlantDeed.Merge || isNewCalendar;
            if (!isChanged || editor.Show(edit.Part, edit.Id) is not JsonObject shown) continue;
            var said = shown["valid_from"] is { } time && UnixMicros.TryParse(time.ToString(), out var from) ? from : validFromUs;
            if (said is not { } us) continue;
            if (edit.Part == PlantPart.Calendar) calendars[edit.Id] = us;
            else if (edit.Part == PlantPart.Asset && editor.KindOf(edit.Id) == AssetPlace.Machine) machines[edit.Id] = us;
        }

        var document = editor.Document;
        try
        {
            // As it would be written: also that a machine which is no more keeps its id.
            if (document.Retiring(before.Document, UnixMicros.Now(clock)).Read().Site.Id is var site && site != before.Plant.Site.Id)
            {
                throw new EditException(EditFailure.Conflict, $"the site's id '{before.Plant.Site.Id}' cannot be changed");
            }
        }
        catch (ConfigException error)
        {
            throw editor.Invalid(error);
        }

        return (document, new ModelTimes(validFromUs, machines, calendars));
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
            // The one that this process started with is there already.
            if (directory.Now.Revision != state.Revision.Revision)
            {
                store.ForgetSignals();
                directory.Take(state.Plant, state.Models, state.Revision.Revision);
                Log.Taken(log, state.Revision.Revision, UnixMicros.ToIso(state.Revision.AtUs), state.Revision.Author);
            }

            // Last: what could not be taken is tried again.
            _state = state;
        }
        finally
        {
            _taking.Release();
        }
    }
}
