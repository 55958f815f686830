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

/// <summary>A plant file into the store: as the first revision, or as the next one when the file was changed since it was last imported.</summary>
public sealed class PlantImport(IStore store, TimeProvider clock)
{
    private const int MaxRaces = 5;

    private readonly PlantChanges _changes = new(store, clock);

    public bool AcceptOlderModel { get; init; }

    public ImportConflict OnConflict { get; init; }

    /// <summary>What machines' models were over time, for machines that the store knows nothing of.</summary>
    public IReadOnlyList<ModelVersion> History { get; init; } = [];

    /// <param name="file">The file's plant.</param>
    /// <param name="author">Who imports it.</param>
    /// <returns>The newest revision, and the one before; that is null when there was none.</returns>
    /// <exception cref="PlantConflictException">Both were changed.</exception>
    /// <exception cref="OlderModelException">The file's model is one that was replaced.</exception>
    /// <exception cref="ConfigException">The document says nothing that could be.</exception>
    public async Task<(PlantState Now, PlantState? Before)> RunAsync(
        PlantDocument file, PlantAuthor author, CancellationToken cancellationToken)
    {
        for (var race = 0; race < MaxRaces; race++)
        {
            var before = await _changes.ReadAsync(cancellationToken);
            if (before is not null && !await MustWriteAsync(file, before, cancellationToken)) return (before, before);
            IReadOnlyList<ModelVersion> stored = before?.Models ?? await store.ReadModelsAsync(cancellationToken);
            var plant = file.Read();
            var reverted = AcceptOlderModel || OnConflict == ImportConflict.TakeFile ? [] : ModelHistory.Reverted(stored, plant);
            if (reverted.Count > 0) throw new OlderModelException(reverted);
            var known = stored.Select(v => (v.Machine, v.Part)).ToHashSet();
            stored = [.. stored, .. History.Where(v => !known.Contains((v.Machine, v.Part)))];
            var models = ModelHistory.Update(stored, plant, UnixMicros.Now(clock));
            if (await _changes.WriteAsync(before, file, models, author, RevisionSource.File, null, cancellationToken) is { } written)
            {
                return (written, before);
            }
        }

        throw new StoreUnavailableException("others are changing the plant all the time");
    }

    private async Task<bool> MustWriteAsync(PlantDocument file, PlantState before, CancellationToken cancellationToken)
    {
        // A file does not speak of machines that are no more.
        var (mine, theirs) = (file.WithoutRetired(), before.Document.WithoutRetired());
        var imported = await store.Plant.ReadNewestFromAsync(RevisionSource.File, cancellationToken);
        var origin = imported is null ? theirs : PlantDocument.Parse(imported.Document).WithoutRetired();
        if (mine.SameAs(origin)) return OnConflict == ImportConflict.TakeFile && !mine.SameAs(theirs);
        // The store was not changed, or the file has caught up with it.
        if (theirs.SameAs(origin) || mine.SameAs(theirs)) return true;
        return OnConflict switch
        {
            ImportConflict.TakeFile => true,
            ImportConflict.KeepStored => false,
            _ => throw new PlantConflictException(before.Revision.Revision, DocumentDiff.ThreeWay(origin, mine, theirs)),
        };
    }
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
