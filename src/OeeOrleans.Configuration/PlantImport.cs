using System.Text;
using OeeOrleans.Configuration.Document;
using OeeOrleans.Kpi.Plant;
using OeeOrleans.Model;
using OeeOrleans.Model.Plant;
using OeeOrleans.Storage;
using OeeOrleans.Storage.Plant;

namespace OeeOrleans.Configuration;

/// <summary>What happens when both a file and the store were changed since the file was last imported.</summary>
public enum ImportConflict
{
    /// <summary>It stops, and says what differs.</summary>
    Stop,

    /// <summary>The store's plant stays.</summary>
    KeepStored,

    /// <summary>The file's plant becomes the store's.</summary>
    TakeFile,
}

/// <summary>A plant file into the store: as the first revision, or as the next one when the file was changed since it was last
/// imported.</summary>
public sealed class PlantImport(IStore store, TimeProvider clock)
{
    private const int MaxRaces = 5;

    private readonly PlantChanges _changes = new(store, clock);

    public bool AcceptOlderModel { get; init; }

    public ImportConflict OnConflict { get; init; }

    /// <summary>What machines' models were over time, for machines that the store knows nothing of.</summary>
    public IReadOnlyList<ModelVersion> History { get; init; } = [];

    /// <param name="file">The plant that a file has.</param>
    /// <param name="author">Who imports it.</param>
    /// <param name="isPlantFile">It is the plant's own file; otherwise it is another one, and says nothing of what that one says.</param>
    /// <returns>The newest revision, and the one before; that is null when there was none.</returns>
    /// <exception cref="PlantConflictException">Both were changed.</exception>
    /// <exception cref="OlderModelException">The file's model is one that was replaced.</exception>
    /// <exception cref="PendingModelException">Something is to hold from a later time on, and the file gives no time.</exception>
    /// <exception cref="ConfigException">The document says nothing that could be.</exception>
    public async Task<(PlantState Now, PlantState? Before)> RunAsync(
        PlantDocument file, PlantAuthor author, bool isPlantFile, CancellationToken cancellationToken)
    {
        for (var race = 0; race < MaxRaces; race++)
        {
            var before = await _changes.ReadAsync(cancellationToken);
            if (before is not null && !await MustWriteAsync(file, before, author, isPlantFile, cancellationToken)) return (before, before);
            var models = await ModelsAsync(file, before, cancellationToken);
            var source = isPlantFile ? RevisionSource.File : RevisionSource.Import;
            var said = isPlantFile ? file.WithoutRetired().Text : null;
            if (await _changes.WriteAsync(before, file, models, author, source, null, said, cancellationToken) is { } written)
            {
                return (written, before);
            }
        }

        throw new StoreUnavailableException("others are changing the plant all the time");
    }

    private async Task<IReadOnlyList<ModelVersion>> ModelsAsync(
        PlantDocument file, PlantState? before, CancellationToken cancellationToken)
    {
        var plant = file.Read();
        IReadOnlyList<ModelVersion> stored = before?.Models ?? await store.ReadModelsAsync(cancellationToken);
        var reverted = AcceptOlderModel || OnConflict == ImportConflict.TakeFile ? [] : ModelHistory.Reverted(stored, plant);
        if (reverted.Count > 0) throw new OlderModelException(reverted);
        var known = stored.Select(v => (v.Machine, v.Part)).ToHashSet();
        stored = [.. stored, .. History.Where(v => !known.Contains((v.Machine, v.Part)))];
        var nowUs = UnixMicros.Now(clock);
        // What an earlier release left is brought up to date; after that only what is another one changes.
        return before is null
            ? ModelHistory.Update(stored, plant, nowUs)
            : ModelHistory.Change(stored, before.Plant, plant, ModelTimes.Of(before.Plant, plant), nowUs);
    }

    private async Task<bool> MustWriteAsync(
        PlantDocument file, PlantState before, PlantAuthor author, bool isPlantFile, CancellationToken cancellationToken)
    {
        // A file does not speak of machines that are no more.
        var (mine, theirs) = (file.WithoutRetired(), before.Document.WithoutRetired());
        if (!isPlantFile) return !mine.SameAs(theirs);
        var seen = await store.Plant.ReadFileAsync(cancellationToken);
        // Of a plant that came from somewhere else nobody knows what this file made of it.
        var origin = seen is null ? null : PlantDocument.Parse(seen);
        if (origin is not null && mine.SameAs(origin)) return OnConflict == ImportConflict.TakeFile && !mine.SameAs(theirs);
        if (mine.SameAs(theirs))
        {
            await SeenAsync(mine, author, cancellationToken);
            return false;
        }

        if (origin is not null && theirs.SameAs(origin)) return true;
        switch (OnConflict)
        {
            case ImportConflict.TakeFile:
                return true;
            case ImportConflict.KeepStored:
                await SeenAsync(mine, author, cancellationToken);
                return false;
            default:
                throw new PlantConflictException(before.Revision.Revision, DocumentDiff.ThreeWay(origin ?? theirs, mine, theirs));
        }
    }

    /// <summary>From now on only what is changed in the file after this is an import.</summary>
    private Task SeenAsync(PlantDocument file, PlantAuthor author, CancellationToken cancellationToken) => store.Plant.SaveFileAsync(
        file.Text,
        new AuditEntry(UnixMicros.Now(clock), author.Name, "plant.file", "plant", "{}") { Origin = author.Origin }, cancellationToken);
}

/// <summary>Both the file and the store were changed since the file was last imported.</summary>
public sealed class PlantConflictException(long revision, IReadOnlyList<ThreeWayDifference> differences)
    : Exception(Text(revision, differences))
{
    private const int MaxShown = 40;

    public IReadOnlyList<ThreeWayDifference> Differences => differences;

    private static string Text(long revision, IReadOnlyList<ThreeWayDifference> differences)
    {
        var text = new StringBuilder(
            $"the plant was changed both in the file and in the store (revision {revision}) since the file was last imported:");
        foreach (var difference in differences.Take(MaxShown))
        {
            if (difference.Mine is { } mine) text.Append($"\n  {(difference.Conflicts ? "! " : "")}file   {mine}");
            if (difference.Theirs is { } theirs) text.Append($"\n  {(difference.Conflicts ? "! " : "")}store  {theirs}");
        }

        if (differences.Count > MaxShown) text.Append($"\n  and {differences.Count - MaxShown} more");
        return text.Append(
            "\nPut into the file what the store has (oee config export prints it), or have one of them win: "
                + "oee config import --keep-store or --force").ToString();
    }
}

/// <summary>The plant model of the file was replaced by a later one, and it must not silently be written back.</summary>
public sealed class OlderModelException(IReadOnlyList<RevertedModel> reverted) : Exception(Text(reverted))
{
    private const int Named = 5;

    private static string Text(IReadOnlyList<RevertedModel> reverted)
    {
        var machines = reverted.Take(Named).Select(r => $"{r.Machine} ({r.Part}, replaced {UnixMicros.ToIso(r.ReplacedUs)})");
        var more = reverted.Count > Named ? $" and {reverted.Count - Named} more" : "";
        return $"the plant model of the file is older than that of the store: {string.Join(", ", machines)}{more}. "
            + "Use the newest file; where a change back is meant, give it a time (valid_from), or start once with --accept-older-model";
    }
}
