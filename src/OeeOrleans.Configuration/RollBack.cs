using OeeOrleans.Configuration.Document;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Plant;

namespace OeeOrleans.Configuration;

/// <summary>An earlier revision becomes the newest one again.</summary>
public static class RollBack
{
    /// <exception cref="EditException">There is no such revision, this release cannot read it, or somebody else was first.</exception>
    public static async Task<PlantState> RunAsync(
        IStore store, PlantChanges changes, long revision, PlantAuthor author, long? validFromUs, CancellationToken cancellationToken)
    {
        if (await changes.ReadAsync(cancellationToken) is not { } before)
        {
            throw new EditException(EditFailure.Missing, "the store has no plant model yet");
        }

        if (await store.Plant.ReadRevisionAsync(revision, cancellationToken) is not { } earlier)
        {
            throw new EditException(EditFailure.Missing, $"there is no revision {revision}; the newest one is {before.Revision.Revision}");
        }

        var document = PlantDocument.Parse(earlier.Document).Retiring(before.Document, before.Revision.AtUs);
        if (document.SameAs(before.Document)) return before;
        var comment = author.Comment.Length > 0 ? author.Comment : $"back to revision {revision}";
        try
        {
            return await changes.WriteAsync(
                before, document, author with { Comment = comment }, RevisionSource.Rollback, ModelTimes.From(validFromUs),
                cancellationToken)
                ?? throw new EditException(EditFailure.Changed, "somebody else changed the plant just now; look at it and try again");
        }
        catch (ConfigException error)
        {
            throw new EditException(EditFailure.Conflict, $"revision {revision} cannot be had again: {error.Message}");
        }
    }
}
